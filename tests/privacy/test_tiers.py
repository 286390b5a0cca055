"""Tiers of exact counts, as many as can be shown, and cells by them."""

import numpy as np
import pandas as pd
import pytest

from customer_profiles.privacy import cells


def test_a_tier_begins_at_its_count_and_an_unknown_count_is_in_the_lowest():
    followers = [-1, 0, 999, 1000, 99_999, 100_000, 2**62]
    verified = [True, *[False] * 6]
    people = pd.DataFrame({"segment": range(7), "followers": followers, "verified": verified})
    tiers = cells.tiers(people, {"followers": [1000, 100_000], "verified": [1]})
    assert tiers["followers"].tolist() == [0, 0, 0, 1, 1, 2, 2]
    assert tiers["verified"].tolist() == [1, *[0] * 6]
    assert list(tiers) == ["segment", "followers", "verified"]
    assert tiers["segment"].tolist() == list(range(7))


def test_tiers_are_called_by_the_counts_where_they_begin():
    assert cells.tier_names({"followers": [100_000], "listed": [3, 300]}) == {
        "followers": ["under 100,000", "100,000 and more"],
        "listed": ["under 3", "3 to 299", "300 and more"],
    }
    assert cells.tier_names({}) == {}


def with_counts(*groups):
    """A row for each person of `groups`: the followers, the lists, then how many they are."""
    rows = [values for *values, number in groups for _ in range(number)]
    return pd.DataFrame(rows, columns=["followers", "listed"]).assign(segment=0)


CUTS = {"followers": [1000, 100_000], "listed": [3]}


@pytest.mark.parametrize(
    ("groups", "kept", "left_out"),
    [
        # 40, 30, 20 and 10 people: each cell has ten at least.
        ([(5, 0, 40), (5000, 0, 30), (5000, 9, 20), (500_000, 0, 10)], CUTS, []),
        # 4 with so many followers and, by subtraction, 20 with so many lists: without the first
        # cut nobody is suppressed.
        ([(5, 0, 40), (5000, 0, 36), (5000, 9, 20), (500_000, 0, 4)],
         {"followers": [1000], "listed": [3]}, ["followers from 100,000"]),
        # A field without any cut is none.
        ([(5, 0, 47), (5000, 0, 30), (500_000, 0, 20), (500_000, 9, 3)],
         {"followers": [1000, 100_000]}, ["lists it is on from 3"]),
        # None can be afforded, and each saves as little: in their order. A cell is a segment.
        ([(5, 0, 12), (5000, 0, 4), (500_000, 9, 4)], {},
         ["followers from 1,000", "followers from 100,000", "lists it is on from 3"]),
    ],
)  # fmt: skip
def test_cuts_that_suppress_too_many_are_left_out_the_costliest_first(groups, kept, left_out):
    assert cells.affordable(with_counts(*groups), CUTS, k=10, most=0.1) == (kept, left_out)


@pytest.mark.parametrize("hidden", [10, 20, 30, 40])
def test_cuts_that_suppress_just_as_many_as_they_may_are_kept(hidden):
    # Of 100 people two cells, which are small by themselves and not together, are suppressed.
    groups = (5, 0, 100 - hidden), (5000, 0, hidden // 2), (5000, 9, hidden // 2)
    people, k = with_counts(*groups), hidden // 2 + 1
    cuts = {"followers": [1000], "listed": [3]}
    assert cells.affordable(people, cuts, k, most=hidden / 100) == (cuts, [])
    fewer = {"followers": [1000]}, ["lists it is on from 3"]
    assert cells.affordable(people, cuts, k, most=(hidden - 1) / 100) == fewer


def test_what_is_affordable_leaves_the_asked_cuts_as_they_were():
    cuts = {"followers": [1000, 100_000]}
    cells.affordable(with_counts((5, 0, 12), (5000, 0, 4)), cuts, k=10, most=0.1)
    assert cuts == {"followers": [1000, 100_000]}


def test_without_tiers_a_cell_is_a_whole_segment():
    people = with_counts((5, 0, 12), (5000, 0, 30)).assign(segment=np.repeat([0, 1], [12, 30]))
    tiers = cells.tiers(people, {})
    assert set(cells.cell_codes(tiers)) == {"0", "1"}
    table = cells.cells(tiers, ["segment"], 10)
    named = cells.named_cells(table, {})
    assert named == [{"segment": 0, "authors": 12}, {"segment": 1, "authors": 30}]
    laid_out = cells.across(named, {})
    assert laid_out.to_dict("index") == {1: {"authors": "12"}, 2: {"authors": "30"}}


def test_cells_are_laid_out_with_the_tiers_of_the_last_field_side_by_side():
    names = {"followers": ["under 10", "10 and more"], "listed": ["under 3", "3 and more"]}
    named = [
        {"segment": 0, "followers": "under 10", "listed": "under 3", "authors": 12},
        {"segment": 1, "followers": "10 and more", "listed": "under 3", "authors": 15},
    ]
    table = cells.across(named, names)
    assert table.index.tolist() == [(1, "under 10"), (2, "10 and more")]
    assert table.columns.name == "lists it is on"
    assert table.columns.tolist() == ["under 3", "3 and more"]
    assert table.to_numpy().tolist() == [["12", "-"], ["15", "-"]]
