"""The filtered stream against a loopback X that misbehaves: connected again, in time, or ended."""

import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from customer_profiles.bench.loopback.faults import TOKEN
from customer_profiles.bench.loopback.posts import invented
from customer_profiles.bench.loopback.stream import (
    CLOSE,
    DISCONNECT,
    RESET,
    SILENCE,
    TOO_MANY,
    XStream,
)
from customer_profiles.bench.loopback.ways import QUERY
from customer_profiles.collect.x_api import errors, rules, stream
from customer_profiles.collect.x_api.transport import Timeouts
from customer_profiles.posts import pages

FOREIGN = {"id": "1600000000000000001", "value": "somebody else", "tag": "theirs"}
OWN = {"id": "1600000000000000002", "value": QUERY, "tag": "customer-profiles whatever"}
OLD = {"id": "1600000000000000003", "value": "of before", "tag": "customer-profiles 01234567"}
UNTAGGED = {"id": "1600000000000000004", "value": "no tag"}
POSTS = invented(12, time.time())
SILENT = Timeouts(60, 1, 60)


class Heard:
    """What a listener gave, and how long it would have waited."""

    def __init__(self):
        self.lines, self.gaps, self.waits = [], [], []
        self.come = threading.Condition()

    def line(self, line):
        with self.come:
            self.lines.append(json.loads(line))
            self.come.notify_all()

    def wait(self, seconds):
        with self.come:
            self.waits.append(seconds)
            self.come.notify_all()

    def until(self, condition, seconds=60.0):
        with self.come:
            assert self.come.wait_for(condition, seconds)

    @property
    def ids(self):
        return [line["data"]["id"] for line in self.lines]


@contextmanager
def listening(client, heard=None):
    """A listener that runs beside the block, what it hears, and how it ended."""
    events = Heard()
    listener = stream.Listener(
        client, events.line, lambda start, end: events.gaps.append((start, end)), events.wait, heard
    )
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(listener.listen)
        try:
            yield listener, events
        finally:
            while not run.done():
                listener.stop()
                time.sleep(0.01)
            run.result()


def ended(ask, *refusals):
    """The error that ends a listener whose connections are refused so."""
    with XStream(refusals=refusals) as x:
        listener = stream.Listener(ask(x), lambda line: None, wait=lambda seconds: None)
        with pytest.raises(errors.XError) as caught:
            listener.listen()
    return caught.value


def test_every_post_comes_as_it_was_sent_with_all_that_is_read_of_it(ask):
    with XStream(rules=[OWN]) as x, listening(ask(x)) as (_, heard):
        x.wait(1)
        x.write(*POSTS)
        heard.until(lambda: len(heard.lines) == 12)
    assert heard.ids == [post["id"] for post in POSTS]
    assert heard.gaps == []
    conversation = pages.collect(heard.lines)
    assert (conversation.counts["posts"], conversation.counts["authors_without_metrics"]) == (12, 0)
    assert x.requests[0].params == stream.PARAMS


def test_keep_alives_are_no_posts_and_keep_a_quiet_stream_connected(ask):
    with XStream(keep_alive=0.02) as x, listening(ask(x, timeouts=SILENT)) as (listener, heard):
        x.wait(1)
        x.stay(1.5 * SILENT.read / x.keep_alive)
        assert (listener.connects, heard.lines, heard.waits) == (1, [], [])


def test_a_stream_without_a_sign_of_life_is_left_and_connected_again(ask, caplog):
    with XStream(rules=[OWN]) as x, listening(ask(x, timeouts=SILENT)) as (_, heard):
        x.wait(1)
        x.say(SILENCE)
        x.wait(2)
        x.write(POSTS[0])
        heard.until(lambda: heard.lines)
    assert heard.waits == [0.25]
    assert "X gave no sign of life; connecting again in 0.25 s" in caplog.messages


@pytest.mark.parametrize("fault", [CLOSE, RESET, json.dumps(DISCONNECT).encode()])
def test_a_stream_that_ends_is_connected_again_and_the_gap_is_told(ask, fault):
    with XStream(rules=[OWN]) as x, listening(ask(x)) as (listener, heard):
        x.wait(1)
        x.write(POSTS[0])
        heard.until(lambda: heard.lines)
        before = time.time()
        x.say(fault)
        x.wait(2)
        x.write(POSTS[1])
        heard.until(lambda: len(heard.lines) == 2)
    assert heard.ids == [POSTS[0]["id"], POSTS[1]["id"]]
    assert (heard.waits, listener.connects) == ([0.25], 2)
    ((start, end),) = heard.gaps
    assert start <= before + 1
    assert start <= end <= time.time() + 1


