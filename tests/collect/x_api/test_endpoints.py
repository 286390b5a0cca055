"""Search, mentions and counts against a loopback X that misbehaves: all is had, once, in time."""

import json
import random
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import pytest

from customer_profiles.bench.loopback.faults import FAULTS, TOKEN
from customer_profiles.bench.loopback.posts import invented
from customer_profiles.bench.loopback.server import BRAND, XServer
from customer_profiles.bench.loopback.ways import (
    BOUNDS,
    MENTION,
    QUERY,
    WAYS,
    by_mentions,
    by_search,
    ids,
)
from customer_profiles.collect.x_api import endpoints, errors, query
from customer_profiles.collect.x_api.endpoints import Window
from customer_profiles.posts import pages
from customer_profiles.posts.formats import tally

# None of these may cost a post.
PASSING = [
    "429", "429 absurd reset", "429 no reset", "429 past reset", "429 this second",
    "500", "502", "503", "504", *BOUNDS, "dropped", "reset",
    "truncated", "list", "no object", "no meta", "repeated page", "repeated token",
    "repeated posts", "partial errors", "disorder", "many lines",
]  # fmt: skip
WHOLE = {"text": f"{MENTION} {'and so it was last week ' * 20}"}
WITHHELD = {"copyright": False, "country_codes": ["DE"]}
OFTEN = [name for name in PASSING if name not in BOUNDS]


@pytest.mark.parametrize("way", WAYS)
def test_all_pages_come_newest_first_and_exactly_as_x_sent_them(ask, way):
    posts = invented(34, time.time(), [MENTION])
    with XServer(posts) as x:
        read = list(way(ask(x)))
    assert ids(read) == [post["id"] for post in posts]
    assert [page.raw.encode() for page in read] == [seen.answer.body for seen in x.requests]
    assert [page.body for page in read] == [json.loads(page.raw) for page in read]
    assert [len(page.body["data"]) for page in read] == [10, 10, 10, 4]
    assert read[0].meta["newest_id"] == posts[0]["id"]
    assert read[-1].next_token is None
    assert read[0].limit[:2] == (300, 299)


@pytest.mark.parametrize("spelling", ["tweet", "post"])
@pytest.mark.parametrize("way", WAYS)
def test_pages_hold_all_that_is_read_of_posts_and_authors(ask, way, spelling):
    with XServer(invented(5, time.time(), [MENTION]), spelling=spelling) as x:
        read = list(way(ask(x, fields=spelling)))
    conversation = pages.collect(pages.parse_lines(page.raw.encode() for page in read))
    assert conversation.counts["posts"] == 5
    assert conversation.counts["authors"] == 5
    assert conversation.counts["authors_without_metrics"] == 0
    assert sorted(conversation.posts["retweets"]) == [0, 0, 1, 1, 2]
    author = conversation.authors.iloc[0]
    assert (author.followers, author.account_posts, author.created) == (40, 20, "2019-03")
    assert not author.verified  # they pay, which is all that `verified` says


@pytest.mark.parametrize(("spelling", "note"), [("tweet", "note_tweet"), ("post", "note_post")])
@pytest.mark.parametrize("way", WAYS)
def test_the_whole_text_of_a_long_post_and_its_withholding_come_with_it(ask, way, spelling, note):
    (post,) = invented(1, time.time(), [MENTION])
    post |= {"note_tweet": WHOLE, "withheld": WITHHELD}
    with XServer([post], spelling=spelling) as x:
        (page,) = way(ask(x, fields=spelling))
    (read,) = page.body["data"]
    assert (read[note], read["withheld"]) == (WHOLE, WITHHELD)


@pytest.mark.parametrize("way", WAYS)
def test_posts_that_others_refer_to_are_not_asked_for_where_x_names_them_without(ask, way):
    # X bills them as read.
    with XServer(invented(1, time.time(), [MENTION])) as x:
        list(way(ask(x)))
    assert x.values_of("expansions") == ["author_id"]


def test_a_spelling_that_x_does_not_take_is_told_with_what_x_says(ask):
    with XServer(invented(5, time.time()), spelling="post") as x:
        client = ask(x)
        with pytest.raises(errors.BadRequest, match=r"The query parameter \[tweet.fields\]"):
            list(by_search(client))


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("way", [by_search, by_mentions])
def test_no_passing_fault_loses_a_post_or_gives_one_twice(ask, way, fault):
    posts = invented(25, time.time(), [MENTION])
    options = {"timeouts": BOUNDS[fault]} if fault in BOUNDS else {}
    with XServer(posts, [None, fault]) as x:
        numbers = ids(way(ask(x, **options)))
    assert x.faults == []
    again = 1 if fault == "disorder" else 0
    assert len(numbers) == 25 + again
    assert set(numbers) == {post["id"] for post in posts}


