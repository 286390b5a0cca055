"""Signals of opinion in a post, from its words: two public lexicons, and surface features.

`signals` feeds the decision between the three classes (`decision.fit`), which uses the sentiment
model's vector of the post as well. The column `textblob_subjectivity` alone is the baseline.

The lexicons: TextBlob's, of the library pattern (De Smedt and Daelemans 2012, JMLR 13:2063), and
VADER (Hutto and Gilbert 2014, ICWSM-14), made for social media.
"""

import re
from collections.abc import Iterable
from functools import cache

import numpy as np
import pandas as pd
from textblob import TextBlob
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from customer_profiles.sentiment.model import text

# VADER takes 16 seconds for 6,000 emoji: its time grows with their square. The model reads 128
# tokens, which are about as much.
LONGEST = 500
# Patterns of binary signals: 1 if a post matches, else 0.
SURFACE = {
    "first_person": r"\b(i|i['\u2019]?(m|d|ve|ll)|me|my|mine|myself|we|us|our)\b",
    "negation": (
        r"\b(not|no|never|nobody|nothing|none|without|cannot|(ai|are|ca|could|did|do|does|had|has"
        r"|have|is|should|was|were|wo|would)n['\u2019]?t)\b"
    ),
    "exclamation": r"!",
    "question": r"\?",
    "link": r"\bhttp\b",
    "number": r"[0-9]",
}
_SURFACE = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in SURFACE.items()}
NAMES = ("textblob_subjectivity", "textblob_strength", "vader_share", "vader_strength", *SURFACE)


def signals(texts: Iterable[str]) -> pd.DataFrame:
    """Signals of raw `texts`, one row a text, the columns NAMES, all float32 from 0 to 1.

    `textblob_subjectivity`: mean over the words of TextBlob's lexicon, 0 (fact) … 1 (opinion).
    `textblob_strength`: |polarity| by the same lexicon.
    `vader_share`: share of the words that VADER takes for positive or negative (1 - neutral).
    `vader_strength`: |compound|, VADER's sum of valences, normalised.
    The others are 1 if the post matches the pattern of that name in SURFACE, else 0.

    A text is normalised by `text.normalise` and cut to LONGEST characters; with nothing to read,
    all signals are 0.
    """
    rows = [_signals(value) for value in texts]
    return pd.DataFrame(rows, columns=list(NAMES), dtype=np.float32)


def lexicons(texts: Iterable[str]) -> pd.DataFrame:
    """Polarity of raw `texts` by each lexicon, -1 … 1, one row a text: columns textblob, vader.

    Texts are not normalised, so that emoticons count, and cut to LONGEST characters. The polarities
    are baselines of the sentiment model.
    """
    rows = [
        (TextBlob(value).sentiment.polarity, _vader().polarity_scores(value)["compound"])
        for value in (value[:LONGEST] for value in texts)
    ]
    return pd.DataFrame(rows, columns=["textblob", "vader"], dtype=float)


def _signals(value: str) -> tuple[float, ...]:
    value = text.normalise(value)[:LONGEST]
    blob = TextBlob(value).sentiment
    vader = _vader().polarity_scores(value)
    return (
        blob.subjectivity,
        abs(blob.polarity),
        vader["pos"] + vader["neg"],
        abs(vader["compound"]),
        *(float(bool(pattern.search(value))) for pattern in _SURFACE.values()),
    )


@cache
def _vader() -> SentimentIntensityAnalyzer:
    # The analyser reads two lexicons from disk: once, and not at import of this module.
    return SentimentIntensityAnalyzer()