def test_what_x_says_when_it_ends_a_stream_is_logged(ask, caplog):
    with XStream() as x, listening(ask(x)):
        x.wait(1)
        x.say(json.dumps(DISCONNECT).encode())
        x.wait(2)
    assert "disconnected upstream for operational reasons; connecting again" in caplog.text


def test_a_gap_that_an_earlier_run_left_is_told(ask):
    with XStream(rules=[OWN]) as x, listening(ask(x), heard=1000.0) as (_, heard):
        x.wait(1)
        x.write(POSTS[0])
        heard.until(lambda: heard.lines)
    assert heard.gaps[0][0] == 1000.0


@pytest.mark.parametrize(
    "line",
    [b"no JSON", b'{"data": {"id"', b"[1]", b'"text"', b"{}", b"\xff\xfe", b"[" * 100_000],
)
def test_a_bad_line_costs_no_other(ask, line):
    with XStream(rules=[OWN]) as x, listening(ask(x)) as (listener, heard):
        x.wait(1)
        x.write(POSTS[0])
        x.say(line)
        x.write(POSTS[1])
        heard.until(lambda: len(heard.lines) == 2)
        assert (listener.broken, listener.connects) == (1, 1)


def test_a_huge_line_is_left_out_and_not_kept_in_memory(ask):
    with XStream(rules=[OWN]) as x, listening(ask(x)) as (listener, heard):
        x.wait(1)
        x.say(b'{"data": {"text": "' + b"x" * 3 * stream.LONGEST + b'"}}')
        x.write(POSTS[0])
        heard.until(lambda: heard.lines)
        assert (heard.ids, listener.broken) == ([POSTS[0]["id"]], 1)


def test_duplicates_and_disorder_come_as_x_sends_them(ask):
    with XStream(rules=[OWN]) as x, listening(ask(x)) as (_, heard):
        x.wait(1)
        x.write(POSTS[3], POSTS[1], POSTS[3], POSTS[2])
        heard.until(lambda: len(heard.lines) == 4)
    assert heard.ids == [POSTS[n]["id"] for n in (3, 1, 3, 2)]


@pytest.mark.parametrize(
    ("refusals", "seconds"),
    [
        (["503", "500", "504", "503", "503", "503", "503", "503"],
         [5, 10, 20, 40, 80, 160, 320, 320]),
        (["429 no reset"] * 6, [60, 120, 240, 480, 960, 960]),
        (["429 absurd reset", "429 past reset"], [60, 120]),
        (["503", "429 no reset", "503", "429 no reset"], [5, 60, 10, 120]),
    ],
)  # fmt: skip
def test_x_s_own_rules_say_how_long_is_waited(ask, refusals, seconds):
    with XStream(refusals=refusals) as x, listening(ask(x)) as (_, heard):
        x.wait(1)
    assert heard.waits == seconds


def test_a_reset_that_can_be_believed_is_waited_for(ask):
    with XStream(refusals=["429 soon"]) as x, listening(ask(x)) as (_, heard):
        x.wait(1)
    (seconds,) = heard.waits
    assert 29 <= seconds <= 32


def test_a_network_that_is_gone_is_tried_in_steps_that_grow_to_16_seconds(ask):
    with XStream() as x:
        client = ask(x)
    with listening(client) as (_, heard):
        heard.until(lambda: len(heard.waits) >= 70)
    assert heard.waits[:4] == [0.25, 0.5, 0.75, 1.0]
    assert heard.waits[62:66] == [15.75, 16, 16, 16]


def test_clean_closes_one_after_the_other_are_waited_for_longer_each_time(ask):
    with XStream() as x, listening(ask(x)) as (_, heard):
        for connects in range(1, 5):
            x.wait(connects)
            x.say(CLOSE)
        heard.until(lambda: len(heard.waits) == 4)
    assert heard.waits == [0.25, 0.5, 0.75, 1.0]


def test_a_second_stream_of_the_same_app_is_waited_for_like_a_limit(ask):
    with XStream() as x, listening(ask(x)) as (_, heard):
        x.wait(1)
        x.say(json.dumps(TOO_MANY).encode())
        heard.until(lambda: heard.waits)
    assert heard.waits == [60]


