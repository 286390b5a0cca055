"""Posts rated: polarity, subjectivity and class, by the sentiment model and the decision."""

from collections.abc import Sequence

import numpy as np

from customer_profiles import decision as decisions
from customer_profiles import observations, subjectivity, text
from customer_profiles.scoring import Scorer

# Of a post with nothing to read.
UNDECIDED = np.float32(0.5)
NEUTRAL = observations.CLASSES[1]


def rate(texts: Sequence[str], scorer: Scorer, decision: decisions.Decision) -> observations.Scores:
    """Scores of raw `texts` (n,), in their order; of the vectors a window is held at a time.

    A post with nothing to read (`text.normalise` leaves nothing) has polarity and subjectivity 0.5
    and is neutral.
    """
    parts, start = [], 0
    for reading in scorer.readings(texts):
        window = texts[start : start + len(reading.polarity)]
        start += len(window)
        subjective = decision.subjectivity(*reading, subjectivity.signals(window))
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
    return observations.Scores(*(np.concatenate(column) for column in columns))
