"""Values are recognised one by one by what they hold, and what is no post is named."""

import json

import pytest

from customer_profiles.posts import archive
from customer_profiles.posts.formats import tally
from tests.posts.formats.test_v1 import ACCOUNT, a_tweet, an_archived_tweet
from tests.posts.formats.test_web import a_post as a_web_post
from tests.posts.formats.test_web import from_4cat, zeeschuimer
from tests.posts.small import a_page, a_post, a_user, lines, read_ids


def read(tmp_path, *values, **others):
    (tmp_path / "file").write_bytes(lines(*values))
    for name, content in others.items():
        (tmp_path / name).write_bytes(content)
    return archive.read(tmp_path)


def test_formats_are_mixed_freely_also_in_one_file(tmp_path):
    conversation = read(
        tmp_path,
        a_page(1),
        a_post(2),
        a_post(3, author=a_user()),
        a_tweet(id=4, id_str="4"),
        zeeschuimer(a_web_post("5")),
        from_4cat(a_web_post("6")),
        {"statuses": [a_tweet(id=7, id_str="7")]},
        [a_page(8), a_post(9)],
        {"data": a_post(10), "matching_rules": []},
    )
    assert sorted(map(int, read_ids(conversation))) == list(range(1, 11))
    assert not conversation.account.reasons
    assert conversation.account.formats == {
        "X API v2 pages": 3,
        "X API v2 posts, one by one": 3,
        "X API v1.1": 2,
        "Zeeschuimer or 4CAT": 2,
    }


def test_an_error_of_x_is_no_page_and_is_told_as_such(tmp_path):
    refused = {"title": "Too Many Requests", "detail": "x", "type": "about:blank", "status": 429}
    invalid = {"errors": [{"message": "x"}], "title": "Invalid Request", "detail": "x"}
    of_v1 = {"errors": [{"message": "Rate limit exceeded", "code": 88}]}
    missing = {"errors": [{"title": "Not Found Error", "resource_type": "tweet", "value": "7"}]}
    conversation = read(tmp_path, a_page(1), refused, invalid, of_v1, missing)
    assert conversation.account.reasons == {tally.REFUSED: 3}
    assert (conversation.counts["there"], conversation.counts["partial_errors"]) == (4, 1)


def test_a_search_without_results_says_that_it_found_nothing(tmp_path):
    empty = {"meta": {"result_count": 0}}
    with pytest.raises(ValueError, match=r"^the search found nothing: 2 pages without posts$"):
        read(tmp_path, empty, {"data": [], "meta": {"result_count": 0}})


def test_what_has_no_posts_at_all_is_named(tmp_path):
    users = {"id": "1", "username": "sample_author_00001_tw", "public_metrics": {}}
    with pytest.raises(ValueError, match=r"no posts: 2 objects of no format .*file, line 1.*lists"):
        read(tmp_path, users, {"a": 1})
    with pytest.raises(ValueError, match="there are no posts: file is neither JSON nor a table"):
        read(tmp_path, *["just words"])


def test_empty_lists_of_r_are_no_objects_and_users_may_lie_in_a_file_beside(tmp_path):
    post = a_post(1, public_metrics={}, referenced_tweets={}, withheld={})
    conversation = read(
        tmp_path, [post], {}, [], users_1=lines({"users": [a_user(verified=True)], "tweets": {}})
    )
    assert read_ids(conversation) == ["1"]
    assert conversation.authors["verified"].tolist() == [True]
    assert not conversation.account.reasons
    # Where authors lie beside the posts, X does not show one who is missing.
    hidden = read(tmp_path, [post, a_post(2, author_id="78")])
    assert hidden.account.reasons == {tally.HIDDEN_AUTHOR: 1}


