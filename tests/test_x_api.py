"""Search, mentions and counts against a loopback X that misbehaves: all is had, once, in time."""

import gzip
import json
import logging
import os
import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

import jsonschema
import pytest
import referencing
from x_server import BRAND, FAULTS, TOKEN, XServer, invented, person, snowflake

from customer_profiles import pages, query
from customer_profiles.x_api import endpoints, errors, limits
from customer_profiles.x_api.client import Client, Timeouts

QUERY = query.build(["tindlewick"], ["Tindlewick"], "en")
MENTION = "@tindlewick your tea is fine"
# None of these may cost a post. What is cut off in the end is waited for in earnest: 0.3 s.
PASSING = [
    "429", "429 absurd reset", "429 no reset", "429 past reset", "429 this second",
    "500", "502", "503", "504", "hang", "trickle", "endless headers", "dropped", "reset",
    "truncated", "list", "no object", "no meta", "repeated page", "partial errors", "disorder",
]  # fmt: skip
OFTEN = [name for name in PASSING if name not in ("hang", "trickle", "endless headers")]


class Waits:
    """Stands for time.sleep: waits for nothing, and lets the clock go on."""

    def __init__(self):
        self.seconds = []

    def __call__(self, seconds):
        assert seconds >= 0
        self.seconds.append(seconds)

    def clock(self):
        return time.time() + sum(self.seconds)


@pytest.fixture
def waits():
    return Waits()


@pytest.fixture
def ask(waits):
    """Function that makes a client of a server."""

    def client(server, token=TOKEN, **options):
        options = {"random": lambda: 0.5, "timeouts": Timeouts(2, 0.2, 0.3)} | options
        return Client(token, server.address, sleep=waits, clock=waits.clock, **options)

    return client


def ids(found):
    return [post["id"] for page in found for post in page.body.get("data", [])]


def by_search(client, **options):
    return endpoints.search(client, QUERY, size=10, **options)


def by_archive(client, **options):
    return endpoints.search(client, QUERY, "all", size=10, **options)


def by_mentions(client, **options):
    return endpoints.mentions(client, BRAND["id"], size=10, **options)


WAYS = [by_search, by_archive, by_mentions]


@pytest.mark.parametrize("way", WAYS)
def test_all_pages_come_newest_first_and_exactly_as_x_sent_them(ask, way):
    posts = invented(34, time.time(), [MENTION])
    with XServer(posts) as x:
        found = list(way(ask(x)))
    assert ids(found) == [post["id"] for post in posts]
    assert [page.raw.encode() for page in found] == [seen.answer.body for seen in x.requests]
    assert [page.body for page in found] == [json.loads(page.raw) for page in found]
    assert [len(page.body["data"]) for page in found] == [10, 10, 10, 4]
    assert found[0].meta["newest_id"] == posts[0]["id"]
    assert found[-1].next_token is None
    assert found[0].limit[:2] == (300, 299)


@pytest.mark.parametrize("spelling", ["tweet", "post"])
@pytest.mark.parametrize("way", WAYS)
def test_pages_hold_all_that_is_read_of_posts_and_authors(ask, way, spelling):
    with XServer(invented(5, time.time(), [MENTION]), spelling=spelling) as x:
        found = list(way(ask(x, fields=spelling)))
    held = pages.collect(pages.parse_lines(page.raw for page in found))
    assert held.counts["posts"] == 5
    assert held.counts["authors"] == 5
    assert held.counts["authors_without_metrics"] == 0
    assert sorted(held.posts["retweets"]) == [0, 0, 1, 1, 2]
    author = held.authors.iloc[0]
    assert (author.followers, author.account_posts, author.created) == (40, 20, "2019-03")
    assert not author.verified  # they pay, which is all that `verified` says


def test_a_spelling_that_x_does_not_take_is_told_with_what_x_says(ask):
    with XServer(invented(5, time.time()), spelling="post") as x:
        client = ask(x)
        with pytest.raises(errors.BadRequest, match=r"The query parameter \[tweet.fields\]"):
            list(by_search(client))


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("way", [by_search, by_mentions])
def test_no_passing_fault_loses_a_post_or_gives_one_twice(ask, way, fault):
    posts = invented(25, time.time(), [MENTION])
    with XServer(posts, [None, fault]) as x:
        found = ids(way(ask(x)))
    assert x.faults == []
    again = 1 if fault == "disorder" else 0
    assert len(found) == 25 + again
    assert set(found) == {post["id"] for post in posts}