def test_waiting_begins_anew_after_a_connection_that_lasted(ask, waits):
    with XStream() as x:
        client = ask(x)
        with listening(client) as (listener, heard):
            x.wait(1)
            x.say(CLOSE)
            while not (listener.connects == 2 and listener.connected):
                time.sleep(0.01)
            waits(stream.STEADY)  # so much later
            x.say(CLOSE)
            x.wait(3)
    assert heard.waits[:2] == [0.25, 0.25]


@pytest.mark.parametrize(
    ("fault", "kind", "sentence"),
    [
        ("401", errors.Unauthorized, "make a new one for your app"),
        ("403", errors.Forbidden, "it must include the filtered stream"),
        ("402", errors.PaymentRequired, "buy credits"),
    ],
)
def test_a_refusal_that_waiting_does_not_change_ends_the_stream(ask, fault, kind, sentence):
    error = ended(ask, "503", fault)
    assert type(error) is kind
    assert sentence in str(error)
    assert TOKEN not in str(error)


def test_stopping_ends_a_stream_that_is_silent(ask):
    with XStream(keep_alive=60) as x:
        client = ask(x, timeouts=Timeouts(5, 60, 60))
        with listening(client) as (_, heard):
            x.wait(1)
    assert heard.waits == []


def test_own_rules_are_made_and_those_of_others_stay(ask, caplog):
    with XStream(rules=[FOREIGN, OLD, UNTAGGED]) as x:
        made = rules.reconcile(ask(x), [QUERY])
    ours = {number: rule for number, rule in x.rules.items() if number in made.ids}
    assert [rule["value"] for rule in ours.values()] == [QUERY]
    assert all(rule["tag"].startswith("customer-profiles ") for rule in ours.values())
    assert set(x.rules) - set(ours) == {FOREIGN["id"], UNTAGGED["id"]}
    assert made.foreign == 2
    assert "the stream has 2 rules that are not this project's; they stay" in caplog.text


def test_rules_that_are_right_are_left_alone(ask):
    with XStream(rules=[FOREIGN]) as x:
        first = rules.reconcile(ask(x), [QUERY])
        x.requests.clear()
        assert rules.reconcile(ask(x), [QUERY]) == first
    assert len(x.requests) == 1  # they were only looked at


def test_a_rule_of_somebody_else_with_the_same_value_serves_as_well(ask):
    theirs = {**FOREIGN, "value": QUERY}
    with XStream(rules=[theirs]) as x:
        assert rules.reconcile(ask(x), [QUERY]) == rules.Rules(frozenset([FOREIGN["id"]]), 0)
    assert list(x.rules) == [FOREIGN["id"]]


def test_all_pages_of_rules_are_read(ask):
    many = [{"id": str(15 * 10**17 + n), "value": f"other {n}", "tag": "t"} for n in range(2300)]
    with XStream(rules=many) as x:
        assert rules.reconcile(ask(x), [QUERY]).foreign == 2300


@pytest.mark.parametrize("fault", ["503", "dropped", "truncated", "reset", "429"])
def test_a_rule_is_made_once_though_an_answer_is_lost(ask, fault):
    with XStream(rules=[OLD], faults=[None, fault, None, fault]) as x:
        made = rules.reconcile(ask(x), [QUERY])
    assert [rule["value"] for rule in x.rules.values()] == [QUERY]
    assert set(x.rules) == made.ids


def test_a_rule_that_x_does_not_take_is_told_with_what_x_says(ask):
    with XStream() as x, pytest.raises(errors.BadRequest, match="invalid operator 'near:me'"):
        rules.reconcile(ask(x), ["near:me"])


@pytest.mark.parametrize(
    ("named", "taken"),
    [
        ([{"id": "1", "tag": "t"}], True),
        ([{"id": "1"}], True),
        ([{"id": "2", "tag": "customer-profiles x"}], False),
        ([{"id": "2"}, {"id": "1"}], True),
        ([], True),
        (None, True),
        ("odd", True),
        (["odd"], True),
    ],
)
def test_a_line_is_taken_if_an_own_rule_sent_it_or_none_is_named(named, taken):
    assert rules.Rules(frozenset("1"), 1).match({"matching_rules": named}) is taken


def test_the_log_holds_no_token_post_or_person(ask, caplog):
    with caplog.at_level(logging.DEBUG), XStream(rules=[OWN], refusals=["503"]) as x:
        client = ask(x)
        rules.reconcile(client, [QUERY])
        with listening(client) as (_, heard):
            x.wait(1)
            x.write(POSTS[0])
            heard.until(lambda: heard.lines)
    for secret in (TOKEN, POSTS[0]["text"], POSTS[0]["id"], POSTS[0]["author_id"]):
        assert secret not in caplog.text