@pytest.mark.parametrize("seed", range(12))
def test_many_faults_at_once_lose_no_post_and_give_none_twice(ask, seed):
    chance = random.Random(seed)  # noqa: S311
    names = [name for name in OFTEN if name != "disorder"]
    faults = [chance.choice(names) if chance.random() < 0.5 else None for _ in range(20)]
    posts = invented(60, time.time(), [MENTION])
    way = chance.choice(WAYS)
    with XServer(posts, faults) as x:
        numbers = ids(way(ask(x, attempts=20, random=chance.random)))
    assert numbers == [post["id"] for post in posts]


@pytest.mark.parametrize("fault", [
    name for name in OFTEN if name not in ("partial errors", "disorder", "many lines")
])  # fmt: skip
def test_a_lasting_fault_ends_after_a_bounded_number_of_attempts(ask, fault):
    with XServer(invented(15, time.time()), [None] + [fault] * 9) as x:
        read = by_search(ask(x, attempts=4))
        assert len(next(read).body["data"]) == 10
        with pytest.raises(errors.TryAgain, match="given up after 4 attempts"):
            next(read)
    assert len(x.requests) == 5


@pytest.mark.parametrize("fault", BOUNDS)
def test_what_never_comes_to_an_end_is_cut_off(ask, fault):
    with XServer(invented(15, time.time()), [fault] * 9) as x:
        client = ask(x, attempts=2, timeouts=BOUNDS[fault])
        with pytest.raises(errors.TimedOut, match="did not answer"):
            list(by_search(client))
    assert len(x.requests) == 2


def test_a_post_without_a_text_costs_no_other(ask):
    with XServer(invented(15, time.time()), ["no text"]) as x:
        read = list(by_search(ask(x)))
    conversation = pages.collect(pages.parse_lines(page.raw.encode() for page in read))
    assert (conversation.account.reasons, conversation.counts["posts"]) == ({tally.NO_TEXT: 1}, 14)


def test_partial_errors_of_a_page_stay_in_it(ask):
    with XServer(invented(5, time.time()), ["partial errors"]) as x:
        (page,) = by_search(ask(x))
    assert [error["title"] for error in page.body["errors"]] == ["Authorization Error"]
    assert len(page.body["data"]) == 5


@pytest.mark.parametrize("fault", ["repeated page", "repeated token", "repeated posts"])
def test_a_repeated_page_is_refused_and_what_follows_can_still_be_had(ask, fault):
    posts = invented(25, time.time())
    with XServer(posts, [None] + [fault] * 3) as x:
        client = ask(x, attempts=3)
        read = by_search(client)
        first = next(read)
        with pytest.raises(errors.Repeated, match="second time"):
            next(read)
        rest = list(by_search(client, next_token=first.next_token))
    assert ids([first, *rest]) == [post["id"] for post in posts]


@pytest.mark.parametrize("way", WAYS)
def test_collecting_goes_on_from_a_token_with_the_page_behind_it(ask, way):
    posts = invented(30, time.time(), [MENTION])
    with XServer(posts) as x:
        client = ask(x)
        second = list(way(client))[1]
        rest = list(way(client, next_token=second.next_token))
    assert ids(rest) == [post["id"] for post in posts[20:]]


@pytest.mark.parametrize("way", WAYS)
def test_ids_and_times_limit_what_comes(ask, way):
    now = time.time()
    posts = invented(20, now, [MENTION])
    times = [datetime.fromisoformat(post["created_at"]) for post in posts]
    with XServer(posts) as x:
        client = ask(x)
        between = ids(way(client, window=Window(since_id=posts[9]["id"], until_id=posts[3]["id"])))
        window = ids(way(client, window=Window(start_time=times[9], end_time=times[3])))
    assert between == [post["id"] for post in posts[4:9]]
    # X's times are whole seconds: the start moves to before its post, and the end too.
    assert window == [post["id"] for post in posts[4:10]]


def test_a_time_in_another_zone_is_asked_for_in_utc(ask):
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    with XServer() as x:
        list(by_search(ask(x), window=Window(start_time=start.astimezone())))
    assert x.values_of("start_time") == [f"{start:%Y-%m-%dT%H:%M:%SZ}"]


NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": Window(start_time=NOW + timedelta(hours=1))}, "start_time is in the future"),
        ({"window": Window(start_time=NOW, end_time=NOW)}, "must be after start_time"),
        (
            {"window": Window(start_time=NOW - timedelta(days=8))},
            r"last 7 days; .* the full archive",
        ),
        ({"window": Window(end_time=NOW - timedelta(days=8))}, "last 7 days"),
        ({"window": Window(start_time=datetime(2026, 1, 1))}, "must name its time zone"),
        ({"window": Window(since_id="12a")}, "since_id must be an id"),
        ({"size": 9}, "10 to 100 posts a page for recent, got 9"),
        ({"size": 101}, "10 to 100"),
    ],
)
def test_a_window_or_size_that_cannot_be_is_refused_before_anything_is_asked(ask, options, message):
    with XServer() as x:
        client = ask(x)
        with pytest.raises(ValueError, match=message):
            endpoints.search(client, QUERY, **options)
        assert x.requests == []


def test_the_full_archive_takes_old_windows(ask):
    now = time.time()
    posts = invented(5, now - 20 * 86400)
    start = datetime.fromtimestamp(now, UTC) - timedelta(days=25)
    with XServer(posts) as x:
        assert (
            len(ids(endpoints.search(ask(x), QUERY, "all", window=Window(start_time=start)))) == 5
        )


@pytest.mark.parametrize("text", ["", "a" * 513])
def test_a_query_of_a_wrong_length_is_refused_before_anything_is_asked(ask, text):
    with XServer() as x:
        client = ask(x)
        with pytest.raises(ValueError, match=f"1 to 512 characters .*, got {len(text)}"):
            endpoints.search(client, text)
        assert x.requests == []


def test_the_query_that_is_built_finds_what_it_says(ask):
    texts = ["@tindlewick hello", "the Tindlewick queue", "old tea room", "tea in a room", "else"]
    posts = invented(5, time.time(), texts)
    posts[1]["lang"] = "pt"
    posts[2]["referenced_tweets"] = [{"type": "retweeted", "id": "1"}]

    def matching(**more):
        built = query.build(["tindlewick"], ["tindlewick", "tea room"], **more)
        return [posts.index(post) for post in posts if post["id"] in ids(by(built))]

    with XServer(posts) as x:

        def by(built):
            return list(endpoints.search(ask(x), built))

        assert matching() == [0, 1]
        assert matching(retweets=True) == [0, 1, 2]
        assert matching(language="en") == [0]


def test_the_brand_s_own_id_is_found_by_its_handle(ask):
    with XServer() as x:
        assert endpoints.user_id(ask(x), "@Tindlewick") == BRAND["id"]
        assert [seen.path for seen in x.requests] == ["/2/users/by/username/Tindlewick"]


def test_an_account_that_is_not_there_is_told(ask):
    with XServer() as x:
        client = ask(x)
        with pytest.raises(errors.NotFound, match="how the brand's handle is written"):
            endpoints.user_id(client, "nobody_here")
        with pytest.raises(ValueError, match="is no handle"):
            endpoints.user_id(client, "not a handle")
        with pytest.raises(errors.NotFound, match="X has no such account"):
            list(endpoints.mentions(client, "77"))
    assert len(x.requests) == 2


@pytest.mark.parametrize("spelling", ["tweet", "post"])
def test_counts_tell_the_volume_before_a_post_is_read(ask, spelling):
    now = time.time()
    posts = invented(30, now, ["Tindlewick", "else"], every=3 * 86400)
    start = datetime.fromtimestamp(now, UTC) - timedelta(days=80)
    with XServer(posts, spelling=spelling) as x:
        client = ask(x, fields=spelling)
        recent = list(endpoints.counts(client, "Tindlewick"))
        archive = list(
            endpoints.counts(client, "Tindlewick", "all", window=Window(start_time=start))
        )
    assert endpoints.total(recent) == 2  # of today, and of six days ago
    assert endpoints.total(archive) == 14
    assert len(archive) == 3  # of 31 days each
    assert {seen.path for seen in x.requests} == {"/2/tweets/counts/recent", "/2/tweets/counts/all"}


def test_every_fault_of_the_server_is_tried_here():
    elsewhere = {"400", "401", "402", "403", "404", "429 month", "redirect", "error as a list"}
    assert set(FAULTS) == {*PASSING, *elsewhere, "no text", "token in the detail"}
    assert unquote(TOKEN) != TOKEN
