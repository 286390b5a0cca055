"""X API pages become posts and authors, whatever is missing, and never say whose they are."""

import json
import logging
import traceback
from copy import deepcopy
from itertools import product

import pytest

from customer_profiles.posts import archive
from customer_profiles.posts.formats import tally
from customer_profiles.posts.pages import collect, parse_lines
from customer_profiles.project.vocabulary import UNKNOWN

AUTHOR, POST = "9100000000000000001", "9000000000000000001"
HANDLE, TEXT = "sample_author_00001_tw", "Lovely scones at Tindlewick today"
SECRETS = (AUTHOR, POST, HANDLE, TEXT, "scones")


def a_post(**changes):
    return {
        "id": POST,
        "author_id": AUTHOR,
        "text": TEXT,
        "created_at": "2026-06-30T12:00:00.000Z",
        "lang": "en",
        "public_metrics": {"like_count": 5, "retweet_count": 2},
    } | changes


def a_user(**changes):
    return {
        "id": AUTHOR,
        "username": HANDLE,
        "name": "Sample author 1",
        "created_at": "2019-02-28T23:59:59.000Z",
        "verified": False,
        "protected": False,
        "public_metrics": {
            "followers_count": 10,
            "following_count": 20,
            "tweet_count": 30,
            "listed_count": 1,
        },
    } | changes


def a_page(posts=None, users=None, **more):
    return {
        "data": [a_post()] if posts is None else posts,
        "includes": {"users": [a_user()] if users is None else users},
        "meta": {"result_count": 1},
    } | more


def test_a_page_gives_its_post_and_author_with_known_values():
    conversation = collect([a_page()])
    assert conversation.posts.to_dict("records") == [
        {
            "post_id": POST,
            "author_id": AUTHOR,
            "day": "2026-06-30",
            "text": TEXT,
            "language": "en",
            "favorites": 5,
            "retweets": 2,
            "repost": False,
        }
    ]
    assert conversation.authors.to_dict("records") == [
        {
            "author_id": AUTHOR,
            "followers": 10,
            "following": 20,
            "listed": 1,
            "account_posts": 30,
            "verified": False,
            "protected": False,
            "created": "2019-02",
        }
    ]
    assert {name: count for name, count in conversation.counts.items() if count} == {
        "there": 1,
        "pages": 1,
        "posts": 1,
        "authors": 1,
    }
    assert not conversation.account.reasons


def test_a_stream_item_reads_like_a_search_answer():
    item = {"data": a_post(), "includes": {"users": [a_user()]}, "matching_rules": [{"id": "1"}]}
    assert_same(collect([item]), collect([a_page()]))


def test_both_spellings_of_renamed_fields_read_alike():
    metrics = {"like_count": 5, "repost_count": 2}
    new_user = a_user()
    new_user["public_metrics"]["post_count"] = new_user["public_metrics"].pop("tweet_count")
    new = a_page([a_post(public_metrics=metrics)], [new_user])
    assert_same(collect([new]), collect([a_page()]))


@pytest.mark.parametrize("language", [None, "", 7])
def test_a_post_whose_language_is_not_told_has_none(language):
    assert collect([a_page([a_post(lang=language)])]).posts["language"].tolist() == [None]


@pytest.mark.parametrize("field", ["referenced_tweets", "referenced_posts"])
def test_a_repost_is_without_the_retweets_of_the_post_it_repeats(field):
    repost = a_post(**{field: [{"type": "retweeted", "id": "9"}]})
    conversation = collect([a_page([repost])], reposts=True)
    assert conversation.counts["reposts"] == 1
    assert conversation.posts["retweets"].tolist() == [0]
    answered = collect([a_page([a_post(**{field: [{"type": "replied_to", "id": "9"}]})])])
    assert answered.counts["reposts"] == 0
    assert answered.posts["retweets"].tolist() == [2]
    assert (conversation.posts["repost"].item(), answered.posts["repost"].item()) == (True, False)


