"""The report of the evaluation: what data/reports/sentiment.json holds."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from customer_profiles.sentiment.data import sentiment140
from customer_profiles.sentiment.evaluation import baselines, calibration, metrics, slices
from customer_profiles.sentiment.rating import lexicons

POSITIVE = 4  # Sentiment140's code


def of_model(
    validation: tuple[pd.DataFrame, np.ndarray],
    labelled: tuple[pd.DataFrame, np.ndarray],
    test: tuple[pd.DataFrame, np.ndarray],
) -> dict[str, float]:
    """Main metrics of one model on three sets, each its ratings and the labels (codes).

    `validation` is labelled by emoticons, the other two by people.
    """
    by_people, by_hand = measured(*labelled), measured(*test)
    return {
        "validation": metrics.two_classes(validation[0]["polarity"], validation[1])["accuracy"],
        "labelled": by_people["accuracy"],
        "labelled_recall": by_people["macro_recall"],
        "labelled_mood_error": by_people["mood_error"],
        "manual2": by_hand["two"]["accuracy"],
        "manual3": by_hand["accuracy"],
        "macro_f1": by_hand["macro_f1"],
        "neutral_auc": by_hand["auc"],
        "ece": by_hand["ece"],
        "mood_error": by_hand["mood_error"],
    }


def measured(ratings: pd.DataFrame, labels: np.ndarray) -> dict:
    """Metrics of the `ratings` of n posts of three classes with the codes `labels` (n,).

    Three classes, `two` of them (polar posts), `auc` of polar against neutral ones, `ece` of the
    likeliest class, `mood_error`.
    """
    polarity = ratings["polarity"].to_numpy()
    return {
        **metrics.three_classes(ratings["label"].to_numpy(), labels),
        "two": metrics.two_classes(polarity, labels),
        "auc": metrics.neutral_auc(ratings["subjectivity"].to_numpy(), labels),
        "ece": calibration.ece(*metrics.confidence(ratings, labels)),
        "mood_error": metrics.mood_error(polarity, labels),
    }


def of_manual(ratings: pd.DataFrame, labels: np.ndarray) -> dict:
    """Sections on the posts labelled by hand, by their names in sentiment.json; see `measured`."""
    three = measured(ratings, labels)
    two, auc, mood_error = (three.pop(name) for name in ("two", "auc", "mood_error"))
    return {
        "manual2": two,
        "manual3": three,
        "neutral": {"auc": auc},
        "mood_error": {"manual": mood_error},
    }


def compared(posts: pd.DataFrame, ratings: pd.DataFrame, linear: baselines.Linear) -> dict:
    """Baselines on the same `posts` (label, text) as the `ratings`, and McNemar's tests.

    Two classes are judged on the polar posts, three on all.
    """
    labels, words = posts["label"].to_numpy(), lexicons.polarities(posts["text"])
    truth, polar = sentiment140.class_names(labels), labels != sentiment140.NEUTRAL
    two = baselines.two_classes(posts[polar], words[polar], linear.two)
    three = baselines.three_classes(posts, words, linear.three)
    right2 = (ratings["polarity"].to_numpy()[polar] > 0.5) == (labels[polar] == POSITIVE)
    right3 = ratings["label"].to_numpy() == truth
    against = ("tfidf", "vader")
    return {
        "baselines": {name: metrics.accuracy(two[name] == labels[polar]) for name in two},
        "baselines3": {name: metrics.three_classes(three[name], labels) for name in three},
        "mcnemar": {
            name: metrics.mcnemar(right2, (two[name] == labels[polar]).to_numpy())
            for name in against
        },
        "mcnemar3": {
            name: metrics.mcnemar(right3, (three[name] == truth).to_numpy()) for name in against
        },
    }


def of_test(test: pd.DataFrame, ratings: pd.DataFrame, linear: baselines.Linear, seed: int) -> dict:
    """Sections on the `test` posts: the model, the baselines (see `compared`), the slices.

    `test` (columns label, text, query) and `ratings` have the same rows.
    """
    labels = test["label"].to_numpy()
    sections, polar = of_manual(ratings, labels), labels != sentiment140.NEUTRAL
    right2 = (ratings["polarity"].to_numpy() > 0.5) == (labels == POSITIVE)
    right3 = ratings["label"].to_numpy() == sentiment140.class_names(labels)
    members = slices.members(test["text"])
    sections["manual2"]["by_query"] = metrics.by_query(right2[polar], test["query"][polar], seed)
    sections["manual3"]["by_query"] = metrics.by_query(right3, test["query"], seed)
    return {
        **sections,
        **compared(test, ratings, linear),
        "slices": {
            "two": slices.measure(members, np.where(polar, right2, np.nan)),
            "three": slices.measure(members, right3.astype(float)),
        },
    }


def of_labelled(
    posts: pd.DataFrame,
    ratings: pd.DataFrame,
    linear: baselines.Linear,
    seed: int,
    temperatures: bool,
) -> dict:
    """Section on other `posts` labelled by people (label, text): the model, the baselines.

    With `temperatures`, which only a model of both questions has for both, also the calibration
    error with these fitted to other posts.
    """
    labels = posts["label"].to_numpy()
    confidence, right = metrics.confidence(ratings, labels)
    crossfitted = {}
    if temperatures:
        error = calibration.crossfitted_ece(ratings, labels, seed)
        crossfitted = {"ece_crossfitted": error}
    return {
        **measured(ratings, labels),
        **crossfitted,
        "ece_by_chance": calibration.ece_by_chance(confidence, seed),
        "aurc": calibration.aurc(confidence, right),
        **compared(posts, ratings, linear),
    }


def of_emoticons(ratings: pd.DataFrame, labels: np.ndarray) -> dict:
    """Section on the posts labelled by emoticons: two classes, and their calibration."""
    felt = (ratings["positive"] + ratings["negative"]).to_numpy()
    # Of one question, a neutral post has neither.
    valence = np.divide(
        ratings["positive"], felt, out=np.full(len(felt), 0.5, felt.dtype), where=felt > 0
    )
    confidence = np.maximum(valence, 1 - valence)
    right = (ratings["polarity"].to_numpy() > 0.5) == (labels == POSITIVE)
    return {
        **metrics.two_classes(ratings["polarity"].to_numpy(), labels),
        "ece": calibration.ece(confidence, right),
    }


def systems(report: Mapping) -> pd.DataFrame:
    """Accuracy of the model and the baselines, a row each, for two and for three classes."""
    rows = {
        "model, two classes": report["manual2"],
        **{f"{name}, two classes": value for name, value in report["baselines"].items()},
        "model, three classes": report["manual3"],
        **{f"{name}, three classes": value for name, value in report["baselines3"].items()},
    }
    columns = ["accuracy", "low", "high", "n", "macro_f1"]
    return pd.DataFrame(rows).T[columns].astype(float).astype({"n": int})


def tests(report: Mapping) -> pd.DataFrame:
    """McNemar's tests of the model against baselines, a row each."""
    rows = {f"{name}, two classes": value for name, value in report["mcnemar"].items()}
    rows |= {f"{name}, three classes": value for name, value in report["mcnemar3"].items()}
    counts = {"only_this": int, "only_other": int}
    return pd.DataFrame(rows).T.rename_axis("model against").round(4).astype(counts)


def against_tfidf(report: Mapping) -> str:
    """Comparison of the model with TF-IDF on two classes, as a sentence."""
    return (
        f"Of two classes the model labels {report['manual2']['accuracy']:.1%} of the posts right, "
        f"TF-IDF {report['baselines']['tfidf']['accuracy']:.1%} "
        f"(McNemar: p = {report['mcnemar']['tfidf']['p']:.2g})."
    )


def calibrated(labelled: Mapping) -> str:
    """Calibration error of the `labelled` section beside that of chance, as a sentence."""
    error = labelled.get("ece_crossfitted", labelled["ece"])
    return (
        f"The probability of the likeliest class and the share that is right differ by {error:.3f} "
        f"on average; {labelled['ece_by_chance']:.3f} would be chance."
    )


def by_slice(report: Mapping) -> pd.DataFrame:
    """Metrics of each slice, for two and for three classes side by side, as texts."""
    kinds = {name: pd.DataFrame.from_dict(rows, "index") for name, rows in report["slices"].items()}
    return pd.concat(kinds, axis=1).round(3).astype(object).fillna("")
