"""Nobody stands alone in what is published, and nobody can be had by subtraction."""

import numpy as np
import pandas as pd
import pytest

from customer_profiles import privacy


def people(*groups, columns=("segment", "tier")):
    """A row for each person of `groups`: values of `columns`, then how many they are."""
    rows = [values for *values, number in groups for _ in range(number)]
    return pd.DataFrame(rows, columns=list(columns))


def shown(*groups, k=10):
    """Cells of `groups` that are shown, as (segment, tier, authors)."""
    table = privacy.cells(people(*groups), ("segment", "tier"), k)
    return [tuple(row) for row in table[table["shown"]].drop(columns="shown").to_numpy().tolist()]


def test_a_count_at_an_edge_is_in_the_bin_that_begins_there():
    counts = [0, 1, 9, 10, 99, 100, 2**62]
    assert privacy.binned(counts, [1, 10, 100]).tolist() == [0, 1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize("edges", [[], [10, 1], [1, 1], [[1, 2]]])
def test_edges_that_do_not_rise_are_refused(edges):
    with pytest.raises(ValueError, match="bin edges must rise"):
        privacy.binned([5], edges)


def test_a_value_moves_to_the_nearest_mark_and_from_the_middle_upwards():
    values = [0, 0.024, 0.025, 0.5, 0.974, 0.975, 1]
    assert privacy.gridded(values, 20).tolist() == [0, 0, 1, 10, 19, 20, 20]


def test_bins_are_called_by_their_counts():
    names = ["under 10", "10", "11 to 999", "1,000 and more"]
    assert privacy.bin_names([10, 11, 1000]) == names


def test_a_bin_stands_for_its_geometric_middle():
    # 0 to 9 (0 as 1): √(1·9); 10 to 99: √(10·99); 100 to 199: √(100·199)
    assert privacy.bin_values([10, 100]) == pytest.approx([3, 31.4643, 141.0674], abs=1e-4)
    assert privacy.bin_values([1, 3])[0] == 0


@pytest.mark.parametrize(("count", "text"), [(0, "<10"), (9, "<10"), (10, 10), (np.int64(11), 11)])
def test_a_number_of_people_below_k_is_not_shown(count, text):
    assert privacy.at_least(count, 10) == text


def test_cells_of_k_are_shown_and_cells_below_are_not():
    # 9 and 4 are held back and are 13 together.
    groups = [(0, 0, 50), (0, 1, 10), (0, 2, 9), (0, 3, 4)]
    assert shown(*groups) == [(0, 0, 50), (0, 1, 10)]


def test_one_held_back_cell_takes_the_smallest_other_one_along():
    # 65 - 50 - 12 would be the 3 of tier 2.
    assert shown((0, 0, 50), (0, 1, 12), (0, 2, 3)) == [(0, 0, 50)]


def test_as_many_cells_are_held_back_as_it_takes():
    # 1 + 1 + 1 are 3, with the 10 they are 13.
    assert shown((0, 0, 30), (0, 1, 10), (0, 2, 1), (0, 3, 1), (0, 4, 1)) == [(0, 0, 30)]
    # 16 + 3 are 19, one too few for k = 20.
    groups = [(0, 0, 30), (0, 1, 21), (0, 2, 16), (0, 3, 3)]
    assert shown(*groups, k=20) == [(0, 0, 30)]


def test_a_segment_without_a_small_cell_keeps_all_of_them():
    groups = [(0, 0, 50), (0, 1, 3), (0, 2, 12), (1, 0, 10), (1, 1, 11)]
    assert shown(*groups) == [(0, 0, 50), (1, 0, 10), (1, 1, 11)]


def test_a_segment_that_could_be_had_by_subtraction_shows_no_cell():
    # Segment 2 has 5 people: with the 12 of segment 1 shown, 77 - 60 - 12 would be they.
    groups = [(0, 0, 30), (0, 1, 30), (1, 0, 12), (2, 0, 5)]
    assert shown(*groups) == [(0, 0, 30), (0, 1, 30)]


def test_fewer_than_k_people_show_nothing():
    assert shown((0, 0, 5), (1, 0, 4)) == []


def test_no_remainder_of_any_table_is_below_k():
    rng = np.random.default_rng(3)
    k, seen = 10, 0
    for _ in range(40):
        sizes = rng.geometric(0.06, size=(4, 5))
        groups = [
            (segment, tier, sizes[segment, tier]) for segment in range(4) for tier in range(5)
        ]
        table = privacy.cells(people(*groups), ("segment", "tier"), k)
        hidden = table["authors"].where(~table["shown"], 0).groupby(table["segment"]).sum()
        assert ((hidden == 0) | (hidden >= k)).all()
        assert (table.loc[table["shown"], "authors"] >= k).all()
        seen += table["shown"].sum()
    assert seen > 200


def posts(**authors):
    """A row for each post: its bin, and its author; `authors` are given by bin."""
    rows = [(bin, author) for bin, names in authors.items() for author in names]
    return pd.DataFrame(rows, columns=["bin", "author"])


def shown_posts(k, **authors):
    """Bins that are shown, with their posts."""
    found = privacy.groups(posts(**authors), ["bin"], k, "author")
    return dict(zip(found["bin"], found["rows"], strict=True))


def test_a_group_of_posts_needs_k_different_authors_however_many_posts_there_are():
    assert shown_posts(2, low="aabbc", middle="aaaaa", high="d") == {"low": 5}
    assert shown_posts(2, low="aabbc", middle="abb") == {"low": 5, "middle": 3}
    assert shown_posts(4, low="abc") == {}


def test_posts_that_are_held_back_are_of_k_different_authors_together():
    # In low and middle together there are still only two authors: high goes too.
    groups = {"low": "ab", "middle": "bba", "high": "cde", "top": "abcdef"}
    assert shown_posts(3, **groups) == {"top": 6}
    assert shown_posts(3, low="ab", middle="bc", high="cde") == {"high": 3}


def test_a_bin_that_is_held_back_has_no_number_in_a_spread():
    frame = pd.DataFrame({"_id": range(7), "reach": [0, 0, 0, 1, 3, 3, 3]})
    names = {"reach": ["none", "some", "more", "most"]}
    counts = privacy.spread(frame, names, 3, "_id")["reach"]
    # One author alone in "some": the smallest other bin is held back as well.
    assert counts.dropna().to_dict() == {"most": 3}
    assert list(counts.index) == names["reach"]


def test_uniqueness_is_the_share_of_people_like_nobody_else():
    group = people((0, 0, 2), (0, 1, 1), (1, 0, 1))
    assert privacy.uniqueness(group, ("segment", "tier")) == 0.5
    assert privacy.uniqueness(group, ("tier",)) == 0.25
    assert privacy.uniqueness(group[:0], ("tier",)) == 0


def table(*rows):
    return pd.DataFrame(rows, columns=["authors", "shown"])


def test_what_holds_gets_its_certificate():
    held = privacy.certificate(table((50, True), (45, True), (5, False)), [100, 12], 10, 0.05)
    assert held == {
        "published": {
            "k": 10,
            "k_min": 12,
            "uniqueness": 0.0,
            "suppressed_share": 0.05,
            "cells": 2,
            "cells_suppressed": 1,
        },
        "passed": True,
        "reasons": [],
    }


@pytest.mark.parametrize("groups", [[100, 9], [9], [1]])
def test_a_published_group_below_k_fails(groups):
    held = privacy.certificate(table((50, True)), groups, 10, 0.1)
    assert not held["passed"]
    assert held["reasons"] == ["a published group has fewer than k=10 authors"]
    assert held["published"]["k_min"] == "<10"


def test_a_shown_cell_below_k_fails():
    held = privacy.certificate(table((50, True), (1, True)), [51], 10, 0.1)
    assert held["published"]["uniqueness"] == pytest.approx(1 / 51)
    assert not held["passed"]


def test_too_much_held_back_fails_and_says_what_to_change():
    held = privacy.certificate(table((80, True), (20, False)), [100], 10, 0.1)
    assert not held["passed"]
    (reason,) = held["reasons"]
    assert reason.startswith("20.0% of the authors are in suppressed cells, more than 10%:")
    assert "section publish" in reason


@pytest.mark.parametrize("nothing", [table(), table((9, False))])
def test_nothing_shown_fails_for_both_reasons(nothing):
    held = privacy.certificate(nothing, [], 10, 0.1)
    assert not held["passed"]
    assert len(held["reasons"]) == 2
    assert held["published"]["suppressed_share"] == 1


def test_neither_a_small_part_nor_a_small_rest_can_be_read_off():
    assert privacy.part(9, of=40, k=10) == "<10"
    assert privacy.part(10, of=40, k=10) == 10
    assert privacy.part(30, of=40, k=10) == 30
    assert privacy.part(31, of=40, k=10) == ">30"
    assert privacy.part(40, of=40, k=10) == 40