@pytest.mark.parametrize("seed", range(20))
def test_many_faults_at_once_lose_no_post_and_give_none_twice(ask, seed):
    chance = random.Random(seed)  # noqa: S311
    names = [name for name in OFTEN if name != "disorder"]
    faults = [chance.choice(names) if chance.random() < 0.5 else None for _ in range(20)]
    posts = invented(60, time.time(), [MENTION])
    way = chance.choice(WAYS)
    with XServer(posts, faults) as x:
        found = ids(way(ask(x, attempts=20, random=chance.random)))
    assert found == [post["id"] for post in posts]


@pytest.mark.parametrize("fault", [name for name in OFTEN if name not in ("partial errors",
                                                                          "disorder")])  # fmt: skip
def test_a_lasting_fault_ends_after_a_bounded_number_of_attempts(ask, fault):
    with XServer(invented(15, time.time()), [None] + [fault] * 9) as x:
        found = by_search(ask(x, attempts=4))
        assert len(next(found).body["data"]) == 10
        with pytest.raises(errors.TryAgain, match="given up after 4 attempts"):
            next(found)
    assert len(x.requests) == 5


@pytest.mark.parametrize("fault", ["hang", "trickle", "endless headers"])
def test_what_never_comes_to_an_end_is_cut_off(ask, fault):
    with XServer(invented(15, time.time()), [fault] * 9) as x:
        client = ask(x, attempts=2)
        with pytest.raises(errors.TimedOut, match="did not answer"):
            list(by_search(client))
    assert len(x.requests) == 2


def test_a_post_without_a_text_costs_no_other(ask):
    with XServer(invented(15, time.time()), ["no text"]) as x:
        found = list(by_search(ask(x)))
    held = pages.collect(pages.parse_lines(page.raw for page in found))
    assert (held.counts["posts_without_text"], held.counts["posts"]) == (1, 14)


def test_partial_errors_of_a_page_stay_in_it(ask):
    with XServer(invented(5, time.time()), ["partial errors"]) as x:
        (page,) = by_search(ask(x))
    assert [error["title"] for error in page.body["errors"]] == ["Authorization Error"]
    assert len(page.body["data"]) == 5


def test_a_repeated_page_is_refused_and_what_follows_can_still_be_had(ask):
    posts = invented(25, time.time())
    with XServer(posts, [None] + ["repeated page"] * 3) as x:
        client = ask(x, attempts=3)
        found = by_search(client)
        first = next(found)
        with pytest.raises(errors.Repeated, match="second time"):
            next(found)
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
        between = ids(way(client, since_id=posts[9]["id"], until_id=posts[3]["id"]))
        window = ids(way(client, start_time=times[9], end_time=times[3]))
    assert between == [post["id"] for post in posts[4:9]]
    # X's times are whole seconds: the start moves to before its post, and the end too.
    assert window == [post["id"] for post in posts[4:10]]


def test_a_time_in_another_zone_is_asked_for_in_utc(ask):
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    with XServer() as x:
        list(by_search(ask(x), start_time=start.astimezone()))
    assert x.asked("start_time") == [f"{start:%Y-%m-%dT%H:%M:%SZ}"]


NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    ("window", "told"),
    [
        ({"start_time": NOW + timedelta(hours=1)}, "start_time is in the future"),
        ({"start_time": NOW, "end_time": NOW}, "must be after start_time"),
        ({"start_time": NOW - timedelta(days=8)}, r"last 7 days; .* the full archive"),
        ({"end_time": NOW - timedelta(days=8)}, "last 7 days"),
        ({"start_time": datetime(2026, 1, 1)}, "must name its time zone"),
        ({"since_id": "12a"}, "since_id must be an id"),
        ({"size": 9}, "10 to 100 posts a page for recent, got 9"),
        ({"size": 101}, "10 to 100"),
    ],
)
def test_a_window_that_cannot_be_is_refused_before_anything_is_asked(ask, window, told):
    with XServer() as x:
        client = ask(x)
        with pytest.raises(ValueError, match=told):
            endpoints.search(client, QUERY, **window)
        assert x.requests == []


