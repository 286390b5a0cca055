"""Rating of posts: polarity, subjectivity, class and the probability of each class."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from customer_profiles.sentiment.model import card as cards
from customer_profiles.sentiment.model.scorer import Scorer, labels
from customer_profiles.sentiment.rating import lexicons


class Rater:
    """The sentiment model in `folder`, with its card. Raises the errors of Scorer and card.read."""

    def __init__(self, folder: Path):
        self.card = cards.read(folder)
        self.digest = cards.scorer(folder)
        self._scorer = Scorer(folder)

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages (ISO 639-1) that the model was measured on."""
        return self.card.languages

    def rate(self, texts: Sequence[str], name: str = "posts") -> pd.DataFrame:
        """Ratings of raw `texts`, a row each: the scorer's columns (float32) and `label` (a name).

        A post with nothing to read has polarity and subjectivity 0.5 and is neutral. The progress
        bar calls the posts `name`.
        """
        ratings = self._scorer.read(texts, name=name)
        ratings["label"] = labels(ratings)
        if self.card.subjectivity == cards.TEXTBLOB:
            ratings["subjectivity"] = lexicons.subjectivity(texts)
        return ratings
