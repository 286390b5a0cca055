"""Where the average member of a segment lies."""

import numpy as np

from customer_profiles.privacy import centroids

AWAY = np.array([[1.0, -0.5], [0.5, -0.3], [0.3, 0.6]])


def centroid(away=AWAY):
    return centroids.Centroid(("polarity", "followers"), away.sum(axis=0), len(away))


def test_a_centroid_is_shown_in_fifths_of_a_standard_deviation_without_a_minus_before_0():
    assert centroid().published(1) == {"polarity": 0.6, "followers": 0.0}  # 1.8 / 3 and -0.2 / 3
    assert str(centroid().published(1)["followers"]) == "0.0"
    assert centroid().published(5) == {"polarity": 1.0, "followers": 0.0}


def test_a_models_centroids_are_shown_only_if_they_name_no_last_member():
    rng = np.random.default_rng(1)
    labels = np.repeat([0, 1], [200, 100])
    values = rng.binomial(4, 0.5, (300, 2)).astype(float)
    assert centroids.publishable(values, labels, 2, k=10).tolist() == [True, True]
    assert centroids.publishable(values, labels, 3, k=10).tolist() == [True, True, False]
    # Of 12 who are far from all others, the one who is not known must be one of them.
    far = np.repeat([0, 1], [288, 12])
    values[288:] += 20
    assert not centroids.publishable(values, far, 2, k=10).any()


def test_in_too_wide_steps_it_is_not_shown():
    assert centroid().published(10) == {}
    assert centroid().unchanged(AWAY[:, None], AWAY[None] + 9, 10).all()


def test_with_a_member_exchanged_it_is_that_of_the_other_people():
    others = np.array([[0.9, -0.4], [-1.0, 2.0]])
    masks = centroid().unchanged(AWAY[:, None], others[None], 1)
    expected = [
        [centroid(np.vstack([np.delete(AWAY, t, axis=0), other])).published(1)
         == centroid().published(1)
         for other in others]
        for t in range(3)
    ]  # fmt: skip
    assert masks.tolist() == expected
    assert masks.any()
    assert not masks.all()
