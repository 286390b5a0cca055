"""The month's budget, shared by a taker of requests and by those who only count, and its file."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from customer_profiles.collect.budget import FILE, Budget, BudgetReached, Spend, by_month
from customer_profiles.project import paths
from tests.collect.collecting import collect_settings

DAY = "2026-05-01"


def test_what_is_read_at_the_same_time_adds_up(project):
    budget, start = Budget(collect_settings(budget=1000.0), time.time), threading.Barrier(3)

    def stream():
        start.wait()
        for _ in range(20):
            budget.add(1, 1)

    def search():
        start.wait()
        for _ in range(20):
            budget.room(100, 10)
            budget.settle(3, 2)

    with ThreadPoolExecutor(3) as pool:
        for run in [pool.submit(stream), pool.submit(stream), pool.submit(search)]:
            run.result()
    assert Spend(0, 0).total() == {"posts": 100, "users": 80, "price": 1.3}


def test_a_page_costs_a_share_of_what_is_left_or_the_smallest_that_can_be_paid(project):
    budget = Budget(collect_settings(budget=3.0), time.time)
    assert budget.room(100, 10, share=0.25) == 50
    assert budget.room(100, 10, share=0.25) == 37
    budget.add(70, 70)
    assert budget.left() == 0.645
    assert budget.room(100, 10, share=0.1) == 10
    assert budget.room(100, 10) == 33
    with pytest.raises(BudgetReached, match=r"can cost \$0.15, and of this month's budget of \$3"):
        budget.room(100, 10)


def test_what_was_streamed_is_checked_after_it_was_counted(project):
    budget = Budget(collect_settings(budget=0.03), time.time)
    budget.add(1, 1)
    budget.check()
    budget.add(2, 2)
    with pytest.raises(BudgetReached, match=r"is used up, \$0.04 of \$0.03: raise budget"):
        budget.check()


def test_what_was_spent_this_month_outlives_a_restart_and_a_change_of_price(project):
    spend = Spend(post=0.005, user=0.01)
    assert spend.total("2026-05") == {"posts": 0, "users": 0, "price": 0}
    spend.add(100, 40, "2026-05-01")
    spend.add(100, 1, "2026-05-31")
    spend.add(1, 0, "2026-06-01")
    dearer = Spend(post=1, user=1)
    dearer.add(1, 1, "2026-05-31")
    dearer.add(-1, 0, "2026-05-31")
    assert Spend(1, 1).total("2026-05") == {"posts": 200, "users": 42, "price": 2.41}
    assert Spend(1, 1).total("2026-06") == {"posts": 1, "users": 0, "price": 0.005}
    today = time.strftime("%Y-%m-%d", time.gmtime())
    spend = Spend(1, 1)
    spend.add(7, 0, today)
    assert spend.total()["posts"] == 7


def test_what_was_spent_is_told_by_month(project):
    assert by_month() == {}
    spend = Spend(post=0.005, user=0.01)
    for day in ("2026-06-02", "2026-05-01", "2026-05-31"):
        spend.add(100, 40, day)
    assert by_month() == {
        "2026-05": {"posts": 200, "users": 80, "price": 1.8},
        "2026-06": {"posts": 100, "users": 40, "price": 0.9},
    }


def test_prices_add_up_without_a_rest(project):
    spend = Spend(post=0.1, user=0.2)
    for _ in range(30):
        spend.add(1, 1, DAY)
    assert spend.total("2026-05")["price"] == 9.0


@pytest.mark.parametrize("content", ["", "[]", '{"May": {}}', '{"2026-05-01": {"posts": 1}}'])
def test_a_damaged_spend_is_an_error_and_not_nothing(project, content):
    Spend(1, 1).add(1, 1, DAY)
    paths.inside(FILE).write_text(content)
    with pytest.raises(ValueError, match=r"spend.json is damaged, so nobody can tell what was sp"):
        Spend(1, 1)


@pytest.mark.parametrize("day", ["today", "2026-05-01\n"])
def test_a_day_that_is_none_is_refused(project, day):
    with pytest.raises(ValueError, match="YYYY-MM-DD"):
        Spend(1, 1).add(1, 1, day)
