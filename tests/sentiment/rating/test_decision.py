"""The decision between three classes: known probabilities, and data whose answer is known."""

import json

import numpy as np
import pandas as pd
import pytest

from customer_profiles.sentiment.evaluation import comparison
from customer_profiles.sentiment.rating import decision

NAMES = ("textblob_subjectivity", "vader_share")
KNOWN = decision.Decision(
    names=NAMES,
    signals=np.array([2.0, -1.0]),
    vector=np.array([0.5, 0.0, -0.5]),
    certainty=0.25,
    intercept=-1.0,
)
RNG = np.random.default_rng(5)
CODES = np.resize([0, 2, 4, 2], 240)  # as many neutral posts as others
TOPICS = np.repeat(np.arange(20), 12)


def frame(*columns):
    return pd.DataFrame(dict(zip(NAMES, columns, strict=True)))


@pytest.fixture(scope="module")
def posts():
    """Polarity, vector, signals, codes: the vector tells neutral posts, TextBlob nothing."""
    polarity = np.clip(CODES / 4 + RNG.normal(0, 0.1, 240), 0.01, 0.99)
    vector = RNG.normal(0, 1, (240, 5))
    vector[:, 2] += np.where(CODES == 2, -3, 3)
    return polarity, vector, frame(RNG.uniform(size=240), RNG.uniform(size=240)), CODES


def test_probabilities_are_the_products_of_subjectivity_and_polarity():
    probabilities = decision.probabilities(np.array([0.8, 0.5, 1.0]), np.array([0.5, 0.0, 1.0]))
    np.testing.assert_allclose(probabilities, [[0.1, 0.5, 0.4], [0, 1, 0], [0, 0, 1]])


def test_a_label_is_the_likeliest_class():
    labels = decision.labels(np.array([[0.5, 0.3, 0.2], [0.3, 0.4, 0.3], [0.1, 0.2, 0.7]]))
    assert labels.tolist() == ["negative", "neutral", "positive"]


def test_subjectivity_is_the_logistic_function_of_the_weighted_inputs():
    subjectivity = KNOWN.subjectivity(
        polarity=np.array([0.5, 0.9]),
        vector=np.array([[0.0, 9.0, 0.0], [2.0, 9.0, 1.0]]),
        signals=frame([0.5, 1.0], [0.0, 1.0])[list(reversed(NAMES))],
    )
    # -1 + 2 * 0.5; -1 + 2 - 1 + 0.5 * 2 - 0.5 * 1 + 0.25 * log 9
    total = np.array([0.0, 0.5 + 0.25 * np.log(9)])
    np.testing.assert_allclose(subjectivity, 1 / (1 + np.exp(-total)), rtol=1e-6)
    assert subjectivity.dtype == np.float32


def test_a_polarity_of_exactly_zero_or_one_is_no_infinity():
    certain = decision.certainty(np.array([0, 0.25, 0.5, 1], dtype=np.float32))
    assert np.isfinite(certain).all()
    assert certain[1:3] == pytest.approx([np.log(3), 0])
    assert certain[0] == pytest.approx(certain[3])


def test_a_decision_comes_back_from_json_as_it_was():
    again = decision.Decision.from_dict(json.loads(json.dumps(KNOWN.to_dict())))
    assert again.to_dict() == KNOWN.to_dict()
    assert again.names == NAMES


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            [1, 2],
            r"holds certainty, intercept, languages, signals, vector, got <class 'list'>.*`$",
        ),
        ({"k": 5}, "got k; run"),
        ({**KNOWN.to_dict(), "extra": 1}, "got certainty, extra, intercept"),
        ({**KNOWN.to_dict(), "vector": ["many"]}, r"no number \(could not convert .*'many'\)"),
        ({**KNOWN.to_dict(), "signals": 3.0}, "no number"),
        ({**KNOWN.to_dict(), "vector": [[1.0]]}, "finite, those of vector a list"),
        ({**KNOWN.to_dict(), "intercept": float("nan")}, "must be finite"),
    ],
)
def test_what_is_no_decision_is_refused_by_what_is_wrong(change, message):
    with pytest.raises(ValueError, match=message):
        decision.Decision.from_dict(change)


