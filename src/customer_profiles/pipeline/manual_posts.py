"""Metrics of the present model on Sentiment140's test posts, which people labelled by hand."""

from pathlib import Path

from customer_profiles.project import paths
from customer_profiles.sentiment.data import sentiment140
from customer_profiles.sentiment.evaluation import report
from customer_profiles.sentiment.rating.rate import Rater


def evaluate(file: Path) -> dict:
    """Metrics of the model in data/models on the posts of `file`, as in sentiment.json.

    `manual2`: accuracy of two classes, over the positive and negative posts. `manual3`: three
    classes; `neutral.auc`; `mood_error`. Raises ValueError for a file of another name: the README
    presents the metrics as those of Sentiment140's own test posts.
    """
    expected = sentiment140.TEST_NAMES[0]
    if file.name.removesuffix(".gz") != expected:
        raise ValueError(f"expected Sentiment140's {expected} (or .gz), got {file.name}")
    posts = sentiment140.masked(sentiment140.read(file)[0])
    ratings = Rater(paths.inside("data/models/sentiment")).rate(posts["text"].tolist())
    measured = report.measured(ratings, posts["label"].to_numpy())
    two, auc, mood_error = (measured.pop(name) for name in ("two", "auc", "mood_error"))
    return {
        "manual2": two,
        "manual3": measured,
        "neutral": {"auc": auc},
        "mood_error": {"manual": mood_error},
    }
