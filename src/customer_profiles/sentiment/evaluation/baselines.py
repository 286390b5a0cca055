"""Baselines of the sentiment model: lexicons, a linear model, a constant answer."""

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from customer_profiles.project.vocabulary import CLASSES
from customer_profiles.sentiment.data.sentiment140 import class_names

NEGATIVE, POSITIVE = 0, 4  # Sentiment140's codes
# Thresholds of a lexicon's polarity. VADER's is the one that its authors advise (Hutto
# and Gilbert 2014, ICWSM-14). TextBlob has none: it is neutral if no word has a polarity.
THRESHOLDS = {"textblob": 1e-9, "vader": 0.05}


def two_classes(
    train: pd.DataFrame, test: pd.DataFrame, lexicons: pd.DataFrame, seed: int
) -> pd.DataFrame:
    """Codes 0 or 4 for the rows of `test` (columns label, text), a column for each baseline.

    `majority` is the constant answer that is right most often on these very rows; `tfidf` is
    fitted to `train` (label, text; two labels); `textblob` and `vader` are positive where their
    polarity in `lexicons` is above 0.
    """
    answers = {name: np.where(lexicons[name] > 0, POSITIVE, NEGATIVE) for name in THRESHOLDS}
    return pd.DataFrame({
        "majority": np.full(len(test), _most_frequent(test["label"])),
        "tfidf": _tfidf(train, test, seed),
        **answers,
    })  # fmt: skip


def three_classes(
    train: pd.DataFrame, test: pd.DataFrame, lexicons: pd.DataFrame, seed: int
) -> pd.DataFrame:
    """Class names for the rows of `test`, a column for each baseline, as in `two_classes`.

    `train` has three labels; `textblob` and `vader` follow the THRESHOLDS of their polarity.
    """
    answers = {
        "majority": np.full(len(test), _most_frequent(test["label"])),
        "tfidf": _tfidf(train, test, seed),
    }
    answers = {name: class_names(codes) for name, codes in answers.items()}
    answers |= {name: by_lexicon(lexicons[name], name) for name in THRESHOLDS}
    return pd.DataFrame(answers)


def by_lexicon(polarity: pd.Series, name: str) -> np.ndarray:
    """Class names (n,) by the threshold of the lexicon `name` for its `polarity` (n,)."""
    least = THRESHOLDS[name]
    return np.select([polarity <= -least, polarity >= least], [CLASSES[0], CLASSES[2]], CLASSES[1])


def _tfidf(train: pd.DataFrame, test: pd.DataFrame, seed: int) -> np.ndarray:
    """Labels by a logistic regression on TF-IDF of words and word pairs."""
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2),
        LogisticRegression(C=3.0, max_iter=1000, random_state=seed),
    )
    return model.fit(train["text"], train["label"]).predict(test["text"])


def _most_frequent(values):
    return pd.Series(values).mode().iloc[0]
