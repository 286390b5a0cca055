"""Clusters that are there are found and hold; clusters that are not are called unstable."""

import warnings

import numpy as np
import pandas as pd
import pytest
from kneed.data_generator import DataGenerator
from sklearn.metrics import adjusted_rand_score

from customer_profiles import clustering

FEATURES = ("polarity", "followers")
SIZES = (60, 40, 25)


@pytest.fixture(scope="module")
def blobs():
    """Profiles in three groups of different size, far apart, and the group of each."""
    rng = np.random.default_rng(1)
    group = np.repeat([0, 1, 2], SIZES)
    middle = np.array([[0, 0], [10, 0], [5, 9]])[group]
    rows = middle + rng.normal(scale=0.3, size=middle.shape)
    profiles = pd.DataFrame(rows, columns=list(FEATURES)).assign(_id="x")
    order = rng.permutation(len(rows))
    return profiles.iloc[order].reset_index(drop=True), group[order]


@pytest.fixture(scope="module")
def noise():
    """Points without any structure."""
    return np.random.default_rng(2).uniform(size=(100, 4))


def curve(x, y):
    return pd.DataFrame({"k": x, "inertia": np.asarray(y, dtype=float), "silhouette": 0.0})


def test_the_elbow_of_kneeds_convex_example_is_2():
    assert clustering.elbow(curve(*DataGenerator.convex_decreasing())) == 2


def test_the_elbow_of_kneeds_bumpy_example_is_26():
    assert clustering.elbow(curve(*DataGenerator.bumpy())) == 26


def test_a_straight_line_has_no_elbow_and_the_silhouette_decides():
    table = curve([2, 3, 4, 5], [40, 30, 20, 10]).assign(silhouette=[0.1, 0.2, 0.6, 0.3])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # kneed also says so
        assert clustering.elbow(table) is None
        assert clustering.choose(table) == 4


def test_blobs_are_found(blobs):
    profiles, group = blobs
    rows = clustering.matrix(profiles, FEATURES)
    table = clustering.scan(rows, 2, 6, seed=7)
    assert table["k"].tolist() == [2, 3, 4, 5, 6]
    assert table["inertia"].is_monotonic_decreasing
    assert clustering.choose(table) == 3
    assert table.loc[table["silhouette"].idxmax(), "k"] == 3
    labels = clustering.fit(profiles, FEATURES, 3, seed=7).assign(profiles)
    assert adjusted_rand_score(group, labels) == 1


def test_blobs_hold(blobs):
    profiles, _ = blobs
    labels = clustering.fit(profiles, FEATURES, 3, seed=7).assign(profiles)
    held = clustering.stability(clustering.matrix(profiles, FEATURES), labels, seed=7, draws=5)
    assert held == {"ari": 1.0, "jaccard": [1.0, 1.0, 1.0]}
    assert clustering.verdict(held, jaccard=0.75, ari=0.9) == clustering.STABLE


def test_clusters_are_numbered_from_the_largest(blobs):
    profiles, group = blobs
    labels = clustering.fit(profiles, FEATURES, 3, seed=7).assign(profiles)
    assert labels.tolist() == group.tolist()


def test_numbers_do_not_depend_on_the_seed_or_the_order(blobs):
    profiles, group = blobs
    # Equal sizes, so that the size does not tell them apart.
    equal = pd.concat([profiles[group == number][: SIZES[-1]] for number in range(3)])
    models = [
        clustering.fit(rows, FEATURES, 3, seed)
        for seed, rows in enumerate([equal, equal.iloc[::-1], equal.sample(frac=1, random_state=3)])
    ]
    for model in models[1:]:
        assert model.centroids == pytest.approx(models[0].centroids)


def test_noise_is_called_unstable(noise):
    profiles = pd.DataFrame(noise, columns=list("abcd"))
    labels = clustering.fit(profiles, list("abcd"), 5, seed=7).assign(profiles)
    held = clustering.stability(noise, labels, seed=7, draws=4)
    assert clustering.verdict(held, jaccard=0.75, ari=0.9) == clustering.UNSTABLE


@pytest.mark.parametrize(
    ("held", "stable"),
    [
        ({"jaccard": [0.75, 0.9], "ari": 0.9}, True),
        ({"jaccard": [0.74, 0.99], "ari": 1.0}, False),
        ({"jaccard": [0.99, 0.99], "ari": 0.89}, False),
    ],
)
def test_every_cluster_and_the_whole_must_reach_their_bounds(held, stable):
    expected = clustering.STABLE if stable else clustering.UNSTABLE
    assert clustering.verdict(held, jaccard=0.75, ari=0.9) == expected


