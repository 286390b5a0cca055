"""The month's budget, shared by a taker of requests and by those who only count."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from customer_profiles.collect.budget import Budget, BudgetReached, Spend
from tests.collect.collecting import asked


def test_what_is_read_at_the_same_time_adds_up(project):
    budget, start = Budget(asked(budget=1000.0), time.time), threading.Barrier(3)

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
    budget = Budget(asked(budget=3.0), time.time)
    assert budget.room(100, 10, share=0.25) == 50
    assert budget.room(100, 10, share=0.25) == 37
    budget.add(70, 70)
    assert budget.left() == 0.645
    assert budget.room(100, 10, share=0.1) == 10
    assert budget.room(100, 10) == 33
    with pytest.raises(BudgetReached, match=r"can cost \$0.15, and of this month's budget of \$3"):
        budget.room(100, 10)


def test_what_was_streamed_is_checked_after_it_was_counted(project):
    budget = Budget(asked(budget=0.03), time.time)
    budget.add(1, 1)
    budget.check()
    budget.add(2, 2)
    with pytest.raises(BudgetReached, match=r"is used up, \$0.04 of \$0.03: raise budget"):
        budget.check()
