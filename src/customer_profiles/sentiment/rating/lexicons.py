"""Two public lexicons: the baselines of the sentiment model, and the original's subjectivity.

TextBlob's is of the library pattern (De Smedt and Daelemans 2012, JMLR 13:2063); VADER (Hutto and
Gilbert 2014, ICWSM-14) was made for social media.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from textblob import TextBlob
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from customer_profiles.sentiment.model import text

# VADER takes 16 seconds for 6,000 emoji: its time grows with their square. The model reads 128
# tokens, which are about as much.
LONGEST = 500


def polarities(texts: Iterable[str]) -> pd.DataFrame:
    """Polarity of raw `texts` by each lexicon, -1 … 1, one row a text: columns textblob, vader.

    Texts are not normalised, so that emoticons count, and cut to LONGEST characters.
    """
    vader = SentimentIntensityAnalyzer()
    rows = [
        (TextBlob(value).sentiment.polarity, vader.polarity_scores(value)["compound"])
        for value in (value[:LONGEST] for value in texts)
    ]
    return pd.DataFrame(rows, columns=["textblob", "vader"], dtype=float)


def subjectivity(texts: Iterable[str]) -> np.ndarray:
    """Subjectivity float32 (n,) of raw `texts` by TextBlob: 0 fact … 1 opinion.

    The mean over the words of its lexicon in a text, which is normalised and cut to LONGEST
    characters; 0 without such a word.
    """
    normalised = (text.normalise(value)[:LONGEST] for value in texts)
    return np.array([TextBlob(value).sentiment.subjectivity for value in normalised], np.float32)
