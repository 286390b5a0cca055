"""Figures of a model: intervals and errors worked out by hand or taken from the literature."""

import numpy as np
import pandas as pd
import pytest

from customer_profiles import evaluation


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # Newcombe 1998, Statistics in Medicine 17:857, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (20, 20, 0.8389, 1.0),
        # The manual test set's 359 polar posts
        (296, 359, 0.782, 0.860),
    ],
)
def test_wilsons_interval(successes, n, low, high):
    assert evaluation.wilson(successes, n) == pytest.approx(
        (low, high), abs=5e-4 if n == 359 else 5e-5
    )


def test_an_interval_ends_exactly_at_0_and_1():
    assert evaluation.wilson(0, 7)[0] == 0
    assert evaluation.wilson(7, 7)[1] == 1


def test_no_trial_has_no_interval():
    with pytest.raises(ValueError, match="n=0"):
        evaluation.wilson(0, 0)


def test_accuracy_comes_with_its_interval():
    found = evaluation.accuracy([True] * 81 + [False] * 182)
    low, high = evaluation.wilson(81, 263)
    assert found == {"accuracy": 81 / 263, "low": low, "high": high, "n": 263}


def test_both_ends_of_the_neutral_band_are_neutral():
    polarity = np.array([0.349, 0.35, 0.5, 0.65, 0.651])
    labels = ["negative", "neutral", "neutral", "neutral", "positive"]
    assert evaluation.label(polarity, (0.35, 0.65)).tolist() == labels


def test_two_classes_leave_the_neutral_posts_out():
    polarity = np.array([0.9, 0.5, 0.51, 0.2, 0.99])
    found = evaluation.two_classes(polarity, np.array([4, 4, 0, 0, 2]))
    assert (found["accuracy"], found["n"]) == (0.5, 4)


PREDICTED = np.array(["negative", "neutral", "neutral", "positive"])
TRUE = np.array([0, 0, 2, 4])


def test_three_classes_by_hand():
    found = evaluation.three_classes(PREDICTED, TRUE)
    # F1: negative 2·1·½/1½ = 2/3, neutral 2/3, positive 1
    assert found["macro_f1"] == pytest.approx(7 / 9)
    assert (found["accuracy"], found["n"]) == (0.75, 4)


def test_a_class_that_nobody_predicts_counts_as_0():
    found = evaluation.three_classes(np.array(["negative", "negative"]), np.array([0, 2]))
    assert found["macro_f1"] == pytest.approx((2 / 3) / 3)


def test_the_confusion_has_the_true_class_in_rows():
    assert evaluation.confusion(PREDICTED, TRUE).tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]


def test_polar_posts_are_told_from_neutral_ones_by_their_distance_from_the_middle():
    # Distances: polar 0.4 and 0.1, neutral 0.2 and 0.05; three of four pairs are in order.
    polarity = np.array([0.9, 0.4, 0.7, 0.45])
    assert evaluation.neutral_auc(polarity, np.array([4, 0, 2, 2])) == 0.75


def test_baselines_are_measured_on_the_polar_posts():
    train = pd.DataFrame({
        "label": [4, 4, 4, 0, 0],
        "text": ["good day", "good night", "so good", "bad day", "bad night"],
    })  # fmt: skip
    test = pd.DataFrame({"label": [0, 0, 4, 2], "text": ["bad", "so bad", "good", "a day"]})
    found = evaluation.baselines(train, test, seed=7)
    assert (found["majority"]["accuracy"], found["majority"]["n"]) == (1 / 3, 3)
    assert (found["tfidf"]["accuracy"], found["tfidf"]["n"]) == (1, 3)


def test_codes_have_names():
    assert evaluation.names(np.array([4, 0, 2])).tolist() == ["positive", "negative", "neutral"]
