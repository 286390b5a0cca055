"""Metrics of a sentiment model: accuracy with intervals, comparison of two models."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import binomtest, norm
from sklearn.metrics import confusion_matrix, f1_score, recall_score, roc_auc_score

from customer_profiles.project.vocabulary import CLASSES
from customer_profiles.sentiment.data.sentiment140 import class_names

DRAWS = 4000  # resamples of the bootstrap


def accuracy(correct: Sequence[bool]) -> dict[str, float]:
    """`accuracy`, its 95 % Wilson interval `low` and `high`, and `n`.

    Raises ValueError for n = 0, where there is no proportion.
    """
    correct = np.asarray(correct, dtype=bool)
    low, high = binomtest(int(correct.sum()), len(correct)).proportion_ci(method="wilson")
    return {"accuracy": float(correct.mean()), "low": low, "high": high, "n": len(correct)}


def labels_to_halve(accuracy: float, n: int) -> int:
    """Number of posts, beyond the present `n`, with which Wilson's interval is half as wide.

    The `accuracy` is assumed to stay as it is.
    """
    z = norm.ppf(0.975)

    def width(posts: float) -> float:
        spread = accuracy * (1 - accuracy) / posts + z**2 / (4 * posts**2)
        return 2 * z * spread**0.5 / (1 + z**2 / posts)

    needed = brentq(lambda posts: width(posts) - width(n) / 2, n, 100 * n + 100)
    return math.ceil(needed - n)


def two_classes(polarity: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Accuracy at 0.5 over the polar posts (labels 0 and 4), with interval."""
    polar = np.isin(labels, (0, 4))
    return accuracy((polarity[polar] > 0.5) == (labels[polar] == 4))


def three_classes(predicted: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Accuracy with interval, macro F1 and macro recall, of class names `predicted` for `labels`.

    Macro recall, the mean of the three classes' recall, is the measure of SemEval-2017 task 4
    (Rosenthal, Farra and Nakov 2017). `labels` are codes.
    """
    truth, options = class_names(labels), {"labels": list(CLASSES), "average": "macro"}
    return {
        **accuracy(predicted == truth),
        "macro_f1": float(f1_score(truth, predicted, zero_division=0, **options)),
        "macro_recall": float(recall_score(truth, predicted, zero_division=0, **options)),
    }


def confidence(ratings: pd.DataFrame, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probability (n,) of each post's likeliest class, and whether (n,) that class is right."""
    probabilities = ratings[list(CLASSES)].to_numpy()
    truth = np.searchsorted((0, 2, 4), labels)
    return probabilities.max(axis=1), probabilities.argmax(axis=1) == truth


def mood_error(polarity: np.ndarray, labels: np.ndarray) -> float:
    """Absolute difference of the mean `polarity` (n,) and the mean label: 0, ½, 1."""
    return float(abs(np.asarray(polarity, dtype=float).mean() - np.mean(labels) / 4))


def confusion(predicted: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Counts (3, 3): rows the true class, columns the predicted one, in the order of CLASSES."""
    return confusion_matrix(class_names(labels), predicted, labels=list(CLASSES))


def worst(posts: pd.DataFrame, count: int) -> pd.DataFrame:
    """Rows of `posts` (label, text, polarity), `count` of them, with polarity furthest from label.

    A neutral post should have 0.5.
    """
    distance = (
        posts["polarity"] - posts["label"].map(dict(zip(CLASSES, (0, 0.5, 1), strict=True)))
    ).abs()
    order = distance.sort_values(ascending=False, kind="stable").index[:count]
    return posts.loc[order, ["label", "polarity", "text"]]


def neutral_auc(subjectivity: np.ndarray, labels: np.ndarray) -> float:
    """Area under the ROC curve of polar posts (labels 0 and 4) against neutral ones (2)."""
    return float(roc_auc_score(np.isin(labels, (0, 4)), subjectivity))


def mcnemar(correct: Sequence[bool], other: Sequence[bool]) -> dict[str, float]:
    """McNemar's exact test of two systems on the same posts.

    `only_this` and `only_other` count the posts that only one system has right. `p` is two-sided:
    the probability that chance parts these posts at least as unevenly (McNemar 1947, Psychometrika
    12:153). Raises ValueError for different numbers of posts.
    """
    correct, other = np.asarray(correct, dtype=bool), np.asarray(other, dtype=bool)
    if correct.shape != other.shape:
        raise ValueError(f"both must judge the same posts, got {len(correct)} and {len(other)}")
    this, that = int((correct & ~other).sum()), int((other & ~correct).sum())
    p = float(binomtest(this, this + that).pvalue) if this + that else 1.0
    return {"only_this": this, "only_other": that, "p": p}


def by_query(correct: Sequence[bool], queries: Sequence[str], seed: int) -> dict[str, float]:
    """Interval `low`, `high` (95 %) of the accuracy, resampled by query, and the number `queries`.

    Posts of one query are alike, and other queries would bring other posts, so this is the
    percentile bootstrap over clusters (Field and Welsh 2007, JRSSB 69:369). Note: of one query the
    interval has no width.
    """
    correct = pd.Series(np.asarray(correct, dtype=float))
    totals = correct.groupby(np.asarray(queries)).agg(["sum", "count"]).to_numpy()
    count = len(totals)
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), DRAWS)
    right, posts = (drawn @ totals).T
    low, high = np.quantile(right / posts, (0.025, 0.975))
    return {"low": float(low), "high": float(high), "queries": count}


def over_seeds(by_model: Mapping[str, Mapping[str, float]]) -> dict:
    """Mean `mean` and standard deviation `sd` (n - 1) of each metric over the models, and `models`.

    `by_model`: metrics; its names are `models`. Empty for one model, which has no spread.
    """
    if len(by_model) < 2:
        return {}
    table = pd.DataFrame.from_dict(by_model, orient="index")
    spread = table.agg(["mean", "std"]).rename({"std": "sd"})
    return {"models": list(by_model), **spread.to_dict()}
