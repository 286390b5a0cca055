"""What is waited for before X is asked again, how long, and that it is said."""

import logging
import time

import pytest

from customer_profiles.bench.loopback.posts import invented
from customer_profiles.bench.loopback.server import BRAND, XServer
from customer_profiles.bench.loopback.ways import QUERY, by_archive, by_search, ids
from customer_profiles.collect.x_api import endpoints, rate_limits


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
        read = list(endpoints.search(ask(x), QUERY))
    assert x.values_of("max_results") == ["100", "100", "50", "25"] + ["25"] * 7
    assert ids(read) == [post["id"] for post in posts]
    assert [page.size for page in read] == [25] * 8
    assert "X is overloaded: pages of at most 50 posts from here, instead of 100" in caplog.messages


def test_pages_never_shrink_below_what_x_takes(ask):
    with XServer(invented(30, time.time()), ["503"] * 8) as x:
        list(endpoints.search(ask(x, attempts=9), QUERY, size=30))
    assert x.values_of("max_results") == ["30", "30", "15"] + ["10"] * 8


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
    assert rate_limits.read(headers, now=1000.0).seconds == seconds
