"""The evaluation's report on twelve posts whose answers are known."""

import numpy as np
import pandas as pd
import pytest

from customer_profiles.sentiment.evaluation import baselines, metrics, report

TEXTS = ("i love it", "great tea", "a lovely day", "i hate it", "awful tea", "a horrible day")
TRAIN = pd.DataFrame({"label": [4] * 3 + [0] * 3, "text": TEXTS})
NEUTRAL = pd.DataFrame({"label": [2] * 4, "text": ["the shop opens at ten"] * 4})
LINEAR = baselines.linear(TRAIN, pd.concat([TRAIN, NEUTRAL]), seed=7)
TEST = pd.DataFrame({
    "label": [4, 4, 4, 0, 0, 0, 2, 2, 2, 2, 2, 2],
    "text": [*TEXTS, *["the shop opens at nine"] * 6],
    "query": ["tea", "bus"] * 6,
})  # fmt: skip
LABELS = TEST["label"].to_numpy()
# Of two classes five of six are right, of three nine of twelve.
RATINGS = pd.DataFrame({
    "polarity": [0.9, 0.8, 0.4, 0.1, 0.2, 0.3, *[0.5] * 4, 0.8, 0.8],
    "subjectivity": [0.9] * 6 + [0.2] * 4 + [0.8] * 2,
    "negative": [0.05, 0.1, 0.6, 0.8, 0.7, 0.6, *[0.1] * 6],
    "neutral": [0.1] * 6 + [0.8] * 4 + [0.2] * 2,
    "positive": [0.85, 0.8, 0.3, 0.1, 0.2, 0.3, *[0.1] * 4, 0.7, 0.7],
    "label": ["positive"] * 2 + ["negative"] * 4 + ["neutral"] * 4 + ["positive"] * 2,
})  # fmt: skip


@pytest.fixture(scope="module")
def sections():
    return report.of_test(TEST, RATINGS, LINEAR, seed=7)


def test_two_classes_are_judged_on_polar_posts_and_three_on_all(sections):
    two, three = sections["manual2"], sections["manual3"]
    assert (two["accuracy"], two["n"]) == (pytest.approx(5 / 6), 6)
    assert (three["accuracy"], three["n"]) == (pytest.approx(9 / 12), 12)
    right = np.array([True, True, False, True, True, True])
    assert two["by_query"] == metrics.by_query(right, TEST["query"][:6], 7)
    assert sections["neutral"]["auc"] == 1
    assert sections["slices"]["two"]["all"] == {"n": "<10"}
    assert sections["slices"]["three"]["all"] == metrics.accuracy([True] * 9 + [False] * 3)


def test_the_mood_error_compares_the_mean_polarity_with_the_mean_label(sections):
    mean = (0.9 + 0.8 + 0.4 + 0.1 + 0.2 + 0.3 + 4 * 0.5 + 1.6) / 12
    assert sections["mood_error"] == {"manual": pytest.approx(mean - 0.5)}


def test_the_model_is_compared_with_each_baseline_on_the_same_posts(sections):
    assert sections["baselines"]["majority"]["accuracy"] == 0.5
    assert sections["baselines"]["vader"]["n"] == 6
    assert sections["baselines3"]["majority"]["accuracy"] == 0.5
    vader = sections["baselines"]["vader"]["accuracy"]
    test = sections["mcnemar"]["vader"]
    assert test["only_this"] - test["only_other"] == round(6 * (5 / 6 - vader))
    assert list(sections["mcnemar3"]) == ["tfidf", "vader"]


def test_the_main_figures_of_a_model_are_those_of_its_sections(sections):
    emoticons = RATINGS[:2], np.array([4, 0])
    row = report.of_model(emoticons, (RATINGS, LABELS), (RATINGS, LABELS))
    three = sections["manual3"]
    assert row == {
        "validation": 0.5,
        "labelled": three["accuracy"],
        "labelled_recall": three["macro_recall"],
        "labelled_mood_error": sections["mood_error"]["manual"],
        "manual2": sections["manual2"]["accuracy"],
        "manual3": three["accuracy"],
        "macro_f1": three["macro_f1"],
        "neutral_auc": 1.0,
        "ece": three["ece"],
        "mood_error": sections["mood_error"]["manual"],
    }


def test_other_labelled_posts_have_the_same_sections_and_their_calibration():
    section = report.of_labelled(TEST, RATINGS, LINEAR, seed=7, temperatures=True)
    assert section["accuracy"] == 9 / 12
    assert section["two"]["accuracy"] == pytest.approx(5 / 6)
    assert section["baselines3"]["majority"]["accuracy"] == 0.5
    text = report.calibrated(section)
    assert f"{section['ece_crossfitted']:.3f} on average" in text
    without = report.of_labelled(TEST, RATINGS, LINEAR, seed=7, temperatures=False)
    assert "ece_crossfitted" not in without
    assert f"{without['ece']:.3f} on average" in report.calibrated(without)


def test_posts_labelled_by_emoticons_are_judged_on_the_valence_alone():
    section = report.of_emoticons(RATINGS[:6], LABELS[:6])
    assert section["accuracy"] == pytest.approx(5 / 6)
    # Of one question a neutral post has neither side.
    neutral = pd.DataFrame({"polarity": [0.6], "negative": [0.0], "positive": [0.0]})
    assert report.of_emoticons(neutral, np.array([4]))["ece"] == 0.5


def test_tables_and_sentence_show_what_the_report_holds(sections):
    table = report.systems(sections)
    assert table.loc["model, two classes", ["accuracy", "n"]].tolist() == [pytest.approx(5 / 6), 6]
    assert table.index.tolist()[-1] == "vader, three classes"
    assert np.isnan(table.loc["tfidf, two classes", "macro_f1"])
    assert report.tests(sections).index.tolist() == [
        "tfidf, two classes", "vader, two classes", "tfidf, three classes", "vader, three classes"
    ]  # fmt: skip
    assert report.by_slice(sections).loc["all", ("two", "n")] == "<10"
    assert report.against_tfidf(sections).startswith("Of two classes the model labels 83.3% of")