def test_the_full_archive_takes_old_windows(ask):
    now = time.time()
    posts = invented(5, now - 20 * 86400)
    start = datetime.fromtimestamp(now, UTC) - timedelta(days=25)
    with XServer(posts) as x:
        assert len(ids(endpoints.search(ask(x), QUERY, "all", start_time=start))) == 5


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

    def found(**more):
        built = query.build(["tindlewick"], ["tindlewick", "tea room"], **more)
        return [posts.index(post) for post in posts if post["id"] in ids(by(built))]

    with XServer(posts) as x:

        def by(built):
            return list(endpoints.search(ask(x), built))

        assert found() == [0, 1]
        assert found(retweets=True) == [0, 1, 2]
        assert found(language="en") == [0]


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
        archive = list(endpoints.counts(client, "Tindlewick", "all", start_time=start))
    assert endpoints.total(recent) == 2  # of today, and of six days ago
    assert endpoints.total(archive) == 14
    assert len(archive) == 3  # of 31 days each
    assert {seen.path for seen in x.requests} == {"/2/tweets/counts/recent", "/2/tweets/counts/all"}


# What is waited for


def waited(waits, ask, *faults, **options):
    with XServer(invented(5, time.time()), faults) as x:
        list(by_search(ask(x, **options)))
    return waits.seconds


def test_a_sane_reset_is_waited_for(waits, ask):
    (seconds,) = waited(waits, ask, "429")
    assert 600 <= seconds <= 602


def test_a_reset_is_measured_by_x_s_own_clock(waits, ask):
    with XServer(invented(5, time.time()), ["429"], skew=300.0) as x:
        client = ask(x)
        list(endpoints.mentions(client, BRAND["id"]))
    (seconds,) = waits.seconds
    assert 600 <= seconds <= 602


@pytest.mark.parametrize("fault", ["429 absurd reset", "429 no reset", "429 past reset"])
def test_a_reset_that_cannot_be_is_not_believed(waits, ask, fault):
    # With full jitter of 0.5: half of a minute, of two and of four.
    assert waited(waits, ask, fault, fault, fault) == [30, 60, 120]


def test_the_limit_of_one_second_is_no_reason_to_wait_for_a_quarter_of_an_hour(waits, ask):
    assert waited(waits, ask, "429 this second", "429 this second") == [1.5, 2.0]


def test_waits_double_up_to_a_bound_and_are_drawn_from_nought(waits, ask):
    faults = ["500"] * 9
    assert waited(waits, ask, *faults, attempts=10) == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    waits.seconds.clear()
    assert waited(waits, ask, *faults, attempts=10, random=lambda: 0.0) == [0] * 9


def test_what_is_waited_for_and_how_long_is_logged(ask, caplog):
    with XServer(invented(5, time.time()), ["503", "429 no reset"]) as x:
        list(by_search(ask(x)))
    assert [record.getMessage() for record in caplog.records] == [
        "X is overloaded (503); X says: Service Unavailable; waiting 0.5 s, then attempt 2 of 6",
        "X's limit of requests in 15 minutes is reached (429); X says: Too Many Requests; "
        "waiting 60.0 s, then attempt 3 of 6",
    ]


def test_the_full_archive_is_asked_once_a_second(waits, ask):
    with XServer(invented(30, time.time())) as x:
        list(by_archive(ask(x)))
    assert len(x.requests) == 3
    assert len(waits.seconds) == 2
    assert all(0 < seconds <= 1 for seconds in waits.seconds)


def test_recent_search_is_not_held_up(waits, ask):
    assert waited(waits, ask) == []


def test_pages_shrink_when_x_is_overloaded_again_and_stay_small(ask, caplog):
    posts = invented(200, time.time(), every=60)
    with XServer(posts, ["503"] * 3) as x, caplog.at_level(logging.WARNING):
        found = list(endpoints.search(ask(x), QUERY))
    assert x.asked("max_results") == ["100", "100", "50", "25"] + ["25"] * 7
    assert ids(found) == [post["id"] for post in posts]
    assert [page.size for page in found] == [25] * 8
    assert "X is overloaded: pages of at most 50 posts from here, instead of 100" in caplog.messages


def test_pages_never_shrink_below_what_x_takes(ask):
    with XServer(invented(30, time.time()), ["503"] * 8) as x:
        list(endpoints.search(ask(x, attempts=9), QUERY, size=30))
    assert x.asked("max_results") == ["30", "30", "15"] + ["10"] * 8


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-rate-limit-reset": "1060"}, 60),
        ({"x-rate-limit-reset": "1060", "Date": "Thu, 01 Jan 1970 00:17:00 GMT"}, 40),
        ({"x-rate-limit-reset": "1960"}, 960),
        ({"x-rate-limit-reset": "1961"}, None),
        ({"x-rate-limit-reset": "1000"}, None),
        ({"x-rate-limit-reset": "soon"}, None),
        ({"x-rate-limit-reset": "1060", "Date": "yesterday"}, 60),
        ({}, None),
    ],
)
def test_a_reset_is_believed_when_it_lies_in_x_s_next_sixteen_minutes(headers, seconds):
    assert limits.read(headers, now=1000.0).seconds == seconds


