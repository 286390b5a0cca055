"""Metrics of the present model on posts that people labelled.

`customer-profiles evaluate FILE` on posts about one's own brand; `make results TEST_POSTS=FILE` on
Sentiment140's.
"""

from pathlib import Path

import pandas as pd

from customer_profiles.pipeline import summary
from customer_profiles.project import paths, vocabulary
from customer_profiles.sentiment.data import labelled, sentiment140
from customer_profiles.sentiment.evaluation import baselines, metrics, report
from customer_profiles.sentiment.model import card as cards
from customer_profiles.sentiment.rating import lexicons
from customer_profiles.sentiment.rating.rate import Rater

MODEL = "data/models/sentiment"


def manual(file: Path) -> dict:
    """Metrics on Sentiment140's test posts in `file`, under their names in sentiment.json.

    Raises ValueError for a file of another name: the README presents the metrics as those of
    Sentiment140's own test posts.
    """
    expected = sentiment140.TEST_NAMES[0]
    if file.name.removesuffix(".gz") != expected:
        raise ValueError(f"expected Sentiment140's {expected} (or .gz), got {file.name}")
    posts = sentiment140.masked(sentiment140.read(file)[0])
    ratings = Rater(paths.inside(MODEL)).rate(posts["text"].tolist())
    return report.of_manual(ratings, posts["label"].to_numpy())


def evaluated(file: Path) -> str:
    """Report, for a terminal, on the labelled posts in the CSV `file` (columns label, text).

    Raises the errors of `labelled.read`, FileNotFoundError without the file or a model.
    """
    if not file.is_file():
        raise FileNotFoundError(f"{file} is no file; give a CSV file with columns label and text")
    posts, others = labelled.read((file,))
    rater = Rater(paths.inside(MODEL))
    ratings = rater.rate(posts["text"].tolist())
    lines = [("posts", _described(posts["label"], others))]
    lines += _accuracies(posts, ratings)
    truth, mean = posts["label"].mean() / 4, ratings["polarity"].mean()
    lines.append(("mood", f"{mean:.2f} by the model, {truth:.2f} by the labels: error "
                  f"{metrics.mood_error(ratings['polarity'], posts['label']):.3f}"))  # fmt: skip
    if caution := cards.caution(rater.card):
        lines.append(("warning", caution))
    return "\n".join(f"{name:<15}{text}" for name, text in lines)


def _described(labels: pd.Series, others: int) -> str:
    counts = labels.value_counts()
    classes = ", ".join(f"{counts.get(c, 0):,} {name}" for c, name in vocabulary.LABELS.items())
    return f"{len(labels):,}: {classes}" + (f"; {others:,} not in English left out" * bool(others))


def _accuracies(posts: pd.DataFrame, ratings: pd.DataFrame) -> list[tuple[str, str]]:
    """Lines on three and on two classes, on VADER, and on the width of the interval."""
    labels = posts["label"].to_numpy()
    truth, words = sentiment140.class_names(labels), lexicons.polarities(posts["text"])
    three = metrics.three_classes(ratings["label"].to_numpy(), labels)
    vader = metrics.accuracy(baselines.by_lexicon(words["vader"], "vader") == truth)
    lines = [
        ("three classes", f"{summary.interval(three)}, macro recall {three['macro_recall']:.3f}; "
         f"VADER {summary.interval(vader)}"),
    ]  # fmt: skip
    if (labels != sentiment140.NEUTRAL).any():
        two = metrics.two_classes(ratings["polarity"].to_numpy(), labels)
        lines.append(("two classes", summary.accuracy(two)))
    more = metrics.labels_to_halve(three["accuracy"], three["n"])
    points = (three["high"] - three["low"]) * 50
    lines.append(("interval", f"± {points:.1f} points; {more:,} more labels would halve it"))
    return lines
