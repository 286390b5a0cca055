"""Calibration of the likeliest class's probability (confidence), and selective prediction."""

import numpy as np
import pandas as pd
from scipy.special import expit

from customer_profiles.project.vocabulary import CLASSES
from customer_profiles.sentiment.evaluation.metrics import confidence
from customer_profiles.sentiment.training.calibrating import fit_temperature, to_logits

BINS = 15


def reliability(confidence: np.ndarray, right: np.ndarray, bins: int = BINS) -> pd.DataFrame:
    """Reliability table: a bin of equal width each, `confidence` (mean), `right` (share), `posts`.

    Empty bins are left out.
    """
    places = _places(confidence, bins)
    frame = pd.DataFrame({"bin": places, "confidence": confidence, "right": right})
    groups = frame.groupby("bin")
    table = groups[["confidence", "right"]].mean()
    table["posts"] = groups.size()
    return table.reset_index(drop=True)


def ece(confidence: np.ndarray, right: np.ndarray, bins: int = BINS) -> float:
    """Expected calibration error of the likeliest class (Guo et al. 2017, ICML).

    Mean over bins of equal width of |share right - mean confidence|, weighted by posts (Naeini et
    al. 2015, AAAI).
    """
    # In a bin, posts times the difference of the means is the sum of the posts' differences.
    gaps = np.bincount(_places(confidence, bins), np.asarray(right) - np.asarray(confidence))
    return float(np.abs(gaps).sum() / len(confidence))


def _places(confidence: np.ndarray, bins: int) -> np.ndarray:
    return np.minimum((np.asarray(confidence) * bins).astype(int), bins - 1)


def crossfitted_ece(ratings: pd.DataFrame, labels: np.ndarray, seed: int) -> float:
    """`ece` where each half of the posts gets the temperatures that fit the other half.

    Unlike `ece` it is not too optimistic for posts to which the temperatures were fitted; those
    that the model applied change nothing, because those of the halves are applied on top.
    `ratings` of n posts with the codes `labels` (n,).
    """
    polar, positive = labels != 2, labels == 4
    sums = (ratings["positive"] + ratings["negative"]).clip(lower=1e-9)
    valence, subjective = to_logits(ratings["positive"] / sums), to_logits(ratings["subjectivity"])
    # Posts of each label, shuffled; of each every other post.
    order = np.random.default_rng(seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    scaled = np.empty((len(labels), 2))
    for mine, other in ((order[::2], order[1::2]), (order[1::2], order[::2])):
        known = other[polar[other]]
        scaled[mine, 0] = valence[mine] / fit_temperature(valence[known], positive[known])
        scaled[mine, 1] = subjective[mine] / fit_temperature(subjective[other], polar[other])
    good, felt = expit(scaled).T
    again = pd.DataFrame(np.column_stack([felt * (1 - good), 1 - felt, felt * good]))
    return ece(*confidence(again.set_axis(CLASSES, axis=1), labels))


def ece_by_chance(confidence: np.ndarray, seed: int, draws: int = 200) -> float:
    """Mean `ece` if `confidence` were the true probability: the part due to few posts in a bin.

    It is computed by consistency resampling (Bröcker and Smith 2007, Weather and Forecasting
    22:651).
    """
    confidence = np.asarray(confidence, dtype=float)
    rng = np.random.default_rng(seed)
    drawn = (rng.random(len(confidence)) < confidence for _ in range(draws))
    return float(np.mean([ece(confidence, right) for right in drawn]))


def risk_coverage(confidence: np.ndarray, right: np.ndarray, points: int = 100) -> pd.DataFrame:
    """Error rate (`risk`) among the share of posts (`coverage`) of highest `confidence`.

    Posts of equal confidence are kept together. At most `points` rows, coverage ascending to 1
    (Geifman and El-Yaniv 2017, NeurIPS).
    """
    coverage, risk = _kept(confidence, right)
    rows = np.unique(np.linspace(0, len(risk) - 1, min(points, len(risk))).round().astype(int))
    return pd.DataFrame({"coverage": coverage[rows], "risk": risk[rows]})


def aurc(confidence: np.ndarray, right: np.ndarray) -> float:
    """Area under the risk-coverage curve: the mean risk over all coverages; 0 is best.

    For a model with uninformative confidence it is the error rate.
    """
    coverage, risk = _kept(confidence, right)
    return float((np.diff(coverage, prepend=0) * risk).sum())


def _kept(confidence: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coverage and risk after each distinct confidence, the highest first."""
    confidence, wrong = np.asarray(confidence, dtype=float), ~np.asarray(right, dtype=bool)
    order = np.argsort(-confidence, kind="stable")
    last = np.flatnonzero(np.diff(confidence[order], append=0))
    kept = last + 1
    return kept / len(confidence), np.cumsum(wrong[order])[last] / kept
