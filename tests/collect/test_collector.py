"""Collecting goes on after every end, in the budget, and asks only for what is not held yet."""

import logging
import os
import signal
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from customer_profiles.bench.loopback.faults import TOKEN
from customer_profiles.bench.loopback.posts import invented
from customer_profiles.bench.loopback.server import XServer
from customer_profiles.collect import collector
from customer_profiles.collect.budget import BudgetReached, Spend
from customer_profiles.collect.folder import PAGES, PagesFolder
from customer_profiles.collect.x_api import endpoints, errors
from customer_profiles.collect.x_api.client import Client
from customer_profiles.posts import archive
from customer_profiles.project import paths
from tests.collect.collecting import KEY, SCOPES, TEXTS, collect_settings, opened, pages, post_ids

WEEK = 7 * 86400


def posts(number, now=None, every=60):
    return invented(number, now or time.time(), TEXTS, every)


def ids(read):
    return [post["id"] for post in read]


def month():
    return f"{datetime.now(UTC):%Y-%m}"


def spent():
    return Spend(0, 0).total(month())


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("fields", ["tweet", "post"])
def test_all_posts_are_held_sealed_and_read_back(collect, ask, scope, fields):
    known = posts(230)
    with XServer(known, spelling=fields) as x:
        outcome = collect(x, scope=scope, fields=fields, client=ask(x, fields=fields))
    assert (outcome.posts, outcome.stopped) == (230, None)
    assert post_ids() == ids(known)
    conversation = archive.read(paths.inside(PAGES), KEY.unseal)
    assert (conversation.counts["posts"], conversation.account.reasons) == (230, {})
    (entry,) = PagesFolder().ledger().values()
    assert (entry.posts, entry.pages) == (230, outcome.pages)
    # A post read each, and seven people on each page; the account of the brand itself.
    users = 7 * outcome.pages + (scope == "mentions")
    price = 230 * (0.001 if scope == "mentions" else 0.005) + 0.01 * users
    assert spent() == {"posts": 230, "users": users, "price": pytest.approx(price)}


def test_a_page_over_many_lines_is_one_line(collect):
    with XServer(posts(3), ["many lines"]) as x:
        collect(x)
    (file,) = paths.inside(PAGES).iterdir()
    (line,) = archive.lines(file, KEY.unseal)
    assert not set(line) & set("\r\n")
    assert len(post_ids()) == 3


@pytest.mark.parametrize("scope", SCOPES)
def test_the_next_run_asks_only_for_what_is_new(collect, scope):
    known = posts(250)
    with XServer(known[30:]) as x:
        collect(x, scope=scope)
        x.posts = known
        x.requests.clear()
        outcome = collect(x, scope=scope)
        assert set(x.values_of("since_id")) - {None} == {known[30]["id"]}
        assert collect(x, scope=scope).posts == 0
    assert outcome.posts == 30
    assert sorted(post_ids()) == sorted(ids(known))


def test_a_full_archive_is_asked_from_its_first_day_and_then_from_the_newest_post(collect):
    now = time.time()
    known = posts(40, now - 60 * 86400, every=86400)
    start = datetime.fromtimestamp(now - 80 * 86400, UTC).date()
    with XServer(known) as x:
        collect(x, scope="all", start=start.isoformat())
        assert len(post_ids()) == 21
        x.posts = [*posts(1, now - 35 * 86400), *known]
        assert collect(x, scope="all", start=start.isoformat()).posts == 1  # X: 30 days


def test_an_unfinished_run_is_gone_on_with_and_then_what_came_since(collect, ask):
    known = posts(330)
    with XServer(known[30:], [None, None, "401"]) as x:
        first = collect(x)
        assert isinstance(first.stopped, errors.Unauthorized)
        assert post_ids() == ids(known[30:230])
        x.posts = known
        assert collect(x).posts == 130
    assert sorted(post_ids()) == sorted(ids(known))
    assert [entry.posts for entry in PagesFolder().ledger().values()] == [330]


def test_a_changed_query_begins_anew_says_so_and_the_first_goes_on_where_it_stood(collect, caplog):
    caplog.set_level(logging.INFO)
    known = posts(150)
    with XServer(known, [None, "401"]) as x:
        collect(x)
        assert "the query is a new one" not in caplog.text
        assert collect(x, keywords=["tea"], handles=[]).posts == 150
        assert caplog.text.count("the query is a new one: it begins anew") == 1
        assert collect(x).posts == 50
        assert collect(x, keywords=["tea"], handles=[]).posts == 0
    assert sorted(post_ids()) == sorted(2 * ids(known))
    assert caplog.text.count("the query is a new one") == 1