# Against X's own documents


@pytest.fixture(scope="module", params=[("tweet", "2.166"), ("post", "2.167")])
def document(request):
    """A spelling, and the document of X's that has it."""
    spelling, version = request.param
    file = Path(os.environ.get("REAL_DATA", ""), f"xapi/openapi-{version}.json.gz")
    if not os.environ.get("REAL_DATA") or not file.is_file():
        pytest.skip("REAL_DATA names no folder that holds X's OpenAPI documents")
    return spelling, json.loads(gzip.decompress(file.read_bytes()))


def invalid(document, schema, value):
    """What X's document says against `value`."""
    root = referencing.Resource(document, referencing.jsonschema.DRAFT4)
    validator = jsonschema.Draft4Validator(
        anchored(schema),
        registry=referencing.Registry().with_resource("urn:x", root),
        format_checker=jsonschema.FormatChecker(),
    )
    return [error.message for error in validator.iter_errors(value)]


def anchored(schema):
    return json.loads(json.dumps(schema).replace('"#/components', '"urn:x#/components'))


def operation(document, path):
    """The document's entry for a real path, and what stands in its braces."""
    for template, entry in document["paths"].items():
        parts, real = template.split("/"), path.split("/")
        pairs = list(zip(parts, real, strict=False))
        if len(parts) == len(real) and all(a == b or a[0] == "{" for a, b in pairs[1:]):
            return entry["get"], {a.strip("{}"): b for a, b in pairs if a[:1] == "{"}
    raise AssertionError(f"X's document does not know {path}")


def objections(document, seen):
    """What X's document says against a request and its answer."""
    entry, inside = operation(document, seen.path)
    known = {}
    for parameter in entry["parameters"]:
        if "$ref" in parameter:
            parameter = document["components"]["parameters"][parameter["$ref"].split("/")[-1]]
        known[parameter["name"]] = parameter
    found = [f"{name} is unknown" for name in seen.params if name not in known]
    given = seen.params | inside
    found += [
        f"{name} is missing" for name, p in known.items() if p.get("required") and name not in given
    ]
    for name in given.keys() & known:
        schema, value = known[name]["schema"], given[name]
        value = {"array": lambda v: v.split(","), "integer": int}.get(schema.get("type"), str)(
            value
        )
        found += [f"{name}: {said}" for said in invalid(document, schema, value)]
    status = "200" if seen.answer.status == 200 else "default"
    kind = seen.answer.headers["Content-Type"]
    schema = entry["responses"][status]["content"][kind]["schema"]
    return found + invalid(document, schema, seen.answer.value)


def test_requests_and_answers_are_those_of_x_s_own_document(ask, document):
    spelling, specification = document
    now = time.time()
    start = datetime.fromtimestamp(now, UTC) - timedelta(days=3)
    faults = [None, None, "partial errors", "429", "503", "403", "401", "402"]
    with XServer(invented(40, now, [MENTION]), spelling=spelling) as x:
        client = ask(x, fields=spelling)
        for way in WAYS:
            list(way(client, start_time=start, since_id=snowflake(now - 90000)))
        for scope in ("recent", "all"):
            list(endpoints.counts(client, QUERY, scope, start_time=start))
        endpoints.user_id(client, BRAND["username"])
        x.faults = faults
        for _ in range(4):
            try:
                list(by_search(client))
            except errors.XError:
                continue
    assert {seen.answer.status for seen in x.requests} == {200, 401, 402, 403, 429, 503}
    assert [said for seen in x.requests for said in objections(specification, seen)] == []
    # That the comparison can object at all:
    (seen,) = (seen for seen in x.requests if seen.path.startswith("/2/users/by"))
    odd = seen.answer.value | {"data": person("x")}
    assert invalid(specification, {"type": "array"}, odd)


def test_every_fault_of_the_server_is_tried_here():
    elsewhere = {"400", "401", "402", "403", "404", "429 month", "redirect", "error as a list"}
    assert set(FAULTS) == {*PASSING, *elsewhere, "no text", "token in the detail"}
    assert unquote(TOKEN) != TOKEN
