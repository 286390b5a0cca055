"""Gaps of the stream are searched once, whatever fails in between."""

import time

from customer_profiles.bench.loopback.posts import invented
from customer_profiles.bench.loopback.server import XServer
from customer_profiles.bench.loopback.ways import QUERY
from customer_profiles.collect.budget import Budget
from customer_profiles.collect.stream.gaps import Gaps
from customer_profiles.collect.x_api import answers
from tests.collect.collecting import collect_settings


def test_a_gap_is_made_longer_at_both_ends_and_joined_with_what_it_overlaps():
    gaps = Gaps([(0.0, 100.0)], overlap=10.0, settle=0.0)
    gaps.add(500.0, 600.0)
    gaps.add(105.0, 120.0)
    assert sorted(gaps.open) == [(0.0, 130.0), (490.0, 610.0)]


def test_a_clock_that_was_set_back_makes_no_end_before_the_start():
    gaps = Gaps((), overlap=10.0, settle=0.0)
    gaps.add(4600.0, 1000.0)
    assert gaps.open == [(990.0, 1010.0)]


def test_a_search_that_fails_goes_on_where_it_was_and_holds_up_no_other_gap(project, ask):
    now = time.time()
    posts = invented(350, now, every=2)
    budget = Budget(collect_settings(), time.time)
    pages = []
    with XServer(posts, [None, None, *["500"] * 6]) as x:
        gaps = Gaps([(now - 2000, now - 30), (now - 3000, now - 2500)], overlap=0.0, settle=0.0)
        assert not gaps.fill(ask(x), QUERY, budget, pages.append)
        assert len(gaps.open) == 1
        first, reached = sum(len(answers.posts(page.body)) for page in pages), gaps.open[0][1]
        assert gaps.fill(ask(x), QUERY, budget, pages.append)
    assert gaps.open == []
    assert first == 200
    assert abs(reached - (now - 60 - 199 * 2)) <= 1
    numbers = [post["id"] for page in pages for post in answers.posts(page.body)]
    assert set(numbers) == {post["id"] for post in posts}
    assert len(numbers) - len(set(numbers)) <= 1


def test_a_gap_that_is_older_than_what_x_has_is_given_up_and_of_one_that_begins_there_a_part(
    project, ask, caplog
):
    now, week = time.time(), 7 * 86400
    budget = Budget(collect_settings(), time.time)
    with XServer(invented(3, now)) as x:
        gaps = Gaps([(0.0, 60.0), (now - 2 * week, now - 30)], overlap=0.0, settle=0.0)
        pages = []
        assert gaps.fill(ask(x), QUERY, budget, pages.append)
    assert gaps.open == []
    assert len(pages) == 1
    assert "a gap of 60 s in the stream stays: it is older than the seven days" in caplog.text
    assert "longer holds posts from before 20" in caplog.text