def test_a_break_of_more_than_a_week_leaves_a_gap_and_says_so(collect, waits, caplog):
    known = posts(5)
    with XServer(known) as x:
        collect(x)
        waits.seconds.append(WEEK + 100)
        x.skew = sum(waits.seconds)
        x.posts = [*posts(3, x.now()), *known]
        x.requests.clear()
        assert collect(x).posts == 3
        assert x.values_of("since_id") == [None]
    assert "a gap remains" in caplog.text


def test_an_unfinished_run_out_of_reach_is_given_up_and_the_gap_is_told(collect, waits, caplog):
    with XServer(posts(150), [None, "401"]) as x:
        collect(x)
        waits.seconds.append(WEEK + 100)
        x.skew = sum(waits.seconds)
        x.posts = posts(3, x.now())
        outcome = collect(x)
    assert (outcome.posts, outcome.stopped) == (3, None)
    assert "an unfinished run had still to collect is older" in caplog.text
    assert "a gap remains" in caplog.text


@pytest.mark.parametrize("scope", SCOPES)
def test_where_the_newest_post_was_erased_its_time_goes_on(collect, scope):
    known = posts(20)
    with XServer(known[5:]) as x:
        collect(x, scope=scope)
        digest = collector.digest_of(collect_settings(scope=scope))
        folder = opened(digest, f"{datetime.now(UTC):%Y-%m-%d}")
        assert folder.checkpoint.newest_id == known[5]["id"]
        folder.commit(f"{datetime.now(UTC):%Y-%m-%d}", 0, newest_id=None)
        x.posts = [*known[:5], *known[6:]]
        assert collect(x, scope=scope).posts == 5
    assert sorted(post_ids()) == sorted(ids(known))


# What kills a run: an event that Python tells of before it happens.
STEPS = ("open", "os.rename", "os.remove", "socket.connect")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def killed_at(step, inside, work):
    """Run `work` in a process that is killed at its step of that number; whether it was."""
    child = os.fork()
    if not child:
        left = [step]

        def count(event, arguments):
            if event == "socket.connect" or (event in STEPS and inside in str(arguments[0])):
                if event == "open" and not arguments[2] & WRITES:
                    return
                left[0] -= 1
                if left[0] < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.long
@pytest.mark.parametrize("scope", ["recent", "mentions"])
def test_a_run_killed_at_every_step_has_the_posts_of_one_that_was_not(scope, monkeypatch):
    known = posts(120)
    with XServer(known) as x, tempfile.TemporaryDirectory(dir="/dev/shm") as memory:

        def work():
            return collector.run(collect_settings(scope=scope), Client(TOKEN, x.address), KEY)

        for step in range(200):
            root = Path(memory, f"{step}")
            root.mkdir()
            (root / "dvc.yaml").touch()
            monkeypatch.chdir(root)
            was_killed = killed_at(step, str(root), work)
            before = spent()["price"]
            outcome = work()
            assert outcome.stopped is None
            assert post_ids() == ids(known)
            assert sum(entry.posts for entry in PagesFolder().ledger().values()) == 120
            assert sum(entry.pages for entry in PagesFolder().ledger().values()) == 2
            # Once what a run costs, and what the killed one had counted of a page it never kept.
            assert spent()["price"] >= before
            if not was_killed:
                break
    monkeypatch.undo()
    assert step > 30


def test_pages_get_smaller_when_the_budget_ends_and_then_it_ends_with_a_sentence(collect):
    known = posts(400)
    with XServer(known) as x:
        outcome = collect(x, budget=2.0)
        # A page of 100 costs 1.50 at most, and with seven people 0.57.
        assert [int(size) for size in x.values_of("max_results")] == [100, 95, 59, 34, 18]
        assert isinstance(outcome.stopped, BudgetReached)
        assert str(outcome.stopped) == (
            "the next request can cost $0.15, and of this month's budget of $2.00 $0.12 are left"
        )
        assert outcome.posts == len(post_ids()) == 306
        assert spent()["price"] == outcome.spent <= 2.0
        x.requests.clear()
        assert collect(x, budget=2.0).posts == 0
        assert x.requests == []
        assert collect(x, budget=3.0).posts == 94
    assert post_ids() == ids(known)


def test_a_budget_outlives_restarts_and_begins_anew_with_the_month(collect, waits):
    with XServer(posts(100)) as x:
        assert collect(x, budget=1.5).posts == 100
        x.posts = posts(300)[:100] + x.posts
        stopped = collect(x, budget=0.6).stopped
        assert isinstance(stopped, BudgetReached)
        waits.seconds.append(32 * 86400)
        x.skew = sum(waits.seconds)
        x.posts = posts(20, x.now())
        assert collect(x, budget=0.6).posts == 20


