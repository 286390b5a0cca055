"""Calibration of polarity, and selective prediction by confidence: two classes."""

import numpy as np
import pandas as pd
from scipy.special import expit

from customer_profiles.sentiment.training.temperature import fit_temperature, logits

BINS = 15


def reliability(polarity: np.ndarray, positive: np.ndarray, bins: int = BINS) -> pd.DataFrame:
    """Reliability table: per bin of equal width `polarity` (mean), `positive` (share) and `posts`.

    Empty bins are left out.
    """
    place = np.minimum((np.asarray(polarity) * bins).astype(int), bins - 1)
    frame = pd.DataFrame({"bin": place, "polarity": polarity, "positive": positive})
    groups = frame.groupby("bin")
    table = groups[["polarity", "positive"]].mean()
    table["posts"] = groups.size()
    return table.reset_index(drop=True)


def ece(polarity: np.ndarray, positive: np.ndarray, bins: int = BINS) -> float:
    """Expected calibration error of the positive class (Naeini et al. 2015, AAAI).

    Mean over bins of equal width of |share positive - mean polarity|, weighted by posts.
    """
    table = reliability(polarity, positive, bins)
    gaps = (table["positive"] - table["polarity"]).abs()
    return float((gaps * table["posts"]).sum() / table["posts"].sum())


def crossfitted_ece(polarity: np.ndarray, positive: np.ndarray, seed: int) -> float:
    """`ece` where each half of the posts gets the temperature that fits the other half.

    Unlike `ece` it is not too optimistic for posts to which the temperature was fitted. A
    temperature already applied to `polarity` changes nothing: those of the halves are applied on
    top.
    """
    odds, positive = logits(polarity), np.asarray(positive, dtype=bool)
    # Positive posts behind the negative ones, shuffled; of each class every other post.
    order = np.random.default_rng(seed).permutation(len(positive))
    order = order[np.argsort(positive[order], kind="stable")]
    scaled = np.empty(len(positive))
    for mine, other in ((order[::2], order[1::2]), (order[1::2], order[::2])):
        scaled[mine] = expit(odds[mine] / fit_temperature(expit(odds[other]), positive[other]))
    return ece(scaled, positive)


def ece_by_chance(polarity: np.ndarray, seed: int, draws: int = 200) -> float:
    """Mean `ece` if `polarity` were the true probability: the part due to few posts in a bin.

    It is computed by consistency resampling (Bröcker and Smith 2007, Weather and Forecasting
    22:651).
    """
    polarity = np.asarray(polarity, dtype=float)
    rng = np.random.default_rng(seed)
    drawn = (rng.random(len(polarity)) < polarity for _ in range(draws))
    return float(np.mean([ece(polarity, positive) for positive in drawn]))


def risk_coverage(polarity: np.ndarray, positive: np.ndarray, points: int = 100) -> pd.DataFrame:
    """Error rate (`risk`) among the share of posts (`coverage`) of highest confidence.

    Confidence is max(p, 1 - p); posts of equal confidence are kept together. At most `points` rows,
    coverage ascending to 1 (Geifman and El-Yaniv 2017, NeurIPS).
    """
    coverage, risk = _kept(polarity, positive)
    rows = np.unique(np.linspace(0, len(risk) - 1, min(points, len(risk))).round().astype(int))
    return pd.DataFrame({"coverage": coverage[rows], "risk": risk[rows]})


def aurc(polarity: np.ndarray, positive: np.ndarray) -> float:
    """Area under the risk-coverage curve: the mean risk over all coverages; 0 is best.

    For a model with uninformative confidence it is the error rate.
    """
    coverage, risk = _kept(polarity, positive)
    return float((np.diff(coverage, prepend=0) * risk).sum())


def _kept(polarity: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coverage and risk after each distinct confidence, the highest first."""
    polarity = np.asarray(polarity, dtype=float)
    wrong = (polarity > 0.5) != np.asarray(positive, dtype=bool)
    confidence = np.maximum(polarity, 1 - polarity)
    order = np.argsort(-confidence, kind="stable")
    last = np.flatnonzero(np.diff(confidence[order], append=0))
    kept = last + 1
    return kept / len(polarity), np.cumsum(wrong[order])[last] / kept