def test_a_split_blob_does_not_hold(blobs):
    profiles, group = blobs
    rows = clustering.matrix(profiles, FEATURES)
    halved = np.where((group == 0) & (rows[:, 0] > np.median(rows[group == 0, 0])), 3, group)
    held = clustering.stability(rows, halved, seed=7, draws=5)
    assert clustering.verdict(held, jaccard=0.75, ari=0.9) == clustering.UNSTABLE
    assert held["jaccard"][0] < 0.75 < held["jaccard"][2]


@pytest.mark.parametrize(("k_min", "k_max"), [(1, 3), (3, 3), (4, 3)])
def test_a_range_of_k_that_is_none_is_refused(noise, k_min, k_max):
    with pytest.raises(ValueError, match=f"k_min={k_min}, k_max={k_max}"):
        clustering.scan(noise, k_min, k_max, seed=7)


def test_k_max_must_be_below_the_number_of_different_profiles():
    rows = np.repeat([[0.0], [1.0], [2.0], [5.0]], 10, axis=0)
    with pytest.raises(ValueError, match=r"k_max=4 .* 4 \(of 40\)"):
        clustering.scan(rows, 2, 4, seed=7)
    assert clustering.scan(rows, 2, 3, seed=7)["k"].tolist() == [2, 3]


@pytest.mark.parametrize("k", [0, 3])
def test_fewer_different_profiles_than_k_are_refused(k):
    profiles = pd.DataFrame({"polarity": [1, 1, 2]})
    with pytest.raises(ValueError, match=f"k must be 1 to 2, .*got {k}"):
        clustering.fit(profiles, ["polarity"], k, seed=7)


def test_one_cluster_holds_everybody(blobs):
    model = clustering.fit(blobs[0], FEATURES, 1, seed=7)
    assert set(model.assign(blobs[0])) == {0}
    assert model.centroids == pytest.approx(np.zeros((1, 2)))


def test_an_unknown_feature_is_refused_and_pseudonyms_are_not_offered(blobs):
    with pytest.raises(ValueError, match=r"names likes, .* they have polarity, followers$"):
        clustering.matrix(blobs[0], ["polarity", "likes"])


def test_a_feature_without_differences_does_no_harm(blobs):
    profiles, group = blobs
    same = profiles.assign(listed=3)
    labels = clustering.fit(same, [*FEATURES, "listed"], 3, seed=7).assign(same)
    assert labels.tolist() == group.tolist()


def test_a_profile_goes_to_the_nearest_centroid():
    model = clustering.Model(
        ("polarity",), np.array([2.0]), np.array([2.0]), np.array([[-1.0], [1.0]])
    )
    # In scaled units -1, -0.5, 0.5 and 4
    assert model.assign(pd.DataFrame({"polarity": [0, 1, 3, 10]})).tolist() == [0, 0, 1, 1]


def test_the_model_is_written_coarsely_and_without_a_small_clusters_centroid():
    centroids = np.array([[-1.0], [0.28], [1.0]])
    model = clustering.Model(("polarity",), np.array([2.04]), np.array([0.5]), centroids)
    assert clustering.as_json(model, [30, 10, 9], k=10) == {
        "features": ["polarity"],
        "mean": [2.0],
        "scale": [0.5],
        "centroids": [[-1.0], [0.2], None],
    }


def test_the_last_member_of_a_cluster_cannot_be_told_from_its_centroid(blobs):
    profiles, group = blobs
    members = profiles[group == 0].reset_index(drop=True)
    possible = set()
    for polarity in range(5):  # what the one whom nobody knows may have
        members.loc[0, "polarity"] = polarity
        people = pd.concat([members, profiles[group != 0]])
        model = clustering.fit(people, FEATURES, 3, seed=7)
        sizes = np.bincount(model.assign(people))
        possible.add(str(clustering.as_json(model, sizes, k=10)))
    assert len(possible) == 1


def test_curves_are_shown_in_few_digits():
    table = pd.DataFrame({"k": [2, 3], "inertia": [12345.6, 98.765], "silhouette": [0.3456, 0.5]})
    shown = clustering.shown(table)
    assert shown["inertia"].tolist() == [12300, 98.8]
    assert shown["silhouette"].tolist() == [0.35, 0.5]


def test_agreement_is_the_adjusted_rand_index():
    truth = pd.Series(["a", "a", "b", "b"])
    assert clustering.agreement(np.array([5, 5, 3, 3]), truth) == 1
    # One pair of two found, none wrong; expected by chance 1·2/6: (1 - 1/3) / (3/2 - 1/3)
    assert clustering.agreement(np.array([0, 0, 1, 2]), truth) == pytest.approx(4 / 7)
