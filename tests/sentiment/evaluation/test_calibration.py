"""Calibration: figures worked out by hand, or known because the posts were made so."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from customer_profiles.sentiment.evaluation import calibration, metrics

SURE = np.random.default_rng(1).normal(0, 4, 20_000)  # logits of a model that is too sure


def made(logits, temperature, seed=7):
    """Probability by `logits`, and outcomes as likely as these over `temperature` say."""
    return expit(logits), np.random.default_rng(seed).random(len(logits)) < expit(
        logits / temperature
    )


def rated(temperature, applied=1.0):
    """Ratings whose two answers are too sure by `temperature`, of which `applied` is mended."""
    valence, subjective = SURE[:10_000], SURE[10_000:]
    good, felt = made(valence, temperature)[1], made(subjective, temperature, seed=8)[1]
    labels = np.where(felt, np.where(good, 4, 0), 2)
    p, s = expit(valence / applied), expit(subjective / applied)
    columns = {"subjectivity": s, "negative": s * (1 - p), "neutral": 1 - s, "positive": s * p}
    return pd.DataFrame(columns), labels


def test_the_expected_calibration_error_by_hand():
    confidence = np.array([0.1, 0.2, 0.6, 0.9])
    right = np.array([False, False, True, False])
    # Quarters: mean 0.15 against 0 (2 posts), 0.6 against 1, 0.9 against 0.
    assert calibration.ece(confidence, right, bins=4) == pytest.approx((0.3 + 0.4 + 0.9) / 4)


def test_a_sure_and_right_model_has_no_calibration_error():
    assert calibration.ece(np.array([0.0, 1.0, 1.0]), np.array([0, 1, 1])) == 0


def test_a_value_at_an_edge_is_in_the_upper_bin_and_1_in_the_last():
    table = calibration.reliability(np.array([0.0, 0.5, 0.75, 1.0]), np.array([0, 0, 1, 1]), bins=4)
    # The second quarter is empty and left out.
    assert table.to_dict("list") == {
        "confidence": [0.0, 0.5, 0.875],
        "right": [0.0, 0.0, 1.0],
        "posts": [1, 1, 2],
    }


def test_temperatures_from_the_other_half_repair_a_model_that_is_too_sure():
    ratings, labels = rated(2.5)
    assert calibration.ece(*metrics.confidence(ratings, labels)) > 0.05
    assert calibration.crossfitted_ece(ratings, labels, seed=7) < 0.015


def test_temperatures_in_the_model_change_nothing_about_the_crossfitted_error():
    ratings, labels = rated(2.5)
    cooler, same = rated(2.5, applied=2.5)
    np.testing.assert_array_equal(same, labels)
    errors = [calibration.crossfitted_ece(each, labels, seed=7) for each in (ratings, cooler)]
    assert errors[0] == pytest.approx(errors[1], abs=1e-4)


def test_few_posts_have_a_calibration_error_by_chance():
    # Two posts at 0.5 in one bin: both positive, both negative (0.5), or one each (0).
    by_chance = calibration.ece_by_chance(np.array([0.5, 0.5]), seed=7, draws=2000)
    assert by_chance == pytest.approx(0.25, abs=0.02)
    assert calibration.ece_by_chance(np.array([0.0, 1.0]), seed=7) == 0
    confidence, right = made(SURE, 1)
    expected = calibration.ece_by_chance(confidence, seed=7, draws=20)
    assert calibration.ece(confidence, right) == pytest.approx(expected, abs=0.005)


def test_risk_and_coverage_by_hand():
    confidence = np.array([0.95, 0.9, 0.8, 0.7])
    right = np.array([1, 0, 1, 1])
    table = calibration.risk_coverage(confidence, right)
    assert table["coverage"].tolist() == [0.25, 0.5, 0.75, 1]
    assert table["risk"].tolist() == pytest.approx([0, 1 / 2, 1 / 3, 1 / 4])
    area = (0 + 1 / 2 + 1 / 3 + 1 / 4) / 4
    assert calibration.aurc(confidence, right) == pytest.approx(area)


def test_posts_of_equal_confidence_are_kept_together():
    confidence, right = np.array([0.9, 0.75, 0.75, 0.75]), np.array([1, 0, 1, 1])
    for order in ([0, 1, 2, 3], [3, 2, 1, 0]):
        table = calibration.risk_coverage(confidence[order], right[order])
        assert table.to_dict("list") == {"coverage": [0.25, 1], "risk": [0, 0.25]}
        assert calibration.aurc(confidence[order], right[order]) == pytest.approx(0.75 * 0.25)


def test_a_confidence_that_says_nothing_has_the_error_rate_as_area():
    assert calibration.aurc(np.full(8, 0.8), np.array([1] * 6 + [0] * 2)) == 0.25


def test_a_long_curve_is_thinned_and_keeps_its_ends():
    confidence, right = made(SURE, 1)
    table = calibration.risk_coverage(confidence, right, points=50)
    assert len(table) == 50
    assert table["coverage"].iloc[-1] == 1
    assert table["risk"].iloc[-1] == (~right).mean()
    assert table["coverage"].is_monotonic_increasing