def test_the_brand_s_own_id_is_paid_for_and_in_the_budget(collect):
    with XServer(posts(5)) as x:
        assert isinstance(collect(x, scope="mentions", budget=0.005).stopped, BudgetReached)
        assert x.requests == []


def test_the_most_that_a_request_can_cost_is_counted_before_it_is_sent(collect, ask):
    counted = []
    with XServer(posts(250)) as x:
        answer = x.answer

        def counting(*arguments):
            counted.append(spent()["price"])
            return answer(*arguments)

        x.answer = counting
        collect(x)
    assert counted == pytest.approx([1.5, 0.57 + 1.5, 2 * 0.57 + 1.5])


@pytest.mark.parametrize(
    ("fault", "price"),
    [("401", 0), ("500", 0), ("429", 0), ("dropped", 1.5), ("truncated", 1.5)],
)
def test_what_x_surely_has_not_read_is_given_back(collect, ask, fault, price):
    with XServer(posts(5), [fault] * 2) as x:
        outcome = collect(x, client=ask(x, attempts=2))
    assert isinstance(outcome.stopped, errors.XError)
    assert spent()["price"] == outcome.spent == price


def test_where_nobody_listens_nothing_is_spent(collect, ask):
    with XServer() as x:
        client = ask(x, attempts=2)
    assert isinstance(collect(x, client=client).stopped, errors.Unreachable)
    assert spent()["price"] == 0


@pytest.mark.parametrize("scope", ["recent", "mentions"])
def test_faults_on_the_way_lose_no_post_and_double_none(collect, ask, scope):
    known = posts(250)
    faults = ["503", None, "truncated", "dropped", "429", None, "repeated page", "500", "reset"]
    with XServer(known, faults) as x:
        assert collect(x, scope=scope).stopped is None
    assert post_ids() == ids(known)


def test_pages_expire_at_the_next_run_and_it_is_said(collect, waits, caplog):
    caplog.set_level(logging.INFO)
    with XServer(posts(5)) as x:
        collect(x, keep_days=2)
        waits.seconds.append(3 * 86400)
        x.skew = sum(waits.seconds)
        collect(x, keep_days=2)
    assert list(paths.inside(PAGES).iterdir()) == []
    assert "1 files of pages older than 2 days were removed" in caplog.text


def test_of_two_collections_at_once_one_is_refused(collect):
    refused = pytest.raises(BlockingIOError, match="is running")
    with XServer() as x, PagesFolder().single_run(), refused:
        collect(x)


@pytest.mark.parametrize("scope", ["recent", "all"])
def test_the_price_is_told_before_a_post_is_read(collect, ask, scope):
    known = posts(250)
    with XServer(known[10:]) as x:
        client = ask(x)
        estimate = collector.estimate(collect_settings(scope=scope), client, None)
        assert (estimate.posts, estimate.price) == (240, pytest.approx(3.6))
        assert (estimate.page_size, estimate.left) == (endpoints.LARGEST[scope], 100)
        assert estimate.page_price == pytest.approx(0.015 * estimate.page_size)
        assert estimate.seconds == (6 if scope == "recent" else 3)
        assert [seen.path for seen in x.requests] == [f"/2/tweets/counts/{scope}"]
        collect(x, scope=scope)
        x.posts = known
        assert collector.estimate(collect_settings(scope=scope), client, KEY).posts == 10


def test_of_an_unfinished_run_what_is_held_already_is_not_priced_again(collect, ask):
    with XServer(posts(250), [None, "401"]) as x:
        collect(x)
        assert collector.estimate(collect_settings(), ask(x), KEY).posts == 150


def test_mentions_cannot_be_counted_and_a_page_has_a_bound(ask, project):
    with XServer(posts(5)) as x:
        estimate = collector.estimate(collect_settings(scope="mentions"), ask(x), None)
        assert x.requests == []
    assert (estimate.posts, estimate.price) == (None, None)
    assert estimate.page_price == pytest.approx(100 * (0.001 + 0.01))


def test_no_page_and_no_id_is_in_a_log(collect, caplog):
    caplog.set_level(logging.DEBUG)
    with XServer(posts(120), [None, "429", "partial errors"]) as x:
        collect(x)
    assert len(pages()) == 2
    known = [*post_ids(), *(f"{9000900090 + n}" for n in range(7)), TOKEN]
    assert [name for name in known if name in caplog.text] == []
    assert str(PagesFolder().checkpoint_files()[0]) not in caplog.text
