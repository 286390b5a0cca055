"""Decision between negative, neutral and positive, by polarity and subjectivity.

Polarity gives the direction, subjectivity the probability that the author expresses a feeling or an
opinion at all. Subjectivity is learned (`fit`) from posts of all three classes. Its inputs are the
sentiment model's outputs for a post and the post's words (`signals.signals`); the sentiment model
itself was never trained on a neutral post.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from customer_profiles.project import vocabulary
from customer_profiles.project.vocabulary import CLASSES

# Inverse strength of the L2 penalty, chosen by `compare` (docs/sentiment.md).
C = 0.01
# Keys of a decision in JSON.
KEYS = ("certainty", "intercept", "languages", "signals", "vector")
# Languages of the posts that the sentiment model and the decision learn from and are measured on.
LANGUAGES = ("en",)


@dataclass(frozen=True, eq=False)
class Decision:
    """Logistic regression: a weight for each unscaled input, and the intercept.

    `signals` float (s,) belong to `names`, `vector` float (width,) to the sentiment model's vector,
    `certainty` to |logit of polarity|. `languages` (ISO 639-1) are those it was measured on.
    """

    names: tuple[str, ...]
    signals: np.ndarray
    vector: np.ndarray
    certainty: float
    intercept: float
    languages: tuple[str, ...] = LANGUAGES

    def subjectivity(
        self, polarity: np.ndarray, vector: np.ndarray, signals: pd.DataFrame
    ) -> np.ndarray:
        """Probability float32 (n,) that the author of each post expresses a feeling or an opinion.

        `polarity` (n,) and `vector` (n, width) as the sentiment model gives them, `signals` with
        the columns `names`. Raises ValueError for a vector of another width or without a signal.
        """
        if vector.shape[1] != len(self.vector):
            raise ValueError(
                f"the decision was learned from vectors of {len(self.vector)}, these have "
                f"{vector.shape[1]}; run `dvc repro evaluate`"
            )
        if missing := [name for name in self.names if name not in signals]:
            raise ValueError(f"signals must hold {', '.join(self.names)}; {missing} are missing")
        total = vector @ self.vector + signals[list(self.names)].to_numpy() @ self.signals
        total = total + self.certainty * certainty(polarity) + self.intercept
        return expit(total).astype(np.float32)

    def to_dict(self) -> dict:
        """Decision as plain numbers, lists and dicts, for `from_dict`."""
        return {
            "certainty": self.certainty,
            "intercept": self.intercept,
            "languages": list(self.languages),
            "vector": self.vector.tolist(),
            "signals": dict(zip(self.names, self.signals.tolist(), strict=True)),
        }

    @classmethod
    def from_dict(cls, values: dict) -> "Decision":
        """Decision that `to_dict` wrote; raises ValueError for anything else."""
        if not isinstance(values, dict) or set(values) != set(KEYS):
            got = ", ".join(map(str, sorted(values))) if isinstance(values, dict) else type(values)
            raise ValueError(
                f"a decision holds {', '.join(KEYS)}, got {got}; run `dvc repro evaluate`"
            )
        try:
            names, languages = tuple(values["signals"]), tuple(map(str, values["languages"]))
            signals = np.array([values["signals"][name] for name in names], dtype=float)
            vector = np.array(values["vector"], dtype=float)
            certainty, intercept = float(values["certainty"]), float(values["intercept"])
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"a weight of the decision is no number ({error}); run `dvc repro evaluate`"
            ) from error
        if vector.ndim != 1 or not np.isfinite([*signals, *vector, certainty, intercept]).all():
            raise ValueError(
                "the decision's weights must be finite, those of vector a list; "
                "run `dvc repro evaluate`"
            )
        return cls(names, signals, vector, certainty, intercept, languages)


def probabilities(polarity: np.ndarray, subjectivity: np.ndarray) -> np.ndarray:
    """Probability float (n, 3) of each class, in the order of CLASSES; each row adds up to 1.

    Negative s(1-p), neutral 1-s, positive s·p, of subjectivity s and polarity p.
    """
    polarity, subjectivity = np.asarray(polarity), np.asarray(subjectivity)
    return np.column_stack(
        [subjectivity * (1 - polarity), 1 - subjectivity, subjectivity * polarity]
    )


def labels(probabilities: np.ndarray) -> np.ndarray:
    """Names (n,) of the likeliest class of each row of `probabilities` (n, 3)."""
    return np.array(CLASSES, dtype=object)[np.argmax(probabilities, axis=1)]


def certainty(polarity: np.ndarray) -> np.ndarray:
    """Absolute logit (n,) of `polarity`: 0 where it is undecided."""
    return np.abs(logit(np.clip(np.asarray(polarity, dtype=float), 1e-6, 1 - 1e-6)))


def fit(
    polarity: np.ndarray, vector: np.ndarray, signals: pd.DataFrame, labels: np.ndarray
) -> Decision:
    """Decision learned from n posts with Sentiment140's codes `labels` (n,): 0, 2 or 4.

    Each class has the same weight, however many posts it has, because the share of neutral posts
    among those about a brand is unknown, and the function `labels` takes the likeliest of the
    three. Raises ValueError when a class is missing.
    """
    if missing := sorted(set(vocabulary.LABELS) - set(np.unique(labels).tolist())):
        raise ValueError(f"the decision needs posts of all three classes; none has {missing}")
    inputs = np.column_stack([vector, certainty(polarity), signals.to_numpy(dtype=float)])
    mean, spread = inputs.mean(axis=0), inputs.std(axis=0)
    spread[spread == 0] = 1  # a constant input gets no weight
    model = LogisticRegression(C=C, max_iter=1000)
    model.fit((inputs - mean) / spread, labels != 2, sample_weight=_weights(labels))
    weights = model.coef_[0] / spread
    width = vector.shape[1]
    return Decision(
        names=tuple(signals.columns),
        signals=weights[width + 1 :],
        vector=weights[:width],
        certainty=float(weights[width]),
        intercept=float(model.intercept_[0] - weights @ mean),
    )


def _weights(labels: np.ndarray) -> np.ndarray:
    """Weight of each post: the weights of each class add up to the same sum; 1 on average."""
    _, places, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return len(labels) / (len(counts) * counts[places])
