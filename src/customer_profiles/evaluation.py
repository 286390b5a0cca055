"""How good a sentiment model is: accuracy with intervals, calibration, baselines."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix, f1_score, roc_auc_score
from sklearn.pipeline import make_pipeline

from customer_profiles.observations import CLASSES

# Sentiment140's own codes.
LABELS = dict(zip((0, 2, 4), CLASSES, strict=True))


def label(polarity: np.ndarray, neutral: tuple[float, float]) -> np.ndarray:
    """Class names (n,) of `polarity` (n,): neutral from `neutral[0]` to `neutral[1]`, both in."""
    low, high = neutral
    return np.where(polarity < low, CLASSES[0], np.where(polarity > high, CLASSES[2], CLASSES[1]))


def wilson(successes: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's score interval of a proportion, 95 % by default (Wilson 1927, JASA 22:209).

    Raises ValueError for n = 0, where there is no proportion.
    """
    if n < 1:
        raise ValueError(f"an interval needs at least one trial, got n={n}")
    share = successes / n
    centre = share + z * z / (2 * n)
    spread = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # Rounding must not leave [0, 1], where the interval ends exactly at share 0 and 1.
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def accuracy(correct: Sequence[bool]) -> dict[str, float]:
    """`accuracy`, its Wilson interval `low` and `high`, and `n`."""
    correct = np.asarray(correct, dtype=bool)
    low, high = wilson(int(correct.sum()), len(correct))
    return {"accuracy": float(correct.mean()), "low": low, "high": high, "n": len(correct)}


def two_classes(polarity: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Accuracy at 0.5 over the polar posts (labels 0 and 4), with interval."""
    polar = np.isin(labels, (0, 4))
    return accuracy((polarity[polar] > 0.5) == (labels[polar] == 4))


def three_classes(predicted: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Accuracy with interval, and macro F1, of class names `predicted` against codes `labels`."""
    truth = names(labels)
    macro = f1_score(truth, predicted, labels=list(CLASSES), average="macro", zero_division=0)
    return {**accuracy(predicted == truth), "macro_f1": float(macro)}


def confusion(predicted: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Counts (3, 3): rows the true class, columns the predicted one, in the order of CLASSES."""
    return confusion_matrix(names(labels), predicted, labels=list(CLASSES))


def worst(posts: pd.DataFrame, count: int) -> pd.DataFrame:
    """The `count` rows of `posts` (label, text, polarity) whose polarity is furthest from label.

    A neutral post should have 0.5.
    """
    distance = (
        posts["polarity"] - posts["label"].map(dict(zip(CLASSES, (0, 0.5, 1), strict=True)))
    ).abs()
    order = distance.sort_values(ascending=False, kind="stable").index[:count]
    return posts.loc[order, ["label", "polarity", "text"]]


def neutral_auc(polarity: np.ndarray, labels: np.ndarray) -> float:
    """Area under the ROC curve of polar against neutral, by the distance from 0.5."""
    return float(roc_auc_score(np.isin(labels, (0, 4)), np.abs(polarity - 0.5)))


def baselines(train: pd.DataFrame, test: pd.DataFrame, seed: int) -> dict[str, dict]:
    """Accuracies on the polar rows of `test` of models fitted on `train` (columns label, text).

    `majority` says the most frequent class of train; `tfidf` is a logistic regression on TF-IDF
    of words and word pairs.
    """
    polar = test[test["label"].isin((0, 4))]
    truth = polar["label"].to_numpy()
    majority = train["label"].mode().iloc[0]
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2),
        LogisticRegression(C=3.0, max_iter=1000, random_state=seed),
    )
    model.fit(train["text"], train["label"])
    return {
        "majority": accuracy(truth == majority),
        "tfidf": accuracy(model.predict(polar["text"]) == truth),
    }


def names(labels: np.ndarray) -> np.ndarray:
    """Class names (n,) of Sentiment140's codes 0, 2 and 4."""
    return pd.Series(labels).map(LABELS).to_numpy(dtype=object)
