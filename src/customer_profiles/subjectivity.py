"""How much of a post is opinion: TextBlob's subjectivity, 0 (fact) … 1 (opinion)."""

from collections.abc import Sequence

import numpy as np
from textblob import TextBlob
from tqdm import tqdm


def subjectivity(texts: Sequence[str]) -> np.ndarray:
    """Subjectivity float32 (n,) of `texts`: mean over the words of TextBlob's English lexicon.

    A text without a word of the lexicon gets 0.
    """
    bar = tqdm(texts, desc="subjectivity", unit="post")
    return np.array([TextBlob(text).sentiment.subjectivity for text in bar], dtype=np.float32)