def test_a_vector_of_another_width_and_a_missing_signal_are_named():
    half = np.array([0.5])
    with pytest.raises(ValueError, match="vectors of 3, these have 2; run `dvc repro evaluate`"):
        KNOWN.subjectivity(half, np.zeros((1, 2)), frame([0], [0]))
    with pytest.raises(ValueError, match=r"\['vader_share'\] are missing"):
        KNOWN.subjectivity(half, np.zeros((1, 3)), frame([0], [0])[["textblob_subjectivity"]])


def test_fitting_finds_what_tells_neutral_posts(posts):
    learned = decision.fit(*posts)
    assert np.argmax(np.abs(learned.vector)) == 2
    assert learned.names == NAMES
    subjectivity = learned.subjectivity(*posts[:3])
    assert ((subjectivity > 0.5) == (CODES != 2)).mean() > 0.98
    labels = decision.labels(decision.probabilities(posts[0], subjectivity))
    assert (labels == np.array(["negative", "neutral", "positive"])[CODES // 2]).mean() > 0.98


def test_units_of_an_input_do_not_matter(posts):
    polarity, vector, signals, codes = posts
    before = decision.fit(*posts).subjectivity(polarity, vector, signals)
    scale = np.array([1e4, 1, 1e-3, 1, 1])
    other = decision.fit(polarity, vector * scale + 7, signals, codes)
    after = other.subjectivity(polarity, vector * scale + 7, signals)
    np.testing.assert_allclose(after, before, atol=1e-3)


@pytest.mark.parametrize("neutral", [3, 30])
def test_each_class_weighs_the_same_however_many_posts_it_has(neutral):
    codes = np.array([0] * 5 + [2] * neutral + [4] * 11)
    nothing = np.full(len(codes), 0.5), np.zeros((len(codes), 2))
    signals = frame(np.ones(len(codes)), np.zeros(len(codes)))
    learned = decision.fit(*nothing, signals, codes)
    # No input tells anything: what remains is that two classes of three are polar.
    np.testing.assert_allclose(learned.subjectivity(*nothing, signals), 2 / 3, atol=1e-3)


def test_all_three_classes_are_needed(posts):
    polar = CODES != 2
    polarity, vector, signals, codes = posts
    with pytest.raises(ValueError, match=r"all three classes; none has \[2\]"):
        decision.fit(polarity[polar], vector[polar], signals[polar], codes[polar])


def test_ways_to_decide_are_compared_by_what_each_can_know(posts):
    polarity, vector, signals, codes = posts
    marked = signals.assign(vader_share=np.where(codes == 2, 0.1, 0.4))
    table = comparison.compare(polarity, vector, marked, codes, TOPICS, seed=1)
    assert table.index.tolist() == ["band", "textblob", "vader", "signals", "learned"]
    assert table.columns.tolist() == ["accuracy", "low", "high", "macro_f1", "auc", "n"]
    assert table.loc[["vader", "signals", "learned"], "auc"].tolist() == [1, 1, 1]
    assert table.loc["vader", "accuracy"] == 1
    assert table.loc["textblob", "auc"] == pytest.approx(0.5, abs=0.1)
    assert table["n"].tolist() == [240] * 5
    assert (table["low"] <= table["accuracy"]).all()
    again = comparison.compare(polarity, vector, marked, codes, TOPICS, seed=1)
    pd.testing.assert_frame_equal(again, table)


def test_each_post_is_judged_by_what_other_topics_taught():
    # Every topic has one class, and the vector tells nothing but the topic.
    codes = np.repeat(np.resize([0, 2, 4, 2], 20), 12)
    vector = np.eye(20)[TOPICS]
    half, signals = np.full(240, 0.5), frame(np.zeros(240), np.zeros(240))
    inside = decision.fit(half, vector, signals, codes).subjectivity(half, vector, signals)
    assert ((inside > 0.5) == (codes != 2)).mean() > 0.98
    table = comparison.compare(half, vector, signals, codes, TOPICS, seed=1)
    assert table.loc["learned", "auc"] < 0.6
