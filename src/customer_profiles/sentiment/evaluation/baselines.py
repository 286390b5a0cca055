"""Baselines of the sentiment model: lexicons, a linear model, a constant answer."""

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from customer_profiles.project.vocabulary import CLASSES

NEGATIVE, POSITIVE = 0, 4  # Sentiment140's codes
# Thresholds of a lexicon's polarity. VADER's is the one that its authors advise (Hutto
# and Gilbert 2014, ICWSM-14). TextBlob has none: it is neutral if no word has a polarity.
THRESHOLDS = {"textblob": 1e-9, "vader": 0.05}


def two_classes(
    train: pd.DataFrame, test: pd.DataFrame, lexicons: pd.DataFrame, seed: int
) -> pd.DataFrame:
    """Codes 0 or 4 for the rows of `test` (columns label, text), a column for each baseline.

    `majority` is the constant answer that is right most often on these very rows; `tfidf` a
    logistic regression on TF-IDF of words and word pairs, fitted to `train` (label, text);
    `textblob` and `vader` are positive where their polarity in `lexicons` is above 0.
    """
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2),
        LogisticRegression(C=3.0, max_iter=1000, random_state=seed),
    )
    model.fit(train["text"], train["label"])
    answers = {name: np.where(lexicons[name] > 0, POSITIVE, NEGATIVE) for name in THRESHOLDS}
    return pd.DataFrame({
        "majority": np.full(len(test), _most_frequent(test["label"])),
        "tfidf": model.predict(test["text"]),
        **answers,
    })  # fmt: skip


def three_classes(truth: np.ndarray, lexicons: pd.DataFrame) -> pd.DataFrame:
    """Class names for posts whose true ones are `truth` (n,), a column for each baseline.

    `majority` is the most frequent class of `truth`; `textblob` and `vader` follow the THRESHOLDS
    of their polarity in `lexicons`.
    """
    answers = {"majority": np.full(len(truth), _most_frequent(truth), dtype=object)}
    for name, least in THRESHOLDS.items():
        polar = [lexicons[name] <= -least, lexicons[name] >= least]
        answers[name] = np.select(polar, [CLASSES[0], CLASSES[2]], CLASSES[1])
    return pd.DataFrame(answers)


def _most_frequent(values):
    return pd.Series(values).mode().iloc[0]
