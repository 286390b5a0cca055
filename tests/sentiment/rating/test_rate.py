"""Posts rated by a real model, small and untrained, and a decision whose answers are known."""

import numpy as np
import pytest

from customer_profiles.sentiment.model import scorer as scoring
from customer_profiles.sentiment.model.scorer import Scorer
from customer_profiles.sentiment.rating import decision
from customer_profiles.sentiment.rating.rate import rate
from customer_profiles.sentiment.rating.signals import NAMES

# Sure of itself: neutral but where VADER finds a word.
STRICT = decision.Decision(
    ("vader_share",), signals=np.array([400.0]), vector=np.zeros(64), certainty=0.0, intercept=-20.0
)
POSTS = ["the shop opens at nine", "i love it", "😀", "", "@somebody", "what an awful queue"]


@pytest.fixture(scope="module")
def scorer(tiny_sentiment):
    return Scorer(tiny_sentiment)


def test_a_post_is_rated_by_model_and_decision(scorer):
    scores = rate(POSTS, scorer, STRICT)
    np.testing.assert_array_equal(scores.polarity, scorer.polarity(POSTS))
    np.testing.assert_allclose(scores.subjectivity, [0, 1, 0.5, 0.5, 0.5, 1], atol=1e-6)
    side = np.where(scores.polarity > 0.5, "positive", "negative")
    assert scores.label.tolist() == ["neutral", side[1], "neutral", "neutral", "neutral", side[5]]


def test_the_vector_of_each_post_counts(scorer):
    (reading,) = scorer.readings(POSTS)
    weights = np.zeros(64)
    weights[3] = 50.0
    middle = -50 * float(np.median(reading.vector[:2, 3]))
    by_vector = decision.Decision(("vader_share",), np.zeros(1), weights, 0.0, middle)
    subjectivity = rate(POSTS[:2], scorer, by_vector).subjectivity
    expected = 1 / (1 + np.exp(-(50 * reading.vector[:2, 3] + middle)))
    np.testing.assert_allclose(subjectivity, expected, atol=1e-4)
    assert (subjectivity[0] - 0.5) * (subjectivity[1] - 0.5) < 0


def test_windows_do_not_change_what_is_said_of_a_post(scorer, monkeypatch):
    whole = rate(POSTS * 3, scorer, STRICT)
    monkeypatch.setattr(scoring, "WINDOW", 4)
    parts = rate(POSTS * 3, scorer, STRICT)
    np.testing.assert_allclose(parts.polarity, whole.polarity, atol=1e-6)
    np.testing.assert_array_equal(parts.subjectivity, whole.subjectivity)
    assert parts.label.tolist() == whole.label.tolist()


def test_no_post_is_no_score(scorer):
    scores = rate([], scorer, STRICT)
    assert [len(part) for part in (scores.polarity, scores.subjectivity, scores.label)] == [0] * 3


def test_a_decision_for_another_model_is_refused(scorer):
    narrow = decision.Decision(("vader_share",), np.zeros(1), np.zeros(7), 0.0, 0.0)
    with pytest.raises(ValueError, match="learned from vectors of 7, these have 64"):
        rate(POSTS, scorer, narrow)
    assert set(STRICT.names) <= set(NAMES)
