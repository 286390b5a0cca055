"""Temperature scaling: calibration of polarity to a probability, by one parameter."""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logit

# Bounds of the search for the best temperature.
LOWEST, HIGHEST = 0.05, 20.0


def fit_temperature(polarity: np.ndarray, positive: np.ndarray) -> float:
    """Temperature T for which sigmoid(logit(polarity) / T) fits `positive` (n,) best.

    T is the one parameter of temperature scaling (Guo et al. 2017, ICML). It minimises the negative
    log-likelihood, between LOWEST and HIGHEST; above 1 the model was overconfident. Where every
    post is on its side of 0.5 there is no minimum, and T is LOWEST. Decisions at 0.5 do not change.

    Raises ValueError for a polarity outside [0, 1] (for example a logit), and unless both classes
    occur.
    """
    odds, positive = logits(polarity), np.asarray(positive, dtype=bool)
    if positive.all() or not positive.any():
        raise ValueError(
            f"a temperature needs positive and negative posts, got {int(positive.sum())} positive "
            f"ones of {len(positive)}; see the labels of the validation posts"
        )
    # Logit of a post's true class; -log(sigmoid(x)) = log(1 + exp(-x)).
    margin = np.where(positive, odds, -odds)
    minimum = minimize_scalar(
        lambda log_t: np.logaddexp(0, -margin / np.exp(log_t)).mean(),
        bounds=(np.log(LOWEST), np.log(HIGHEST)), method="bounded", options={"xatol": 1e-6},
    )  # fmt: skip
    return float(np.exp(minimum.x))


def logits(polarity: np.ndarray) -> np.ndarray:
    polarity = np.asarray(polarity, dtype=float)
    if not ((polarity >= 0) & (polarity <= 1)).all():
        raise ValueError(
            "polarity must lie between 0 and 1, got values between "
            f"{polarity.min():.3g} and {polarity.max():.3g}; of a logit take the sigmoid first"
        )
    # A float32 sigmoid reaches 0 and 1, whose logits are infinite.
    return logit(np.clip(polarity, 1e-7, 1 - 1e-7))
