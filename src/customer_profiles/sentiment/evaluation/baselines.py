"""Baselines of the sentiment model: lexicons, a linear model, a constant answer."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from customer_profiles.project.vocabulary import CLASSES
from customer_profiles.sentiment.data.sentiment140 import NEUTRAL, class_names

NEGATIVE, POSITIVE = 0, 4  # Sentiment140's codes
# Thresholds of a lexicon's polarity. VADER's is the one that its authors advise (Hutto
# and Gilbert 2014, ICWSM-14). TextBlob has none: it is neutral if no word has a polarity.
THRESHOLDS = {"textblob": 1e-9, "vader": 0.05}


class Linear(NamedTuple):
    """Logistic regressions on TF-IDF of words and word pairs, for two classes and for three."""

    two: Pipeline
    three: Pipeline


def linear(emoticons: pd.DataFrame, people: pd.DataFrame, seed: int) -> Linear:
    """Regressions fitted to all training posts (label, text) of both sources.

    A training of the model may draw only a part of them (finetune.rows), so these know no less.
    Posts without a feeling are left out for two classes, those labelled by emoticons for three.
    """
    both = pd.concat([emoticons, people[people["label"] != NEUTRAL]], ignore_index=True)
    return Linear(*(_fitted(posts, seed) for posts in (both, people)))


def two_classes(test: pd.DataFrame, lexicons: pd.DataFrame, tfidf: Pipeline) -> pd.DataFrame:
    """Codes 0 or 4 for the rows of `test` (columns label, text), a column for each baseline.

    `majority` is the constant answer that is right most often on these very rows; `textblob` and
    `vader` are positive where their polarity in `lexicons` is above 0.
    """
    answers = {name: np.where(lexicons[name] > 0, POSITIVE, NEGATIVE) for name in THRESHOLDS}
    return pd.DataFrame({**_learned(test, tfidf), **answers})


def three_classes(test: pd.DataFrame, lexicons: pd.DataFrame, tfidf: Pipeline) -> pd.DataFrame:
    """Class names for the rows of `test`, a column for each baseline, as in `two_classes`.

    `textblob` and `vader` follow the THRESHOLDS of their polarity.
    """
    answers = {name: class_names(codes) for name, codes in _learned(test, tfidf).items()}
    answers |= {name: by_lexicon(lexicons[name], name) for name in THRESHOLDS}
    return pd.DataFrame(answers)


def by_lexicon(polarity: pd.Series, name: str) -> np.ndarray:
    """Class names (n,) by the threshold of the lexicon `name` for its `polarity` (n,)."""
    least = THRESHOLDS[name]
    return np.select([polarity <= -least, polarity >= least], [CLASSES[0], CLASSES[2]], CLASSES[1])


def _learned(test: pd.DataFrame, tfidf: Pipeline) -> dict[str, np.ndarray]:
    constant = test["label"].mode().iloc[0]
    return {"majority": np.full(len(test), constant), "tfidf": tfidf.predict(test["text"])}


def _fitted(posts: pd.DataFrame, seed: int) -> Pipeline:
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2),
        LogisticRegression(C=3.0, max_iter=1000, random_state=seed),
    )
    return model.fit(posts["text"], posts["label"])
