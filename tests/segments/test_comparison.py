"""Coarse bins beside exact values: the same profiles, and how well their clusters recur."""

import numpy as np
import pandas as pd
import pytest

from customer_profiles.segments import comparison
from tests.segments import degrees


def test_a_count_becomes_the_number_of_its_bin_and_polarity_a_mark():
    people = degrees.audience(4)
    people = people.assign(followers=[0, 999, 1000, 200_000], polarity=[0, 0.3, 0.9, 1])
    binned = comparison.in_bins(people)
    assert np.log1p(binned["followers"]).tolist() == pytest.approx([0, 0, 1, 2])
    assert binned["polarity"].tolist() == [0, 0.25, 1, 1]
    assert binned["_id"].tolist() == people["_id"].tolist()


def test_groups_within_a_bin_recur_by_exact_values_only():
    rng = np.random.default_rng(7)
    group = np.arange(300) % 3
    followers = np.array([10, 60, 400])[group] * rng.lognormal(sigma=0.1, size=300)
    people = pd.DataFrame({
        "followers": followers.astype(int),
        "polarity": np.array([0.05, 0.1, 0.9])[group] + rng.normal(scale=0.01, size=300),
    })  # fmt: skip
    table = comparison.recurrence(people, {"followers": 1, "polarity": 1}, 0.99, seed=7)
    assert table.index.tolist() == ["exact", "bins"]
    assert table.loc["exact", 3] > 0.99
    # Bins hold two kinds of profiles, of which two clusters say nothing more, and three cannot be.
    assert table.loc["bins"].isna().all()


def test_an_audience_of_few_different_profiles_is_compared_as_far_as_it_goes():
    people = degrees.audience(4)
    table = comparison.recurrence(people, degrees.FEATURES, 0.99, seed=7)
    assert table.columns.tolist() == list(comparison.KS)
    assert table.loc["exact", [5, 6]].isna().all()
