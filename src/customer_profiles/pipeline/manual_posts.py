"""Accuracy of the present model on Sentiment140's test posts, which people labelled by hand."""

import json
from pathlib import Path

from customer_profiles.project import paths
from customer_profiles.sentiment.data import sentiment140
from customer_profiles.sentiment.evaluation import metrics
from customer_profiles.sentiment.model.scorer import Scorer
from customer_profiles.sentiment.rating.decision import Decision
from customer_profiles.sentiment.rating.rate import rate


def evaluate(file: Path) -> dict:
    """Metrics of the model in data/models on the posts of `file`, as in sentiment.json.

    `manual2`: accuracy of two classes, over the positive and negative posts. `manual3`: accuracy
    and macro F1 of three classes. Raises ValueError for a file of another name: the README presents
    the metrics as those of Sentiment140's own test posts.
    """
    expected = sentiment140.TEST_NAMES[0]
    if file.name.removesuffix(".gz") != expected:
        raise ValueError(f"expected Sentiment140's {expected} (or .gz), got {file.name}")
    posts = sentiment140.masked(sentiment140.read(file)[0])
    models = paths.inside("data/models")
    decision = json.loads((models / "decision.json").read_text(encoding="utf-8"))
    ratings = rate(
        posts["text"].tolist(), Scorer(models / "sentiment"), Decision.from_dict(decision)
    )
    labels = posts["label"].to_numpy()
    return {
        "manual2": metrics.two_classes(ratings["polarity"].to_numpy(), labels),
        "manual3": metrics.three_classes(ratings["label"].to_numpy(), labels),
    }
