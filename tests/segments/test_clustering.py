"""The model of the segments: features and weights, numbers of the clusters, what is shown."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from customer_profiles.privacy import features
from customer_profiles.segments import clustering

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


def test_means_are_named_by_cluster_and_field_and_empty_unless_shown(blobs):
    profiles, _ = blobs
    model = fitted(profiles, polarity=2)
    table = clustering.means(model, [60, "<50", 25], [3], np.array([True, True, False]))
    names = ["cluster 1: 60 authors", "cluster 2: <50 authors", "cluster 3: 25 authors (small)"]
    assert table.index.tolist() == names
    assert table.columns.tolist() == ["polarity", "followers"]
    assert table.iloc[:2].to_numpy().tolist() == clustering.coarse(model)[:2].tolist()
    assert table.iloc[2].isna().all()


def fitted(profiles, k=3, seed=7, **weights):
    chosen = {name: weights.get(name, 1) for name in profiles if name != "_id"}
    return clustering.fit(profiles, chosen, k, seed)


def test_blobs_are_found(blobs):
    profiles, group = blobs
    assert adjusted_rand_score(group, fitted(profiles).assign(profiles)) == 1


def test_clusters_are_numbered_from_the_largest(blobs):
    profiles, group = blobs
    labels = fitted(profiles).assign(profiles)
    assert labels.tolist() == group.tolist()


def test_numbers_do_not_depend_on_the_seed_or_the_order(blobs):
    profiles, group = blobs
    # Equal sizes, so that the size does not tell them apart.
    equal = pd.concat([profiles[group == number][: SIZES[-1]] for number in range(3)])
    models = [
        fitted(rows, seed=seed)
        for seed, rows in enumerate([equal, equal.iloc[::-1], equal.sample(frac=1, random_state=3)])
    ]
    for model in models[1:]:
        assert model.centroids == pytest.approx(models[0].centroids)


@pytest.mark.parametrize("k", [0, 3])
def test_fewer_different_profiles_than_k_are_refused(k):
    profiles = pd.DataFrame({"polarity": [1, 1, 2]})
    with pytest.raises(ValueError, match=f"k must be 1 to 2, .*got {k}"):
        fitted(profiles, k)


def test_one_cluster_holds_everybody(blobs):
    model = fitted(blobs[0], 1)
    assert set(model.assign(blobs[0])) == {0}
    assert model.centroids == pytest.approx(np.zeros((1, 2)))


def test_a_feature_without_differences_does_no_harm(blobs):
    profiles, group = blobs
    same = profiles.assign(listed=3)
    labels = fitted(same).assign(same)
    assert labels.tolist() == group.tolist()


def test_a_profile_goes_to_the_nearest_centroid():
    model = clustering.Model(
        ("polarity",), np.ones(1), np.array([2.0]), np.array([2.0]), np.array([[-1.0], [1.0]])
    )
    # In scaled units -1, -0.5, 0.5 and 4
    assert model.assign(pd.DataFrame({"polarity": [0, 1, 3, 10]})).tolist() == [0, 0, 1, 1]


def test_the_model_is_written_coarsely_and_without_a_centroid_that_is_not_shown():
    centroids = np.array([[-1.0], [0.28], [1.0]])
    model = clustering.Model(
        ("polarity",), np.array([2.0]), np.array([2.04]), np.array([0.5]), centroids
    )
    assert clustering.as_json(model, [True, True, False], clip=0.99) == {
        "features": ["polarity"],
        "clip": 0.99,
        "weights": [2.0],
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
        model = fitted(people)
        sizes = np.bincount(model.assign(people))
        possible.add(str(clustering.as_json(model, sizes >= 10, 0.99)))
    assert len(possible) == 1


def test_agreement_is_the_adjusted_rand_index():
    truth = pd.Series(["a", "a", "b", "b"])
    assert clustering.adjusted_rand(np.array([5, 5, 3, 3]), truth) == 1
    # One pair of two found, none wrong; expected by chance 1·2/6: (1 - 1/3) / (3/2 - 1/3)
    assert clustering.adjusted_rand(np.array([0, 0, 1, 2]), truth) == pytest.approx(4 / 7)


def test_a_weight_says_which_feature_decides():
    rng = np.random.default_rng(3)
    loud, quiet = rng.integers(2, size=(2, 400))
    profiles = pd.DataFrame({"loud": loud, "quiet": quiet}) + rng.normal(scale=0.2, size=(400, 2))
    for weights, expected in (({"loud": 2}, loud), ({"quiet": 2}, quiet)):
        labels = fitted(profiles, 2, **weights).assign(profiles)
        assert adjusted_rand_score(expected, labels) > 0.95


def test_centroids_are_told_in_standard_deviations_whatever_the_weights(blobs):
    profiles, _ = blobs
    plain, weighted = fitted(profiles), fitted(profiles, polarity=3)
    assert weighted.centroids == pytest.approx(plain.centroids)
    assert weighted.weights.tolist() == [3, 1]


@pytest.mark.parametrize("number", [0, 1, 9])
def test_an_audience_below_k_is_refused_with_a_way_out_and_not_counted(number):
    profiles = pd.DataFrame({"polarity": range(number)})
    with pytest.raises(ValueError, match=r"are <10 profiles, .* \(pull\.archive"):
        clustering.scaled(profiles, {"polarity": 1}, k=10)


def test_raw_counts_make_clusters_of_celebrities_and_prepared_ones_do_not():
    rng = np.random.default_rng(7)
    # As Zipf found for sizes of many kinds, and as many accounts as the original design clustered.
    reach = 1 + rng.pareto(1.0, 14_181)
    followers, listed = (
        np.floor(typical * reach**grows * rng.lognormal(sigma=0.8, size=len(reach)))
        for typical, grows in ((150, 1.0), (1, 0.9))
    )
    counts = pd.DataFrame({"followers": followers, "listed": listed})
    prepared = features.prepared(counts, dict.fromkeys(counts, 1), 0.99).table
    raw, exact = (np.bincount(fitted(values).assign(values)) for values in (counts, prepared))
    assert raw[0] / len(reach) > 0.99  # the original's: 14157, 17, 7
    assert raw[1:].max() < 60
    assert exact.min() / len(reach) > 0.05


def test_small_clusters_are_named_with_a_warning(caplog):
    labels = np.repeat([0, 1, 2], [90, 8, 2])
    assert clustering.small(labels, 0.05, k=1) == [3]
    assert "5 %" in caplog.text
    assert clustering.small(labels, 0.02, k=1) == []


def test_whether_a_cluster_is_small_does_not_say_how_many_fewer_than_k_it_has():
    for fewer in range(1, 10):
        labels = np.repeat([0, 1], [450 - fewer, fewer])  # 2 % are 9
        assert clustering.small(labels, 0.02, k=10) == [2]


def test_of_many_profiles_a_draw_is_fitted_first_and_then_all(monkeypatch, blobs):
    profiles, group = blobs
    monkeypatch.setattr(clustering, "ROWS", 60)
    monkeypatch.setattr(clustering, "CHUNK", 50)
    assert len(clustering.drawn(profiles[["polarity"]].to_numpy(), seed=7)) == 60
    model = fitted(profiles)
    assert model.assign(profiles).tolist() == group.tolist()
    means = profiles[["polarity", "followers"]].groupby(group).mean()
    assert model.centroids * model.scale + model.mean == pytest.approx(means.to_numpy())
