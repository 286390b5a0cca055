"""Calibration: figures worked out by hand, or known because the posts were made so."""

import numpy as np
import pytest
from scipy.special import expit, logit

from customer_profiles.sentiment.evaluation import calibration
from customer_profiles.sentiment.training.temperature import HIGHEST, LOWEST, fit_temperature


def made(odds, temperature, seed=7):
    """Polarity of `odds`, and labels that are as likely as these odds over `temperature` say."""
    chance = expit(odds / temperature)
    return expit(odds), np.random.default_rng(seed).random(len(odds)) < chance


SURE = np.random.default_rng(1).normal(0, 4, 20_000)  # logits of a model that is too sure


def test_the_temperature_by_hand():
    # All say 0.9, three of four are positive: logit(0.9) / T must be logit(0.75).
    temperature = fit_temperature(np.full(4, 0.9), np.array([1, 1, 1, 0]))
    assert temperature == pytest.approx(logit(0.9) / logit(0.75), abs=1e-5)
    assert temperature == pytest.approx(2, abs=1e-5)


def test_the_temperature_of_posts_that_were_made_with_one_is_found_again():
    assert fit_temperature(*made(SURE, 2.5)) == pytest.approx(2.5, rel=0.05)
    assert fit_temperature(*made(SURE, 1)) == pytest.approx(1, rel=0.05)


def test_the_temperature_minimises_the_negative_log_likelihood():
    polarity, positive = made(SURE[:500], 2.5)
    margin = np.where(positive, 1, -1) * logit(polarity)

    def loss(t):
        return -np.log(expit(margin / t)).mean()

    best = fit_temperature(polarity, positive)
    assert loss(best) < min(loss(0.99 * best), loss(1.01 * best), loss(1))


def test_a_temperature_stays_within_its_bounds_where_the_posts_know_none():
    right = np.array([0.1, 0.9]), np.array([0, 1])
    wrong = np.array([0.9, 0.1]), np.array([0, 1])
    assert fit_temperature(*right) == pytest.approx(LOWEST, rel=1e-3)
    assert fit_temperature(*wrong) == pytest.approx(HIGHEST, rel=1e-3)


def test_a_polarity_of_exactly_0_or_1_has_a_temperature():
    sure = np.array([0.0, 1.0, 1.0, 0.0], dtype=np.float32)
    assert 1 < fit_temperature(sure, np.array([0, 1, 1, 1])) <= HIGHEST


@pytest.mark.parametrize("one", [0, 1])
def test_one_class_has_no_temperature(one):
    with pytest.raises(ValueError, match=f"got {3 * one} positive ones of 3"):
        fit_temperature(np.array([0.2, 0.4, 0.9]), np.full(3, one))


def test_a_logit_is_no_polarity():
    with pytest.raises(ValueError, match=r"between -1 and 2.5; of a logit take the sigmoid"):
        fit_temperature(np.array([-1, 2.5]), np.array([0, 1]))


def test_the_expected_calibration_error_by_hand():
    polarity = np.array([0.1, 0.2, 0.6, 0.9])
    positive = np.array([False, False, True, False])
    # Quarters: mean 0.15 against 0 (2 posts), 0.6 against 1, 0.9 against 0.
    assert calibration.ece(polarity, positive, bins=4) == pytest.approx((0.3 + 0.4 + 0.9) / 4)


def test_a_sure_and_right_model_has_no_calibration_error():
    assert calibration.ece(np.array([0.0, 1.0, 1.0]), np.array([0, 1, 1])) == 0


def test_a_value_at_an_edge_is_in_the_upper_bin_and_1_in_the_last():
    table = calibration.reliability(np.array([0.0, 0.5, 0.75, 1.0]), np.array([0, 0, 1, 1]), bins=4)
    # The second quarter is empty and left out.
    assert table.to_dict("list") == {
        "polarity": [0.0, 0.5, 0.875],
        "positive": [0.0, 0.0, 1.0],
        "posts": [1, 1, 2],
    }


def test_a_temperature_from_the_other_half_repairs_a_model_that_is_too_sure():
    polarity, positive = made(SURE, 2.5)
    assert calibration.ece(polarity, positive) > 0.1
    assert calibration.crossfitted_ece(polarity, positive, seed=7) < 0.015


def test_a_temperature_in_the_model_changes_nothing_about_the_crossfitted_error():
    polarity, positive = made(SURE[:2000], 2.5)
    cooler = expit(logit(polarity) / 2.5)
    errors = [calibration.crossfitted_ece(p, positive, seed=7) for p in (polarity, cooler)]
    assert errors[0] == pytest.approx(errors[1], abs=1e-4)


def test_no_half_is_measured_with_its_own_temperature():
    # Ten posts in one place: whatever half is measured, its own temperature would give it 0.
    polarity, positive = np.full(10, 0.9), np.array([1] * 7 + [0] * 3)
    own = fit_temperature(polarity, positive)
    assert calibration.ece(expit(logit(polarity) / own), positive) == pytest.approx(0, abs=1e-5)
    # Of one half three of five are positive, of the other four: each is said what the other is.
    assert calibration.crossfitted_ece(polarity, positive, seed=7) == pytest.approx(0.2, abs=1e-5)


def test_few_posts_have_a_calibration_error_by_chance():
    # Two posts at 0.5 in one bin: both positive, both negative (0.5), or one each (0).
    by_chance = calibration.ece_by_chance(np.array([0.5, 0.5]), seed=7, draws=2000)
    assert by_chance == pytest.approx(0.25, abs=0.02)
    assert calibration.ece_by_chance(np.array([0.0, 1.0]), seed=7) == 0
    polarity, positive = made(SURE, 1)
    expected = calibration.ece_by_chance(polarity, seed=7, draws=20)
    assert calibration.ece(polarity, positive) == pytest.approx(expected, abs=0.005)


def test_risk_and_coverage_by_hand():
    polarity = np.array([0.95, 0.1, 0.8, 0.3])  # confidence 0.95, 0.9, 0.8, 0.7
    positive = np.array([1, 1, 1, 0])  # the second is wrong
    table = calibration.risk_coverage(polarity, positive)
    assert table["coverage"].tolist() == [0.25, 0.5, 0.75, 1]
    assert table["risk"].tolist() == pytest.approx([0, 1 / 2, 1 / 3, 1 / 4])
    area = (0 + 1 / 2 + 1 / 3 + 1 / 4) / 4
    assert calibration.aurc(polarity, positive) == pytest.approx(area)


def test_posts_of_equal_confidence_are_kept_together():
    polarity, positive = np.array([0.9, 0.75, 0.25, 0.75]), np.array([1, 0, 0, 1])
    for order in ([0, 1, 2, 3], [3, 2, 1, 0]):
        table = calibration.risk_coverage(polarity[order], positive[order])
        assert table.to_dict("list") == {"coverage": [0.25, 1], "risk": [0, 0.25]}
        assert calibration.aurc(polarity[order], positive[order]) == pytest.approx(0.75 * 0.25)


def test_a_confidence_that_says_nothing_has_the_error_rate_as_area():
    assert calibration.aurc(np.full(8, 0.8), np.array([1] * 6 + [0] * 2)) == 0.25


def test_a_long_curve_is_thinned_and_keeps_its_ends():
    polarity, positive = made(SURE, 1)
    table = calibration.risk_coverage(polarity, positive, points=50)
    assert len(table) == 50
    assert table["coverage"].iloc[-1] == 1
    assert table["risk"].iloc[-1] == ((polarity > 0.5) != positive).mean()
    assert table["coverage"].is_monotonic_increasing
