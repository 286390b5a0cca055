"""Counts become bins, and shares the nearest marks."""

import pytest

from customer_profiles.privacy import generalisation


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
