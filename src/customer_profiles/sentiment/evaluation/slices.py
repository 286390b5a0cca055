"""Accuracy of a sentiment model on slices: kinds of posts that are known to be hard."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from customer_profiles.project import vocabulary
from customer_profiles.sentiment.evaluation import metrics
from customer_profiles.sentiment.model import text

FEWEST = 10  # posts: with fewer an accuracy is uninformative
SHORT, LONG = 7, 20  # words
# Of normalised texts.
PATTERNS = {
    "negation": re.compile(
        r"\b(not|no|never|nobody|nothing|none|without|cannot|(ai|are|ca|could|did|do|does|had|has"
        r"|have|is|should|was|were|wo|would)n['\u2019]?t)\b",
        re.IGNORECASE,
    ),
    "question": re.compile(r"\?"),
    "link": re.compile(r"\bhttp\b"),
    "emoji or emoticon": re.compile(
        r"[\U0001F300-\U0001FAFF\u2600-\u27BF]"  # emoji
        r"|[:;=][-o^']?[()DPp/|*\[\]\\](?![A-Za-z0-9])"
        r"|(?<![A-Za-z0-9])([xX]D|<3|[()D][-']?[:;=])(?![A-Za-z0-9])"
    ),
}


def members(texts: Sequence[str]) -> dict[str, np.ndarray]:
    """Mask bool (n,) of the raw `texts` in each slice, by the slice's name."""
    words = np.array([len(value.split()) for value in texts])
    # Normalised: the "://" of a link is no emoticon.
    normalised = [text.normalise(value) for value in texts]
    patterns = {
        name: np.array([bool(pattern.search(value)) for value in normalised], dtype=bool)
        for name, pattern in PATTERNS.items()
    }
    return {
        "all": np.ones(len(words), dtype=bool),
        **patterns,
        f"up to {SHORT} words": words <= SHORT,
        f"{LONG} words or more": words >= LONG,
    }


def measure(slices: Mapping[str, np.ndarray], correct: np.ndarray) -> dict[str, dict]:
    """Metrics of each slice by name (`metrics.accuracy`); of fewer than FEWEST posts only n: "<10".

    `slices`: bool (n,) by name; `correct` (n,): 1, 0, or NaN for a post that does not count.
    """
    result = {}
    for name, member in slices.items():
        counted = correct[member & ~np.isnan(correct)]
        if len(counted) < FEWEST:
            result[name] = {"n": vocabulary.at_least(len(counted), FEWEST)}
        else:
            result[name] = metrics.accuracy(counted == 1)
    return result
