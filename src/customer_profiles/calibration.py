"""Whether polarity means what it says, and which posts to leave undecided: two classes."""

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit

BINS = 15
# Between these the best temperature is searched.
LOWEST, HIGHEST = 0.05, 20.0


def temperature(polarity: np.ndarray, positive: np.ndarray) -> float:
    """The T for which sigmoid(logit(polarity) / T) fits `positive` (n,) best.

    The one parameter of temperature scaling (Guo et al. 2017, ICML): it minimises the negative
    log-likelihood, between LOWEST and HIGHEST; above 1 the model was too sure. Where every post is
    on its side of 0.5 there is no minimum, and it is LOWEST. Decisions at 0.5 stay as they are.

    Raises ValueError for a polarity outside [0, 1] (a logit, say), and unless both classes occur.
    """
    odds, positive = _logits(polarity), np.asarray(positive, dtype=bool)
    if positive.all() or not positive.any():
        raise ValueError(
            f"a temperature needs positive and negative posts, got {int(positive.sum())} positive "
            f"ones of {len(positive)}; see the labels of the validation posts"
        )
    # What speaks for a post's own class; -log(sigmoid(x)) = log(1 + exp(-x)).
    margin = np.where(positive, odds, -odds)
    found = minimize_scalar(
        lambda log_t: np.logaddexp(0, -margin / np.exp(log_t)).mean(),
        bounds=(np.log(LOWEST), np.log(HIGHEST)), method="bounded", options={"xatol": 1e-6},
    )  # fmt: skip
    return float(np.exp(found.x))


def reliability(polarity: np.ndarray, positive: np.ndarray, bins: int = BINS) -> pd.DataFrame:
    """Per bin of equal width its `polarity` (mean), `positive` (share) and `posts`.

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

    The honest figure for posts to which the temperature was fitted. A temperature that `polarity`
    holds already changes nothing: those of the halves come on top.
    """
    odds, positive = _logits(polarity), np.asarray(positive, dtype=bool)
    # Positive posts behind the negative ones, shuffled; of each class every other post.
    order = np.random.default_rng(seed).permutation(len(positive))
    order = order[np.argsort(positive[order], kind="stable")]
    scaled = np.empty(len(positive))
    for mine, other in ((order[::2], order[1::2]), (order[1::2], order[::2])):
        scaled[mine] = expit(odds[mine] / temperature(expit(odds[other]), positive[other]))
    return ece(scaled, positive)


def ece_by_chance(polarity: np.ndarray, seed: int, draws: int = 200) -> float:
    """The mean `ece` if `polarity` were the true probability: what is left where there are few
    posts in a bin (consistency resampling, Bröcker and Smith 2007, Weather and Forecasting 22:651).
    """
    polarity = np.asarray(polarity, dtype=float)
    rng = np.random.default_rng(seed)
    drawn = (rng.random(len(polarity)) < polarity for _ in range(draws))
    return float(np.mean([ece(polarity, positive) for positive in drawn]))


def risk_coverage(polarity: np.ndarray, positive: np.ndarray, points: int = 100) -> pd.DataFrame:
    """Error rate (`risk`) among the share of posts (`coverage`) of which the model is surest.

    Confidence is max(p, 1 - p); posts of equal confidence are kept together. At most `points`
    rows, coverage ascending to 1 (Geifman and El-Yaniv 2017, NeurIPS).
    """
    coverage, risk = _kept(polarity, positive)
    rows = np.unique(np.linspace(0, len(risk) - 1, min(points, len(risk))).round().astype(int))
    return pd.DataFrame({"coverage": coverage[rows], "risk": risk[rows]})


def aurc(polarity: np.ndarray, positive: np.ndarray) -> float:
    """Area under the risk-coverage curve: the mean risk over all coverages; 0 is best.

    A model whose confidence says nothing has its error rate.
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


def _logits(polarity: np.ndarray) -> np.ndarray:
    polarity = np.asarray(polarity, dtype=float)
    if not ((polarity >= 0) & (polarity <= 1)).all():
        raise ValueError(
            "polarity must lie between 0 and 1, got values between "
            f"{polarity.min():.3g} and {polarity.max():.3g}; of a logit take the sigmoid first"
        )
    # A float32 sigmoid reaches 0 and 1, whose logits are infinite.
    return logit(np.clip(polarity, 1e-7, 1 - 1e-7))
