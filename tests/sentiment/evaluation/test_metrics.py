"""Figures of a model: intervals and errors worked out by hand or taken from the literature."""

import itertools
import math
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest

from customer_profiles.sentiment.data import sentiment140
from customer_profiles.sentiment.evaluation import metrics


def answers(right, n):
    return [True] * right + [False] * (n - right)


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
def test_accuracy_comes_with_wilsons_interval(successes, n, low, high):
    result = metrics.accuracy(answers(successes, n))
    assert (result["accuracy"], result["n"]) == (successes / n, n)
    within = 5e-4 if n == 359 else 5e-5
    assert (result["low"], result["high"]) == pytest.approx((low, high), abs=within)


def test_the_interval_is_that_of_wilsons_formula():
    """Wilson 1927, JASA 22:209."""
    z = NormalDist().inv_cdf(0.975)
    for successes, n in itertools.product(range(0, 360, 7), (359, 498, 16_000)):
        share = successes / n
        centre = share + z * z / (2 * n)
        half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
        low, high = (np.array([centre - half, centre + half]) / (1 + z * z / n)).tolist()
        result = metrics.accuracy(answers(successes, n))
        assert (result["low"], result["high"]) == pytest.approx((low, high), abs=1e-12)


def test_an_interval_ends_exactly_at_0_and_1():
    assert {metrics.accuracy(answers(0, n))["low"] for n in range(1, 500)} == {0}
    assert {metrics.accuracy(answers(n, n))["high"] for n in range(1, 500)} == {1}


def test_no_trial_has_no_interval():
    with pytest.raises(ValueError, match="n"):
        metrics.accuracy([])


def test_two_classes_leave_the_neutral_posts_out():
    polarity = np.array([0.9, 0.5, 0.51, 0.2, 0.99])
    result = metrics.two_classes(polarity, np.array([4, 4, 0, 0, 2]))
    assert (result["accuracy"], result["n"]) == (0.5, 4)


PREDICTED = np.array(["negative", "neutral", "neutral", "positive"])
TRUE = np.array([0, 0, 2, 4])


def test_three_classes_by_hand():
    result = metrics.three_classes(PREDICTED, TRUE)
    # F1: negative 2·1·½/1½ = 2/3, neutral 2/3, positive 1
    assert result["macro_f1"] == pytest.approx(7 / 9)
    assert result["macro_recall"] == pytest.approx((1 / 2 + 1 + 1) / 3)
    assert (result["accuracy"], result["n"]) == (0.75, 4)


def test_a_class_that_nobody_predicts_counts_as_0():
    result = metrics.three_classes(np.array(["negative", "negative"]), np.array([0, 2]))
    assert result["macro_f1"] == pytest.approx((2 / 3) / 3)


def test_the_confusion_has_the_true_class_in_rows():
    assert metrics.confusion(PREDICTED, TRUE).tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]


def test_polar_posts_are_told_from_neutral_ones_by_their_subjectivity():
    # Polar 0.9 and 0.4, neutral 0.5 and 0.1: three of four pairs are in order.
    subjectivity = np.array([0.9, 0.4, 0.5, 0.1])
    assert metrics.neutral_auc(subjectivity, np.array([4, 0, 2, 2])) == 0.75


def test_confidence_is_the_probability_of_the_likeliest_class():
    rows = {"negative": [0.6, 0.2], "neutral": [0.3, 0.5], "positive": [0.1, 0.3]}
    confidence, right = metrics.confidence(pd.DataFrame(rows), np.array([0, 4]))
    assert (confidence.tolist(), right.tolist()) == ([0.6, 0.5], [True, False])


def test_the_mood_error_is_the_difference_of_means():
    # Labels 0, ½, 1, 1 have the mean 0.625.
    polarity, labels = np.array([0.1, 0.4, 0.9, 0.7]), np.array([0, 2, 4, 4])
    assert metrics.mood_error(polarity, labels) == pytest.approx(0.1)


def test_mcnemars_exact_test_by_hand():
    correct = np.array([1] * 10 + [0] * 2 + [1] * 30 + [0] * 8)
    other = np.array([0] * 10 + [1] * 2 + [1] * 30 + [0] * 8)
    # Two or fewer of twelve, and the same on the other side: 2 (1 + 12 + 66) / 2^12
    expected = {"only_this": 10, "only_other": 2, "p": pytest.approx(158 / 4096)}
    assert metrics.mcnemar(correct, other) == expected
    assert metrics.mcnemar(other, correct)["p"] == pytest.approx(158 / 4096)


def test_systems_that_are_right_about_the_same_posts_do_not_differ():
    same = np.array([1, 0, 1])
    assert metrics.mcnemar(same, same) == {"only_this": 0, "only_other": 0, "p": 1.0}


def test_systems_that_judged_other_posts_are_not_compared():
    with pytest.raises(ValueError, match="got 2 and 3"):
        metrics.mcnemar([1, 0], [1, 0, 1])


def test_with_a_post_a_query_the_interval_is_that_of_single_posts():
    correct = np.arange(400) % 5 > 0
    result = metrics.by_query(correct, np.arange(400), seed=7)
    spread = 1.96 * np.sqrt(0.8 * 0.2 / 400)
    assert (result["low"], result["high"]) == pytest.approx((0.8 - spread, 0.8 + spread), abs=0.005)
    assert result["queries"] == 400


def test_posts_that_are_alike_within_a_query_make_the_interval_wide():
    correct = np.arange(400) // 10 % 5 > 0  # forty queries of ten posts, all right or all wrong
    result = metrics.by_query(correct, np.arange(400) // 10, seed=7)
    spread = 1.96 * np.sqrt(0.8 * 0.2 / 40)
    assert (result["low"], result["high"]) == pytest.approx((0.8 - spread, 0.8 + spread), abs=0.03)


def test_large_queries_weigh_as_many_posts_as_they_have():
    # Of two queries each is drawn twice, or one each: accuracies 0, 30/40 and 1.
    result = metrics.by_query([False] * 10 + [True] * 30, ["a"] * 10 + ["b"] * 30, seed=7)
    assert result == {"low": 0, "high": 1, "queries": 2}


def test_one_query_has_an_interval_without_width():
    result = metrics.by_query([True, True, False, True], ["a"] * 4, seed=7)
    assert result == {"low": 0.75, "high": 0.75, "queries": 1}


def test_the_spread_over_seeds_is_that_of_a_sample():
    by_model = {"sentiment": {"manual2": 0.8}, "8": {"manual2": 0.84}, "9": {"manual2": 0.82}}
    assert metrics.over_seeds(by_model) == {
        "models": ["sentiment", "8", "9"],
        "manual2": {"mean": pytest.approx(0.82), "sd": pytest.approx(0.02)},
    }


def test_one_model_has_no_spread():
    assert metrics.over_seeds({"sentiment": {"manual2": 0.8}}) == {}


def test_codes_have_names():
    assert sentiment140.class_names(np.array([4, 0, 2])).tolist() == [
        "positive",
        "negative",
        "neutral",
    ]
