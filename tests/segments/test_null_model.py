"""Rearranged profiles keep their columns and correlation, and lose their groups."""

import numpy as np
import pytest

from customer_profiles.segments import null_model


def rearranged(rows):
    return null_model.rearranged(rows, np.random.default_rng(5))


@pytest.fixture
def long_cloud():
    rng = np.random.default_rng(1)
    return rng.normal(size=(1000, 4)) @ rng.normal(size=(4, 4))


def test_each_column_keeps_its_values_in_another_order(long_cloud):
    made = rearranged(long_cloud)
    assert (np.sort(made, axis=0) == np.sort(long_cloud, axis=0)).all()
    assert (made != long_cloud).any(axis=0).all()


@pytest.mark.parametrize("bins", [False, True])
def test_the_correlation_is_that_of_the_profiles(long_cloud, bins):
    rows = np.digitize(long_cloud, [-1, 1]).astype(float) if bins else long_cloud
    wanted = np.corrcoef(rows, rowvar=False)
    assert np.abs(np.corrcoef(rearranged(rows), rowvar=False) - wanted).max() < 0.02
    assert np.abs(wanted - np.eye(4)).max() > 0.4


def test_groups_fall_apart():
    rng = np.random.default_rng(2)
    middles = np.array([[0, 0], [8, 0], [4, 7]])
    rows = middles[np.repeat([0, 1, 2], 200)] + rng.normal(scale=0.3, size=(600, 2))
    nearest = np.linalg.norm(rearranged(rows)[:, None] - middles, axis=2).min(axis=1)
    assert (nearest > 1.5).mean() > 0.2


def test_a_constant_column_stays_and_harms_no_other(long_cloud):
    made = rearranged(np.column_stack([long_cloud, np.full(1000, 3.0)]))
    assert (made[:, 4] == 3).all()
    assert np.isfinite(made).all()


@pytest.mark.parametrize("rows", [np.ones((1, 2)), np.ones((5, 2)), [[0.0, 1.0], [1.0, 0.0]]])
def test_too_little_to_rearrange_is_left_as_it_can_be(rows):
    rows = np.array(rows)
    assert (np.sort(rearranged(rows), axis=0) == np.sort(rows, axis=0)).all()


def test_two_columns_that_are_the_same_stay_the_same(long_cloud):
    twins = long_cloud[:, [0, 0]]
    made = rearranged(twins)
    assert np.corrcoef(made, rowvar=False)[0, 1] > 0.999