def test_what_begins_as_a_repost_is_one_also_where_no_page_refers_to_the_other_post():
    texts = {"RT @sample_author_00001_tw: Lovely": True, "Lovely. RT @sample: so": False}
    for text, repost in texts.items():
        conversation = collect([a_page([a_post(text=text)])], reposts=True)
        assert conversation.posts["repost"].tolist() == [repost]
        assert conversation.posts["retweets"].tolist() == [2]


def test_reposts_are_left_out_and_who_only_reposts_is_counted():
    other = "9100000000000000002"
    posts = [
        a_post(),
        a_post(id="2", text="RT @sample_author_00003_tw: Lovely"),
        a_post(id="3", text="RT @sample_author_00003_tw: Lovely", author_id=other),
    ]
    page = a_page(posts, [a_user(), a_user(id=other)])
    conversation = collect([page])
    assert conversation.posts["post_id"].tolist() == [POST]
    assert conversation.authors["author_id"].tolist() == [AUTHOR]
    assert conversation.account.reasons == {tally.REPOST: 2}
    counts = conversation.counts
    assert (counts["there"], counts["reposts"], counts["authors_who_only_repost"]) == (3, 2, 1)
    counted = collect([page], reposts=True)
    assert not counted.account.reasons
    counts = counted.counts
    assert (counts["posts"], counts["reposts"], counts["authors_who_only_repost"]) == (3, 2, 0)


def test_the_last_page_wins():
    early = a_page()
    late = a_page(
        [a_post(public_metrics={"like_count": 4, "repost_count": 3})],
        [a_user(public_metrics=a_user()["public_metrics"] | {"followers_count": 9})],
    )
    conversation = collect([early, late])
    assert conversation.account.reasons == {tally.REPEATED: 1}
    assert conversation.counts["there"] == 2
    assert conversation.posts[["favorites", "retweets"]].to_numpy().tolist() == [[4, 3]]
    assert conversation.authors["followers"].tolist() == [9]
    back = collect([late, early])
    assert back.posts[["favorites", "retweets"]].to_numpy().tolist() == [[5, 2]]
    assert back.authors["followers"].tolist() == [10]


def test_a_later_page_without_a_field_does_not_blank_it():
    bare = a_page([{"id": POST}], [{"id": AUTHOR, "username": HANDLE}])
    conversation = collect([a_page(), bare])
    known = collect([a_page(), a_page()])
    assert_same(conversation, known)


def test_an_author_on_another_page_is_found():
    conversation = collect([a_page(users=[]), a_page(posts=[])])
    assert conversation.counts["posts"] == 1


def test_people_who_are_only_mentioned_are_no_authors():
    conversation = collect([a_page(users=[a_user(), a_user(id="9100000000000000002")])])
    assert conversation.authors["author_id"].tolist() == [AUTHOR]


def test_integer_ids_become_text():
    conversation = collect([a_page([a_post(id=12, author_id=34)], [a_user(id=34)])])
    assert conversation.posts["post_id"].tolist() == ["12"]
    assert conversation.authors["author_id"].tolist() == ["34"]


@pytest.mark.parametrize(
    ("created_at", "day"),
    [
        ("2026-06-30T23:30:00.000Z", "2026-06-30"),
        ("2026-06-30T23:30:00-02:00", "2026-07-01"),
        ("2026-06-30T00:30:00+02:00", "2026-06-29"),
        ("2026-06-30T23:30:00", "2026-06-30"),
    ],
)
def test_the_day_is_the_day_in_utc(created_at, day):
    assert collect([a_page([a_post(created_at=created_at)])]).posts["day"].tolist() == [day]


@pytest.mark.parametrize(
    ("fields", "verified"),
    [
        ({"verified": True}, True),
        ({"verified": True, "verified_type": None}, True),
        ({"verified": True, "verified_type": "blue"}, False),
        ({"verified": True, "verified_type": "none"}, False),
        ({"verified": True, "verified_type": "business"}, True),
        ({"verified": False, "verified_type": "government"}, True),
        ({"verified": False}, False),
    ],
)
def test_paid_verification_is_not_verification(fields, verified):
    conversation = collect([a_page(users=[a_user(**fields)])])
    assert conversation.authors["verified"].tolist() == [verified]


