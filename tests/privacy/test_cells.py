"""Nobody stands alone in what is published, and nobody can be had by subtraction."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from customer_profiles.privacy import cells, generalisation
from customer_profiles.project import vocabulary


def people(*groups, columns=("segment", "tier")):
    """A row for each person of `groups`: values of `columns`, then how many they are."""
    rows = [values for *values, number in groups for _ in range(number)]
    return pd.DataFrame(rows, columns=list(columns))


def shown_cells(*groups, k=10):
    """Cells of `groups` that are shown, as (segment, tier, authors)."""
    table = cells.cells(people(*groups), ("segment", "tier"), k)
    return [tuple(row) for row in table[table["shown"]].drop(columns="shown").to_numpy().tolist()]


def test_a_count_at_an_edge_is_in_the_bin_that_begins_there():
    counts = [0, 1, 9, 10, 99, 100, 2**62]
    assert generalisation.binned(counts, [1, 10, 100]).tolist() == [0, 1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize("edges", [[], [10, 1], [1, 1], [[1, 2]]])
def test_edges_that_do_not_rise_are_refused(edges):
    with pytest.raises(ValueError, match="bin edges must rise"):
        generalisation.binned([5], edges)


def test_a_value_moves_to_the_nearest_mark_and_from_the_middle_upwards():
    values = [0, 0.024, 0.025, 0.5, 0.974, 0.975, 1]
    assert generalisation.gridded(values, 20).tolist() == [0, 0, 1, 10, 19, 20, 20]


def test_bins_are_called_by_their_counts():
    names = ["under 10", "10", "11 to 999", "1,000 and more"]
    assert generalisation.bin_names([10, 11, 1000]) == names


def test_a_bin_stands_for_its_geometric_middle():
    # 0 to 9 (0 as 1): √(1·9); 10 to 99: √(10·99); 100 to 199: √(100·199)
    assert generalisation.bin_values([10, 100]) == pytest.approx([3, 31.4643, 141.0674], abs=1e-4)
    assert generalisation.bin_values([1, 3])[0] == 0


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


def codes(**sizes):
    """A cell for each of numbered authors, so many in each; `_` in a name stands for a slash."""
    named = [name[1:].replace("_", "/") for name, size in sizes.items() for _ in range(size)]
    return pd.Series(named, [f"author {n}" for n in range(len(named))], dtype=object)


def atoms(k=10, **sizes):
    return cells.atoms(codes(**sizes), k).value_counts().to_dict()


def test_a_reader_places_nobody_more_closely_than_in_a_cell_or_in_what_is_suppressed():
    sizes = {"c0_0": 50, "c0_1": 10, "c0_2": 9, "c0_3": 4, "c1_0": 20}
    assert atoms(**sizes) == {"0/0": 50, "0/1": 10, "0/": 13, "1/0": 20}
    # Segment 2 has 5 people and takes segment 1 along.
    assert atoms(c0_0=30, c0_1=30, c1_0=12, c2_0=5) == {"0/0": 30, "0/1": 30, "": 17}
    assert atoms(c0_0=5, c1_0=4) == {"": 9}
    assert atoms(c0=30, c1=12) == {"0": 30, "1": 12}


def test_atoms_are_the_cells_that_are_shown():
    rng = np.random.default_rng(4)
    for _ in range(8):
        # Eleven segments: as texts they would be in another order, and ties fall otherwise.
        sizes = rng.geometric(0.08, size=(11, 3))
        group = [(segment, tier, sizes[segment, tier]) for segment in range(11) for tier in (0, 2)]
        named = {f"c{segment}_{tier}": size for segment, tier, size in group}
        sizes_by_code = {
            code: size for code, size in atoms(**named).items() if code[-1:] not in ("", "/")
        }
        assert sizes_by_code == {
            f"{segment}/{tier}": size for segment, tier, size in shown_cells(*group)
        }
        assert all(size >= 10 for size in atoms(**named).values())


def without(cells, *authors):
    return cells.drop([f"author {n}" for n in authors])


def together(earlier, later, k=10):
    return cells.together(cells.atoms(earlier, k), cells.atoms(later, k), k)


@pytest.fixture
def before():
    """Authors 0 to 49 in cell 0/0, 50 to 79 in 0/1, 80 to 119 in 1/0."""
    return codes(c0_0=50, c0_1=30, c1_0=40)


@pytest.mark.parametrize(("leavers", "kept"), [(1, False), (9, False), (10, True), (40, True)])
def test_publications_stay_together_when_k_left_a_group(before, leavers, kept):
    assert together(before, without(before, *range(leavers))) is kept
    assert together(without(before, *range(leavers)), before) is kept


def test_k_who_left_different_groups_are_fewer_than_k_in_one(before):
    assert not together(before, without(before, *range(9), 60))


def test_publications_of_the_same_people_do_not_stay_together(before):
    assert not together(before, before)
    assert not together(before, before.replace("1/0", "1/1"))


def test_segments_that_were_only_numbered_anew_are_the_same_groups(before):
    names = {"0/0": "1/0", "0/1": "1/1", "1/0": "0/0"}
    later = without(before, *range(10)).replace(names)
    assert together(before, later)
    assert not together(before, without(later, 60))


def test_one_who_moved_to_another_group_is_seen(before):
    later = without(before, *range(10))
    later["author 60"] = "1/0"
    assert not together(before, later)


def test_one_who_came_out_of_what_was_held_back_is_seen():
    # Nine came to the cell from outside and one from the rest: each sum is right, and yet the
    # rest has lost one, which is the segment less its cells.
    earlier = codes(c0_0=50, c0_1=6, c0_2=6, c1_0=40)
    later = earlier.copy()
    later["author 50"] = "0/0"
    later = pd.concat([later, pd.Series("0/0", [f"new {n}" for n in range(9)])])
    assert not together(earlier, later)


def test_any_pair_that_stays_together_is_k_anonymous_whatever_is_added_and_subtracted():
    seen = 0
    earlier = codes(c0_0=40, c0_1=25, c0_2=4, c0_3=8, c1_0=30)
    for cell, leavers in product(earlier.unique(), (5, 10, 15, 20)):
        later = earlier.drop(earlier.index[earlier == cell][:leavers])
        if not together(earlier, later):
            continue
        seen += 1
        one, two = cells.atoms(earlier, 10), cells.atoms(later, 10)
        for atom in one.unique():
            for other in two.unique():
                left = set(one.index[one == atom]) - set(two.index[two == other])
                stayed = set(one.index[one == atom]) & set(two.index[two == other])
                assert not 0 < len(left) < 10
                assert not 0 < len(stayed) < 10
    assert seen == 8  # 10, 15 or 20 of 40 or 30, 10 or 15 of 25


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
