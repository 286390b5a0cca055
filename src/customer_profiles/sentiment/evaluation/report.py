"""The report of the evaluation: what data/reports/sentiment.json holds."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from customer_profiles.sentiment.data import sentiment140
from customer_profiles.sentiment.evaluation import baselines, calibration, metrics, slices
from customer_profiles.sentiment.rating.signals import lexicons, signals

POSITIVE = 4  # Sentiment140's code


def of_model(
    polarity: np.ndarray, validation: Sequence[int], scores: pd.DataFrame, labels: np.ndarray
) -> dict[str, float]:
    """Main metrics of one model.

    `polarity` (n,) of the posts labelled `validation` (n,); `scores` (as `rate` gives them) of the
    test posts labelled `labels`. All labels are Sentiment140's codes.
    """
    three = metrics.three_classes(scores["label"].to_numpy(), labels)
    return {
        "validation": metrics.two_classes(polarity, validation)["accuracy"],
        "manual2": metrics.two_classes(scores["polarity"].to_numpy(), labels)["accuracy"],
        "manual3": three["accuracy"],
        "macro_f1": three["macro_f1"],
        "neutral.auc": metrics.neutral_auc(scores["subjectivity"].to_numpy(), labels),
    }


def of_test(test: pd.DataFrame, scores: pd.DataFrame, train: pd.DataFrame, seed: int) -> dict:
    """Sections on the `test` posts: the model, the baselines (fitted to `train`), the slices.

    `test` (columns label, text, query) and `scores`, as `rate` gives them, have the same rows.
    Two classes are judged on the polar posts, three on all.
    """
    labels, label = test["label"].to_numpy(), scores["label"].to_numpy()
    truth, polar = sentiment140.class_names(labels), labels != sentiment140.NEUTRAL
    words = lexicons(test["text"])
    two = baselines.two_classes(train, test[polar], words[polar], seed)
    three = baselines.three_classes(truth, words)
    right2 = (scores["polarity"].to_numpy() > 0.5) == (labels == POSITIVE)
    right3 = label == truth
    members = slices.members(test["text"], signals(test["text"]))
    return {
        "manual2": {
            **metrics.accuracy(right2[polar]),
            "by_query": metrics.by_query(right2[polar], test["query"][polar], seed),
        },
        "manual3": {
            **metrics.three_classes(label, labels),
            "by_query": metrics.by_query(right3, test["query"], seed),
        },
        "neutral": {"auc": metrics.neutral_auc(scores["subjectivity"].to_numpy(), labels)},
        "baselines": {name: metrics.accuracy(two[name] == labels[polar]) for name in two},
        "baselines3": {name: metrics.three_classes(three[name], labels) for name in three},
        "mcnemar": {
            name: metrics.mcnemar(right2[polar], two[name] == labels[polar])
            for name in ("tfidf", "vader")
        },
        "mcnemar3": {"vader": metrics.mcnemar(right3, three["vader"] == truth)},
        "slices": {
            "two": slices.measure(members, np.where(polar, right2, np.nan)),
            "three": slices.measure(members, right3.astype(float)),
        },
    }


def of_sets(
    trained: tuple[np.ndarray, np.ndarray], validation: tuple[np.ndarray, np.ndarray], seed: int
) -> dict:
    """Sections on posts trained on and on the validation posts: each is polarity and labels (n,).

    `gap` is the difference of their accuracies; calibration is that of the validation posts.
    """
    polarity, positive = validation[0], validation[1] == POSITIVE
    train = metrics.two_classes(*trained)
    judged = {
        **metrics.two_classes(*validation),
        "ece": calibration.ece(polarity, positive),
        "ece_by_chance": calibration.ece_by_chance(polarity, seed),
        "ece_crossfitted": calibration.crossfitted_ece(polarity, positive, seed),
        "aurc": calibration.aurc(polarity, positive),
    }
    gap = train["accuracy"] - judged["accuracy"]
    return {"train": train, "validation": judged, "gap": gap}


def systems(report: Mapping) -> pd.DataFrame:
    """Accuracy of the model and the baselines, a row each, for two and for three classes."""
    rows = {
        "BERT, two classes": report["manual2"],
        **{f"{name}, two classes": value for name, value in report["baselines"].items()},
        "BERT, three classes": report["manual3"],
        **{f"{name}, three classes": value for name, value in report["baselines3"].items()},
    }
    columns = ["accuracy", "low", "high", "n", "macro_f1"]
    return pd.DataFrame(rows).T[columns].astype(float).astype({"n": int})


def tests(report: Mapping) -> pd.DataFrame:
    """McNemar's tests of the model against baselines, a row each."""
    rows = {f"{name}, two classes": value for name, value in report["mcnemar"].items()}
    rows |= {f"{name}, three classes": value for name, value in report["mcnemar3"].items()}
    counts = {"only_this": int, "only_other": int}
    return pd.DataFrame(rows).T.rename_axis("BERT against").round(4).astype(counts)


def against_tfidf(report: Mapping) -> str:
    """Comparison of the model with TF-IDF on two classes, as a sentence."""
    return (
        f"Of two classes BERT labels {report['manual2']['accuracy']:.1%} of the posts right and "
        f"TF-IDF {report['baselines']['tfidf']['accuracy']:.1%} "
        f"(McNemar: p = {report['mcnemar']['tfidf']['p']:.2g})."
    )


def calibrated(report: Mapping) -> str:
    """Calibration error of the validation posts beside that of chance, as a sentence."""
    validation = report["validation"]
    return (
        f"Polarity and share of positive posts differ by {validation['ece_crossfitted']:.3f} on "
        f"average; {validation['ece_by_chance']:.3f} would be chance."
    )


def by_slice(report: Mapping) -> pd.DataFrame:
    """Metrics of each slice, for two and for three classes side by side, as texts."""
    kinds = {name: pd.DataFrame.from_dict(rows, "index") for name, rows in report["slices"].items()}
    return pd.concat(kinds, axis=1).round(3).astype(object).fillna("")