def test_metrics_that_no_page_gives_are_unknown():
    nothing = {"like_count": None, "retweet_count": None}
    user = {"id": AUTHOR, "username": HANDLE}
    conversation = collect([a_page([a_post(public_metrics=nothing)], [user])])
    assert conversation.posts[["favorites", "retweets"]].to_numpy().tolist() == [[UNKNOWN, UNKNOWN]]
    assert conversation.authors.iloc[0, 1:5].tolist() == [UNKNOWN] * 4
    assert conversation.authors["created"].tolist() == [None]
    assert conversation.counts["authors_without_metrics"] == 1


def test_posts_that_cannot_be_used_are_left_out_and_counted():
    def other(number, **changes):
        return a_post(id=f"900000000000000010{number}") | changes

    without_text = other(1)
    del without_text["text"]
    posts = [
        a_post(),
        without_text,
        other(2, text="  "),
        other(3, id="103", created_at="yesterday"),  # older than the ids that hold a time
        other(4, id="104", created_at=None),
        other(5, id="105", created_at="2026-02-30T12:00:00Z"),
        other(6, author_id="9100000000000000009"),
        other(7, author_id=None),
        other(8, withheld={"copyright": False, "country_codes": ["DE"]}),
        a_post(id=None),
        a_post(id=9.0e18),
        a_post(id="9.0E+18"),
        other(9, author_id=9.1e18),
    ]
    conversation = collect(
        [a_page(posts, errors=[{"title": "Forbidden"}, {"title": "Not Found Error"}])]
    )
    assert conversation.posts["post_id"].tolist() == [POST]
    assert {name: count for name, count in conversation.counts.items() if count} == {
        "there": 13,
        "pages": 1,
        "partial_errors": 2,
        "posts": 1,
        "authors": 1,
    }
    assert conversation.account.reasons == {
        tally.NO_ID: 1,
        tally.DECIMAL: 3,
        tally.NO_TEXT: 2,
        tally.NO_DATE: 3,
        tally.HIDDEN_AUTHOR: 1,
        tally.NO_AUTHOR: 1,
        tally.WITHHELD: 1,
    }


def test_authors_who_were_not_asked_for_are_unknown_and_not_hidden():
    page = a_page()
    del page["includes"]
    conversation = collect([page])
    assert conversation.authors["followers"].tolist() == [UNKNOWN]
    assert conversation.counts["authors_without_metrics"] == 1
    suspended = {"resource_type": "user", "resource_id": AUTHOR, "title": "Forbidden"}
    with pytest.raises(ValueError, match="1 posts of authors whom X does not show"):
        collect([page, {"data": [], "errors": [suspended]}])


def test_a_date_that_is_missing_is_that_of_the_id():
    identifier = "1267051200000000000"  # Sunday, 31 May 2020, 11:32 UTC
    page = a_page([a_post(id=identifier, created_at=None)])
    assert collect([page]).posts["day"].tolist() == ["2020-05-31"]


def test_no_field_is_needed_and_no_wrong_type_stops_the_rest():
    good = a_page([a_post(id="1")])
    wrong = (None, "x", 7, -1, 10**30, 1.5, True, [], ["x", None, 3], {}, {"a": "b"}, "\ud800")
    bad = []
    for path, value in product(list(_paths(a_page())), wrong):
        page = deepcopy(a_page())
        _put(page, path, value)
        bad.append(page)
    conversation = collect([*bad, good], reposts=True)
    counts = conversation.counts
    assert counts["pages"] == len(bad) + 1
    assert counts["posts"] + sum(conversation.account.reasons.values()) == counts["there"]
    assert "1" in set(conversation.posts["post_id"])
    assert (conversation.posts[["favorites", "retweets"]] >= 0).all(axis=None)
    json.dumps(conversation.posts.to_dict("records"), ensure_ascii=False).encode("utf-8")


