"""Two publications are read side by side only if that singles nobody out."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from customer_profiles.privacy import cells
from tests.privacy.groups import shown_cells


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
