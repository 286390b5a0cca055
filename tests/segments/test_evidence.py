"""The curves, the comparison with chance and the stability are right, and do not depend on luck."""

import numpy as np
import pandas as pd
import pytest
from kneed.data_generator import DataGenerator
from sklearn.metrics import adjusted_rand_score, silhouette_score

from customer_profiles.segments import evidence

EFFORT = {"seed": 7, "draws": 5, "seeds": 3, "references": 6}


@pytest.fixture(scope="module")
def blobs():
    """Rows in three groups of different size, far apart."""
    rng = np.random.default_rng(1)
    middles = np.array([[0, 0], [3, 0], [1.5, 2.6]])[np.repeat([0, 1, 2], (60, 40, 25))]
    return middles + rng.normal(scale=0.2, size=middles.shape)


@pytest.fixture(scope="module")
def weighed(blobs):
    return evidence.weigh(blobs, range(2, 6), **EFFORT)


def curve(x, y):
    return pd.DataFrame({"k": x, "inertia": np.asarray(y, dtype=float)})


def test_the_elbow_of_kneeds_convex_example_is_2():
    assert evidence.elbow(curve(*DataGenerator.convex_decreasing())) == 2


def test_the_elbow_of_kneeds_bumpy_example_is_26():
    assert evidence.elbow(curve(*DataGenerator.bumpy())) == 26


@pytest.mark.parametrize("inertia", [[40, 30, 20, 10], [40, 30], []])
def test_a_straight_line_has_no_elbow(inertia):
    assert evidence.elbow(curve(range(2, 2 + len(inertia)), inertia)) is None


def test_all_silhouettes_of_one_pass_are_scikit_learns(monkeypatch):
    monkeypatch.setattr(evidence, "MIB", 1)  # several pieces
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(700, 3))
    groupings = [np.minimum(rng.integers(k * 40, size=700) // 40, k - 1) for k in (2, 5)]
    groupings.append(np.r_[2, np.zeros(400, dtype=int), np.ones(299, dtype=int)])  # one alone
    groupings.append(np.repeat([0, 3], 350))  # nobody in two of the clusters
    expected = [silhouette_score(rows, labels) for labels in groupings]
    assert evidence.silhouettes(rows, groupings) == pytest.approx(expected)


def test_groups_are_tighter_than_chance_and_come_back(weighed):
    row = weighed.set_index("k").loc[3]
    assert weighed["inertia"].is_monotonic_decreasing
    assert row["gap"] > 10 * row["gap_error"]
    assert row["jaccards"] == [1, 1, 1]
    assert row["ari"] == 1
    assert row["smallest"] == 25 / 125
    assert row["silhouette"] - row["silhouette_chance"] > 0.2


def test_a_group_that_is_cut_in_two_does_not_come_back(weighed):
    jaccards = weighed.set_index("k").loc[4, "jaccards"]
    assert min(jaccards) < 0.75 < max(jaccards)


def test_a_cluster_is_compared_with_the_best_of_the_sample():
    rng = np.random.default_rng(1)
    middles = np.array([[0, 0], [9, 0], [9, 0.8]])[np.repeat([0, 1, 2], (60, 40, 25))]
    rows = middles + rng.normal(scale=0.1, size=middles.shape)
    right, wrong = np.repeat([0, 1, 1], (60, 40, 25)), np.repeat([0, 0, 1], (60, 40, 25))
    similarities, ari = evidence.recovery(rows, right, (7, 0))
    assert (similarities.tolist(), ari) == ([1, 1], 1)
    # Found are the 60 and the 65: of the wrong 100 the 60 are the best, of the 25 the 65.
    recoveries = [evidence.recovery(rows, wrong, (7, draw)) for draw in range(10)]
    similarities = np.mean([similar for similar, _ in recoveries], axis=0)
    assert similarities == pytest.approx([60 / 100, 25 / 65], abs=0.05)
    expected = adjusted_rand_score(wrong, right)
    assert np.mean([ari for _, ari in recoveries]) == pytest.approx(expected, abs=0.05)


def test_neither_the_workers_nor_a_second_run_change_a_digit(blobs, weighed):
    for workers in (1, 3):
        again = evidence.weigh(blobs, range(2, 6), **EFFORT, workers=workers)
        pd.testing.assert_frame_equal(again, weighed, check_exact=True)


def test_chance_is_not_tighter_than_itself():
    rows = np.random.default_rng(4).normal(size=(200, 3))
    table = evidence.weigh(rows, range(2, 5), **EFFORT)
    assert (table["gap"] < 3 * table["gap_error"]).all()


@pytest.mark.parametrize(
    ("different", "by_hand", "ks"),
    [
        (20, 0, [2, 3, 4, 5]),
        (20, 7, [2, 3, 4, 5, 7]),
        (20, 1, [2, 3, 4, 5]),
        (4, 0, [2, 3]),
        (2, 0, []),
        (1, 0, []),
    ],
)
def test_no_k_is_looked_at_that_could_not_part_the_profiles(different, by_hand, ks):
    rows = np.repeat(np.arange(different, dtype=float), 3)[:, None]
    assert evidence.candidates(rows, 2, 5, by_hand) == ks


def test_more_segments_by_hand_than_different_profiles_are_refused():
    rows = np.repeat(np.arange(4.0), 3)[:, None]
    with pytest.raises(ValueError, match=r"cluster\.k=5 must be 0 .* to 4"):
        evidence.candidates(rows, 2, 5, 5)
