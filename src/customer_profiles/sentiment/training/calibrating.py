"""Calibration by the validation posts: temperatures, thresholds, and the metrics that choose."""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit
from scipy.stats import binomtest
from sklearn.metrics import recall_score

from customer_profiles.project.vocabulary import CLASSES
from customer_profiles.sentiment.model.backend import tf
from customer_profiles.sentiment.model.classifier import Calibration, ratings
from customer_profiles.sentiment.model.layers import QUESTIONS

# Bounds of the search for the best temperature.
LOWEST, HIGHEST = 0.05, 20.0
CANDIDATES = 50  # thresholds on each side of 0.5


def calibrate(logits: np.ndarray, answers: np.ndarray) -> Calibration:
    """Calibration that fits the `logits` (n, questions) to the `answers` (n, 2) best.

    A temperature is fitted for each question, to the posts that have an answer. Without a logit of
    subjectivity, the two thresholds are those with the most posts in their class.
    """
    temperatures = []
    for scores, known in zip(logits.T, answers.T, strict=False):
        asked = ~np.isnan(known)
        temperatures.append(fit_temperature(scores[asked], known[asked]))
    if logits.shape[1] == len(QUESTIONS):
        return Calibration(tuple(temperatures))
    valence = expit(logits[:, 0] / temperatures[0])
    return Calibration(tuple(temperatures), fit_thresholds(valence, answers))


def fit_temperature(logits: np.ndarray, positive: np.ndarray) -> float:
    """Temperature T for which sigmoid(`logits` / T) fits `positive` (n,) best.

    T is the one parameter of temperature scaling (Guo et al. 2017, ICML). It minimises the negative
    log-likelihood, between LOWEST and HIGHEST; above 1 the model was overconfident. Where every
    post is on its side of 0 there is no minimum, and T is LOWEST. Decisions at 0.5 do not change.

    Raises ValueError unless both classes occur.
    """
    positive = np.asarray(positive, dtype=bool)
    if positive.all() or not positive.any():
        raise ValueError(
            f"a temperature needs posts of both answers, got {int(positive.sum())} of one and "
            f"{int((~positive).sum())} of the other; see the labels of the validation posts"
        )
    # Logit of a post's true class; -log(sigmoid(x)) = log(1 + exp(-x)).
    margin = np.where(positive, logits, -np.asarray(logits, dtype=float))
    minimum = minimize_scalar(
        lambda log_t: np.logaddexp(0, -margin / np.exp(log_t)).mean(),
        bounds=(np.log(LOWEST), np.log(HIGHEST)), method="bounded", options={"xatol": 1e-6},
    )  # fmt: skip
    return float(np.exp(minimum.x))


def fit_thresholds(valence: np.ndarray, answers: np.ndarray) -> tuple[float, float]:
    """Thresholds of `valence` (n,) around neutral, one at most and one at least 0.5."""
    negative, neutral, positive = classes(answers).T
    low, high = (
        np.unique(np.append(np.quantile(side, np.linspace(0, 1, CANDIDATES)), 0.5))
        for side in (np.minimum(valence, 0.5), np.maximum(valence, 0.5))
    )
    below, above = valence < low[:, None], valence > high[:, None]
    right_low = (below & negative).sum(axis=1) - (below & neutral).sum(axis=1)
    right_high = (above & positive).sum(axis=1) - (above & neutral).sum(axis=1)
    return float(low[right_low.argmax()]), float(high[right_high.argmax()])


def measure(logits: np.ndarray, answers: np.ndarray, calibration: Calibration) -> dict[str, float]:
    """Metrics of calibrated `logits` (n, questions) against the `answers` (n, 2).

    `val_loss`: `training.cross_entropy`, which chooses the model; `val_accuracy` of the three
    classes and its interval `low`, `high`; `val_recall`, the mean of the three classes' recall.
    """
    scaled = logits / calibration.temperatures
    known = answers[:, : logits.shape[1]]
    losses = np.logaddexp(0, np.where(known > 0.5, -scaled, scaled))
    answered = ratings(*map(tf.constant, expit(scaled).T), thresholds=calibration.thresholds)
    predicted = np.argmax([answered[name] for name in CLASSES], axis=0)
    truth = classes(answers).argmax(axis=1)
    right = predicted == truth
    low, high = binomtest(int(right.sum()), len(right)).proportion_ci(method="wilson")
    return {
        "val_loss": float(np.where(np.isnan(known), 0, losses).sum(axis=1).mean()),
        "val_accuracy": float(right.mean()),
        "low": float(low),
        "high": float(high),
        "val_recall": float(recall_score(truth, predicted, average="macro", zero_division=0)),
    }


def classes(answers: np.ndarray) -> np.ndarray:
    """Masks bool (n, 3), in the order of CLASSES, of the classes that `answers` (n, 2) mean."""
    valence, subjective = answers[:, 0], answers[:, 1] > 0.5
    good, bad = valence > 0.5, valence < 0.5
    return np.column_stack([subjective & bad, ~subjective, subjective & good])


def to_logits(probability: np.ndarray) -> np.ndarray:
    """Logits (n,) of a `probability` (n,), finite also where a float32 reaches 0 or 1.

    Raises ValueError for a value outside [0, 1] (for example a logit).
    """
    probability = np.asarray(probability, dtype=float)
    if not ((probability >= 0) & (probability <= 1)).all():
        raise ValueError(
            "a probability must lie between 0 and 1, got values between "
            f"{probability.min():.3g} and {probability.max():.3g}; of a logit take the sigmoid"
        )
    return logit(np.clip(probability, 1e-7, 1 - 1e-7))
