"""Nobody stands alone in what is published, and nobody can be had by subtraction."""

import numpy as np
import pandas as pd
import pytest

from customer_profiles.privacy import cells
from customer_profiles.project import vocabulary
from tests.privacy.groups import people, shown_cells


@pytest.mark.parametrize(("count", "text"), [(0, "<10"), (9, "<10"), (10, 10), (np.int64(11), 11)])
def test_a_number_of_people_below_k_is_not_shown(count, text):
    assert vocabulary.at_least(count, 10) == text


def test_cells_of_k_are_shown_and_cells_below_are_not():
    # 9 and 4 are suppressed and are 13 together.
    groups = [(0, 0, 50), (0, 1, 10), (0, 2, 9), (0, 3, 4)]
    assert shown_cells(*groups) == [(0, 0, 50), (0, 1, 10)]


def test_one_held_back_cell_takes_the_smallest_other_one_along():
    # 65 - 50 - 12 would be the 3 of tier 2.
    assert shown_cells((0, 0, 50), (0, 1, 12), (0, 2, 3)) == [(0, 0, 50)]


def test_as_many_cells_are_suppressed_as_it_takes():
    # 1 + 1 + 1 are 3, with the 10 they are 13.
    assert shown_cells((0, 0, 30), (0, 1, 10), (0, 2, 1), (0, 3, 1), (0, 4, 1)) == [(0, 0, 30)]
    # 16 + 3 are 19, one too few for k = 20.
    groups = [(0, 0, 30), (0, 1, 21), (0, 2, 16), (0, 3, 3)]
    assert shown_cells(*groups, k=20) == [(0, 0, 30)]


def test_a_segment_without_a_small_cell_keeps_all_of_them():
    groups = [(0, 0, 50), (0, 1, 3), (0, 2, 12), (1, 0, 10), (1, 1, 11)]
    assert shown_cells(*groups) == [(0, 0, 50), (1, 0, 10), (1, 1, 11)]


def test_a_segment_that_could_be_had_by_subtraction_shows_no_cell():
    # Segment 2 has 5 people: with the 12 of segment 1 shown, 77 - 60 - 12 would be they.
    groups = [(0, 0, 30), (0, 1, 30), (1, 0, 12), (2, 0, 5)]
    assert shown_cells(*groups) == [(0, 0, 30), (0, 1, 30)]


def test_fewer_than_k_people_show_nothing():
    assert shown_cells((0, 0, 5), (1, 0, 4)) == []


def test_no_remainder_of_any_table_is_below_k():
    rng = np.random.default_rng(3)
    k, seen = 10, 0
    for _ in range(40):
        sizes = rng.geometric(0.06, size=(4, 5))
        groups = [
            (segment, tier, sizes[segment, tier]) for segment in range(4) for tier in range(5)
        ]
        table = cells.cells(people(*groups), ("segment", "tier"), k)
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
    counts = cells.groups(posts(**authors), ["bin"], k, "author")
    return dict(zip(counts["bin"], counts["rows"], strict=True))


def test_a_group_of_posts_needs_k_different_authors_however_many_posts_there_are():
    assert shown_posts(2, low="aabbc", middle="aaaaa", high="d") == {"low": 5}
    assert shown_posts(2, low="aabbc", middle="abb") == {"low": 5, "middle": 3}
    assert shown_posts(4, low="abc") == {}


def test_posts_that_are_suppressed_are_of_k_different_authors_together():
    # In low and middle together there are still only two authors: high goes too.
    groups = {"low": "ab", "middle": "bba", "high": "cde", "top": "abcdef"}
    assert shown_posts(3, **groups) == {"top": 6}
    assert shown_posts(3, low="ab", middle="bc", high="cde") == {"high": 3}


def test_counts_spread_over_powers_of_ten_and_a_suppressed_one_has_no_number():
    reach = [0, 0, 0, 9, 10, 10, 99, 1_000_000, 2_000_000, 2**40, -1, -1, -1]
    frame = pd.DataFrame({"_id": range(13), "followers": reach, "listed": -1})
    counts = cells.bin_counts(frame, ["followers", "listed"], 3, "_id")
    assert list(counts["followers"].index) == [
        "under 1", "1 to 9", "10 to 99", "100 to 999", "1,000 to 9,999", "10,000 to 99,999",
        "100,000 to 999,999", "1,000,000 and more",
    ]  # fmt: skip
    # One author alone has 1 to 9: the smallest other group is suppressed as well. Unknown counts
    # are in none.
    assert counts["followers"].dropna().to_dict() == {"10 to 99": 3, "1,000,000 and more": 3}
    assert counts["listed"].isna().all()


def test_the_size_of_a_small_group_is_not_had_from_those_of_the_others():
    assert cells.sizes([40, 10], 10) == [40, 10]
    assert cells.sizes([40, 20, 3], 10) == [">9", ">9", "<10"]
    assert cells.sizes([40, 20, 0], 10) == [">9", ">9", "<10"]
    assert cells.sizes([], 10) == []


def test_neither_a_small_part_nor_a_small_rest_can_be_read_off():
    assert cells.part(9, of=40, k=10) == "<10"
    assert cells.part(10, of=40, k=10) == 10
    assert cells.part(30, of=40, k=10) == 30
    assert cells.part(31, of=40, k=10) == ">30"
    # Nor whether there is a rest at all: the bound says 0 to 9, as "<10" does.
    assert cells.part(40, of=40, k=10) == ">30"
