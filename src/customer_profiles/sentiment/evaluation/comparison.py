"""Comparison of decision rules for three classes on topics that they were not fitted to."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from customer_profiles.sentiment.data import sentiment140
from customer_profiles.sentiment.evaluation import metrics
from customer_profiles.sentiment.rating.decision import _weights, fit, labels, probabilities

FOLDS = 5
# Rules with one threshold: the score of each, from polarity (n,) or a signal.
GATES: dict[str, Callable[[np.ndarray, pd.DataFrame], np.ndarray]] = {
    "band": lambda polarity, signals: np.abs(polarity - 0.5),
    "textblob": lambda polarity, signals: signals["textblob_subjectivity"].to_numpy(),
    "vader": lambda polarity, signals: signals["vader_share"].to_numpy(),
}
THRESHOLDS = 100  # candidates for each rule


def compare(
    polarity: np.ndarray,
    vector: np.ndarray,
    signals: pd.DataFrame,
    labels: np.ndarray,
    topics: Sequence[str],
    seed: int,
) -> pd.DataFrame:
    """Metrics of the decision rules, each on posts of topics that it was not fitted to.

    One row a rule: `band` (neutral where polarity is near 0.5), `textblob` and `vader` (neutral
    where TextBlob's subjectivity, or VADER's share of words, is too low), `signals` (learned by
    `fit`, but without the sentiment model's vector), `learned`. A threshold is chosen on the
    training folds. Columns: `accuracy` of the three classes with its interval `low`, `high`;
    `macro_f1`; `auc` of polar against neutral; `n`.
    """
    folds = list(GroupKFold(FOLDS, shuffle=True, random_state=seed).split(labels, groups=topics))
    scores = {name: _gated(gate(polarity, signals), polarity, labels, folds)
              for name, gate in GATES.items()}  # fmt: skip
    scores["signals"] = _learned(polarity, vector[:, :0], signals, labels, folds)
    scores["learned"] = _learned(polarity, vector, signals, labels, folds)
    rows = {}
    for name, (score, predicted) in scores.items():
        auc = float(roc_auc_score(labels != 2, score))
        rows[name] = {**metrics.three_classes(predicted, labels), "auc": auc}
    table = pd.DataFrame.from_dict(rows, orient="index")
    return table[["accuracy", "low", "high", "macro_f1", "auc", "n"]].astype({"n": int})


def _gated(score, polarity, labels, folds) -> tuple[np.ndarray, np.ndarray]:
    """Score unchanged, and the classes (n,) by thresholds chosen outside each post's fold."""
    predicted = np.empty(len(score), dtype=object)
    possible = np.unique(np.quantile(score, np.linspace(0, 1, THRESHOLDS)))
    right = np.array(
        [_passed(score, polarity, at) == sentiment140.class_names(labels) for at in possible]
    )
    for train, test in folds:
        best = possible[np.argmax(right[:, train] @ _weights(labels[train]))]
        predicted[test] = _passed(score[test], polarity[test], best)
    return score, predicted


def _passed(score: np.ndarray, polarity: np.ndarray, threshold: float) -> np.ndarray:
    return labels(probabilities(polarity > 0.5, score > threshold))


def _learned(polarity, vector, signals, codes, folds) -> tuple[np.ndarray, np.ndarray]:
    """Subjectivity (n,) by decisions fitted outside each post's fold, and the classes (n,)."""
    score = np.empty(len(codes), dtype=np.float32)
    for train, test in folds:
        learned = fit(polarity[train], vector[train], signals.iloc[train], codes[train])
        score[test] = learned.subjectivity(polarity[test], vector[test], signals.iloc[test])
    return score, labels(probabilities(polarity, score))
