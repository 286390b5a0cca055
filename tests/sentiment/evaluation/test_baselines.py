"""Baselines on posts whose answers are plain to see."""

import pandas as pd

from customer_profiles.sentiment.evaluation import baselines

TRAIN = pd.DataFrame({
    "label": [4, 4, 4, 0, 0],
    "text": ["good day", "good night", "so good", "bad day", "bad night"],
})  # fmt: skip
TEST = pd.DataFrame({"label": [0, 0, 4], "text": ["bad", "so bad", "good"]})
PLAIN = pd.DataFrame({"label": [2] * 3, "text": ["plain shop"] * 3})
LINEAR = baselines.linear(TRAIN, pd.concat([TRAIN, PLAIN]), seed=7)
LEXICONS = pd.DataFrame({"textblob": [-0.5, 0.0, 0.01], "vader": [0.0, 0.01, 0.9]})


def test_two_classes_are_said_by_the_majority_by_tfidf_and_by_the_sign_of_each_lexicon():
    assert baselines.two_classes(TEST, LEXICONS, LINEAR.two).to_dict("list") == {
        "majority": [0, 0, 0],  # of the test posts: in train it would be 4
        "tfidf": [0, 0, 4],
        "textblob": [0, 0, 4],
        "vader": [0, 4, 4],
    }


def test_three_classes_are_said_by_tfidf_and_by_the_thresholds_of_the_lexicons():
    lexicons = pd.DataFrame({
        "textblob": [-0.01, 0.0, 0.01, 0.0], "vader": [-0.05, -0.049, 0.05, 0.049],
    })  # fmt: skip
    test = pd.DataFrame({"label": [2, 2, 4, 0], "text": ["bad", "plain", "good", "good plain"]})
    result = baselines.three_classes(test, lexicons, LINEAR.three)
    expected = ["negative", "neutral", "positive", "neutral"]
    assert result["textblob"].tolist() == result["vader"].tolist() == expected
    assert result["majority"].tolist() == ["neutral"] * 4
    assert result["tfidf"].tolist()[:3] == ["negative", "neutral", "positive"]


def test_tfidf_says_the_same_again():
    again = baselines.linear(TRAIN, pd.concat([TRAIN, PLAIN]), seed=7)
    texts = [*TEST["text"], "plain"]
    for one, other in zip(LINEAR, again, strict=True):
        assert one.predict(texts).tolist() == other.predict(texts).tolist()
