"""Rating of posts: polarity, subjectivity and class, by the sentiment model and the decision."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from customer_profiles.project import vocabulary
from customer_profiles.sentiment.model import text
from customer_profiles.sentiment.model.scorer import Scorer
from customer_profiles.sentiment.rating import decision as decisions
from customer_profiles.sentiment.rating.signals import signals

# Subjectivity of a post with nothing to read.
UNDECIDED = np.float32(0.5)
NEUTRAL = vocabulary.CLASSES[1]


def rate(
    texts: Sequence[str], scorer: Scorer, decision: decisions.Decision, name: str = "posts"
) -> pd.DataFrame:
    """Ratings of raw `texts`, a row each: `polarity`, `subjectivity` (float32), `label` (a name).

    A post with nothing to read (`text.normalise` leaves nothing) has polarity and subjectivity 0.5
    and is neutral. Only one window of vectors is in memory at a time. The progress bar
    calls them `name`.
    """
    parts, start = [], 0
    for reading in scorer.readings(texts, name=name):
        window = texts[start : start + len(reading.polarity)]
        start += len(window)
        subjective = decision.subjectivity(*reading, signals(window))
        likely = decisions.labels(decisions.probabilities(reading.polarity, subjective))
        empty = np.array([text.normalise(value) == "" for value in window])
        parts.append(
            (
                reading.polarity,
                np.where(empty, UNDECIDED, subjective),
                np.where(empty, NEUTRAL, likely),
            )
        )
    columns = zip(*parts, strict=True) if parts else [[np.empty(0, np.float32)]] * 3
    polarity, subjectivity, label = (np.concatenate(column) for column in columns)
    return pd.DataFrame(
        {"polarity": polarity, "subjectivity": subjectivity, "label": label.astype(object)}
    )
