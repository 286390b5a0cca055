"""Temperatures and thresholds: worked out by hand, or known because the posts were made so."""

import numpy as np
import pytest
from scipy.special import expit, logit

from customer_profiles.sentiment.model.classifier import Calibration
from customer_profiles.sentiment.training import mixing
from customer_profiles.sentiment.training.calibrating import (
    HIGHEST,
    LOWEST,
    calibrate,
    fit_temperature,
    fit_thresholds,
    measure,
    to_logits,
)

SURE = np.random.default_rng(1).normal(0, 4, 20_000)  # logits of a model that is too sure


def made(logits, temperature, seed=7):
    """The `logits`, and labels that are as likely as these over `temperature` say."""
    return logits, np.random.default_rng(seed).random(len(logits)) < expit(logits / temperature)


def test_the_temperature_by_hand():
    # All say 0.9, three of four are positive: logit(0.9) / T must be logit(0.75).
    temperature = fit_temperature(logit(np.full(4, 0.9)), np.array([1, 1, 1, 0]))
    assert temperature == pytest.approx(logit(0.9) / logit(0.75), abs=1e-5)
    assert temperature == pytest.approx(2, abs=1e-5)


def test_the_temperature_of_posts_that_were_made_with_one_is_found_again():
    assert fit_temperature(*made(SURE, 2.5)) == pytest.approx(2.5, rel=0.05)
    assert fit_temperature(*made(SURE, 1)) == pytest.approx(1, rel=0.05)


def test_the_temperature_minimises_the_negative_log_likelihood():
    logits, positive = made(SURE[:500], 2.5)
    margin = np.where(positive, 1, -1) * logits

    def loss(t):
        return -np.log(expit(margin / t)).mean()

    best = fit_temperature(logits, positive)
    assert loss(best) < min(loss(0.99 * best), loss(1.01 * best), loss(1))


def test_a_temperature_stays_within_its_bounds_where_the_posts_know_none():
    right = np.array([-2.2, 2.2]), np.array([0, 1])
    wrong = np.array([2.2, -2.2]), np.array([0, 1])
    assert fit_temperature(*right) == pytest.approx(LOWEST, rel=1e-3)
    assert fit_temperature(*wrong) == pytest.approx(HIGHEST, rel=1e-3)


def test_a_probability_of_exactly_0_or_1_has_a_logit():
    logits = to_logits(np.array([0.0, 1.0, 1.0, 0.0], dtype=np.float32))
    assert np.isfinite(logits).all()
    assert 1 < fit_temperature(logits, np.array([0, 1, 1, 1])) <= HIGHEST


@pytest.mark.parametrize("one", [0, 1])
def test_one_class_has_no_temperature(one):
    with pytest.raises(ValueError, match=f"got {3 * one} of one and {3 - 3 * one} of the other"):
        fit_temperature(np.array([-0.2, 0.4, 0.9]), np.full(3, one))


def test_a_logit_is_no_probability():
    with pytest.raises(ValueError, match=r"between -1 and 2.5; of a logit take the sigmoid"):
        to_logits(np.array([-1, 2.5]))


def test_each_question_has_its_own_temperature():
    logits = np.column_stack([SURE, SURE[::-1]])
    subjective = made(logits[:, 1], 3.0, seed=8)[1]
    valence = np.where(subjective, made(logits[:, 0], 1.5)[1], np.nan)
    calibration = calibrate(logits, np.column_stack([valence, subjective]))
    assert calibration.temperatures == pytest.approx((1.5, 3.0), rel=0.05)
    assert calibration.thresholds is None


def test_thresholds_are_those_with_the_most_posts_in_their_class():
    labels = np.array([0, 0, 2, 0, 2, 2, 4, 2, 4, 4])
    valence = np.array([0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.7, 0.75, 0.9, 0.95])
    low, high = fit_thresholds(valence, mixing.answers(labels))
    # Below 0.1 … 0.2 two are right and none is wrong; above 0.6 … 0.7 or 0.75 … 0.9.
    right = np.where(valence < low, 0, np.where(valence > high, 4, 2)) == labels
    assert right.sum() == 8
    assert low <= 0.5 <= high


def test_metrics_of_three_classes_by_hand():
    labels = np.array([0, 2, 4, 4])
    logits = np.array([[-2.0, 2.0], [0.0, -2.0], [2.0, 2.0], [2.0, -2.0]])
    result = measure(logits, mixing.answers(labels), Calibration())
    # Right, right, right, and a neutral answer to a positive post.
    assert result["val_accuracy"] == 0.75
    assert result["val_recall"] == pytest.approx((1 + 1 + 0.5) / 3)
    easy, hard = np.log1p(np.exp(-2)), np.log1p(np.exp(2))
    assert result["val_loss"] == pytest.approx((2 * easy + easy + 2 * easy + easy + hard) / 4)
    assert result["low"] < 0.75 < result["high"]


def test_metrics_of_one_question_use_its_thresholds():
    labels = np.array([0, 2, 4])
    logits = logit(np.array([[0.1], [0.6], [0.9]]))
    result = measure(logits, mixing.answers(labels), Calibration((1.0,), (0.4, 0.7)))
    assert result["val_accuracy"] == 1
    assert result["val_loss"] == pytest.approx(-2 * np.log(0.9) / 3)