def test_rows_are_sorted_by_id_and_have_fixed_types():
    posts = [a_post(id=str(number), author_id=str(50 - number)) for number in (3, 1, 2)]
    users = [a_user(id=str(number)) for number in (48, 49, 47)]
    conversation = collect([a_page(posts, users)])
    assert conversation.posts["post_id"].tolist() == ["1", "2", "3"]
    assert conversation.authors["author_id"].tolist() == ["47", "48", "49"]
    assert [str(kind) for kind in conversation.posts.dtypes] == (
        ["object"] * 5 + ["int64"] * 2 + ["bool"]
    )
    assert [str(kind) for kind in conversation.authors.dtypes] == (
        ["object"] + ["int64"] * 4 + ["bool"] * 2 + ["object"]
    )


def test_lines_that_are_no_pages_are_counted_and_blank_ones_skipped():
    lines = [json.dumps(a_page()), "", "\r\n", '{"data": [', "[1, 2]", "7", "[" * 100_000]
    account = tally.Tally()
    conversation = collect(parse_lines(map(str.encode, lines), account), account)
    assert account.reasons == {tally.TORN: 2, tally.UNKNOWN_OBJECT: 2, tally.NO_JSON: 1}
    assert (conversation.counts["posts"], conversation.counts["there"]) == (1, 6)


@pytest.mark.parametrize(
    ("pages", "message"),
    [
        ([], "there are no posts: the files are empty"),
        ([{"meta": {"result_count": 0}}] * 2, "the search found nothing: 2 pages without posts"),
        ([a_page(users=[])], "none of 1 posts can be used: 1 posts of authors whom X does not"),
        ([a_page([a_post(text=None)])], "1 posts without a text; request the field text"),
        ([a_page([a_post(author_id=None)])], "author's id; request the field author_id"),
        ([a_page([a_post(text="RT @x: a")])], "1 reposts; set reposts in section pull to true"),
    ],
)
def test_pages_without_a_post_to_use_are_refused_with_the_way_out(pages, message):
    with pytest.raises(ValueError, match=message):
        collect(pages)


def test_no_id_handle_or_text_is_in_any_error_log_line_or_repr(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    stranger = a_user(id="9100000000000000002")
    problem = {"detail": f"User has been suspended: [{AUTHOR}].", "value": HANDLE}
    failing = {
        "no posts": [{"includes": {"users": [a_user()]}, "errors": [problem]}],
        "no authors": [a_page(users=[], errors=[problem])],
        "no id": [a_page([a_post(id=None)])],
        "no date": [a_page([a_post(id="7", created_at=TEXT)])],
        "author elsewhere": [a_page(users=[stranger], errors=[problem])],
    }
    output = []
    for name, pages in failing.items():
        folder = tmp_path / name.replace(" ", "-")
        folder.mkdir()
        lines = [*map(json.dumps, pages), json.dumps(a_page())[:-40]]
        (folder / "pages.jsonl").write_text("\n".join(lines))
        with pytest.raises(ValueError, match="post") as caught:
            archive.read(folder)
        output += traceback.format_exception(caught.value)
        assert "(first in pages.jsonl, line 1)" in str(caught.value) or name == "no posts"
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
    (tmp_path / "good.jsonl").write_text(json.dumps(a_page()) + "\n" + json.dumps(a_page())[:-40])
    conversation = archive.read(tmp_path / "good.jsonl")
    archive.tell(conversation, 10)
    output += [repr(conversation), str(conversation), caplog.text]
    assert "that end too early or are damaged, 1 of 2 (first in good.jsonl, line 2)" in (
        caplog.text
    )
    assert conversation.posts["text"].tolist() == [TEXT]
    assert [secret for secret in SECRETS for line in output if secret in line] == []


def assert_same(one, other):
    assert one.posts.equals(other.posts)
    assert one.authors.equals(other.authors)


def _paths(value, path=()):
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else []
    items = enumerate(value) if isinstance(value, list) else items
    for key, item in items:
        yield from _paths(item, (*path, key))


def _put(value, path, new):
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = new