def test_posts_of_the_api_that_4cat_keeps_have_their_author_and_missing_ones_are_named(tmp_path):
    metrics = {"followers_count": 12, "following_count": 3, "tweet_count": 4, "listed_count": 5}
    original = {"type": "retweeted", "id": "9", "text": "the whole " * 20, "author_user": None}
    missing = {
        "resource_id": "5", "resource_type": "tweet", "title": "Not Found Error", "detail": "x",
        "type": "x", "id": "5", "created_at": "2026-06-01T10:00:00.000Z", "text": "",
        "author_user": {"name": "UNKNOWN", "username": "UNKNOWN"}, "author_id": "UNKNOWN",
        "public_metrics": {}, "subject": "x",
    }  # fmt: skip
    (tmp_path / "file").write_bytes(
        lines(
            a_post(1, author_user=a_user(public_metrics=metrics)),
            a_post(2, author_user=None, author_id="78"),
            a_post(3, author_user=a_user(), text="RT @x: the w…", referenced_tweets=[original]),
            missing,
        )
    )
    conversation = archive.read(tmp_path, reposts=True)
    assert conversation.posts["text"].tolist()[1] == f"RT @x: {original['text']}"
    assert conversation.authors["followers"].tolist() == [12]
    assert conversation.account.reasons == {tally.HIDDEN_AUTHOR: 1, tally.NOT_GIVEN: 1}
    assert conversation.counts["there"] == 4


def of_x(section, *values, part=0):
    return f"window.YTD.{section}.part{part} = {json.dumps(values, indent=2)}".encode()


def test_the_posts_of_x_s_personal_archive_are_by_the_account_beside_them(tmp_path):
    for name, content in {
        "tweets.js": of_x("tweets", an_archived_tweet()),
        "tweets-part1.js": of_x("tweets", an_archived_tweet(id="8", id_str="8"), part=1),
        "account.js": of_x("account", ACCOUNT),
        "like.js": of_x("like", {"like": {"tweetId": "1", "fullText": "x"}}),
        "manifest.js": b"window.__THAR_CONFIG = {}",
    }.items():
        (tmp_path / name).write_bytes(content)
    conversation = archive.read(tmp_path)
    assert conversation.posts["author_id"].unique().tolist() == [ACCOUNT["account"]["accountId"]]
    assert conversation.counts["posts"] == 2
    assert conversation.account.reasons == {tally.NO_POST: 1}
    assert list(conversation.account.files) == ["manifest.js"]
    (tmp_path / "account.js").unlink()
    with pytest.raises(ValueError, match=r"author's id .*personal archive, put account.js beside"):
        archive.read(tmp_path)


def test_two_personal_archives_keep_their_owners(tmp_path):
    for owner in ("91", "92"):
        folder = tmp_path / owner / "data"
        folder.mkdir(parents=True)
        account = {"account": ACCOUNT["account"] | {"accountId": owner}}
        (folder / "account.js").write_bytes(of_x("account", account))
        (folder / "tweets.js").write_bytes(of_x("tweets", an_archived_tweet(id_str=owner)))
    assert archive.read(tmp_path).posts["author_id"].tolist() == ["91", "92"]


OTHERS = {
    "snscrape": {
        "_type": "snscrape.modules.twitter.Tweet",
        "url": "https://twitter.com/x/status/1",
        "date": "2021-03-03T08:00:00+00:00",
        "content": "scones",
        "rawContent": "scones",
        "id": 1,
        "user": {"_type": "snscrape.modules.twitter.User", "username": "x", "id": 7},
        "likeCount": 1,
    },
    "GNIP": {
        "id": "tag:search.twitter.com,2005:1",
        "objectType": "activity",
        "verb": "post",
        "body": "scones",
        "actor": {"id": "id:twitter.com:7", "preferredUsername": "x"},
        "postedTime": "2014-03-03T08:00:00.000Z",
    },
    "compliance stream": {"delete": {"tweet": {"id": "1", "author_id": "7"}, "event_at": "x"}},
    "compliance stream of data": {"data": {"tweet_delete": {"tweet": {"id": "1"}}}},
    "compliance job": {"id": "1", "action": "delete", "reason": "deleted", "created_at": "2021"},
    "Botometer": {"user": {"user_data": {"id_str": "7"}}, "cap": {"english": 0.8}},
    "Mastodon": {"id": "1", "content": "<p>scones</p>", "account": {"id": "7"}},
    "counts": {"tweet_count": 4, "start": "2021-03-03T08:00:00.000Z", "end": "2021"},
}


@pytest.mark.parametrize("tool", OTHERS)
def test_what_other_tools_write_is_left_out_by_name(tmp_path, tool):
    conversation = read(tmp_path, a_page(1), OTHERS[tool])
    assert read_ids(conversation) == ["1"]
    assert conversation.counts["there"] == 2 - (tool == "compliance stream")
    assert set(conversation.account.reasons) <= {tally.UNKNOWN_OBJECT, tally.NO_TEXT}
