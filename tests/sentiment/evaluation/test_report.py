"""The evaluation's report on twelve posts whose answers are known."""

import numpy as np
import pandas as pd
import pytest

from customer_profiles.sentiment.evaluation import metrics, report

TEXTS = ("i love it", "great tea", "a lovely day", "i hate it", "awful tea", "a horrible day")
TRAIN = pd.DataFrame({"label": [4] * 3 + [0] * 3, "text": TEXTS})
TEST = pd.DataFrame({
    "label": [4, 4, 4, 0, 0, 0, 2, 2, 2, 2, 2, 2],
    "text": [*TEXTS, *["the shop opens at nine"] * 6],
    "query": ["tea", "bus"] * 6,
})  # fmt: skip
# Of two classes five of six are right, of three nine of twelve.
SCORES = pd.DataFrame({
    "polarity": [0.9, 0.8, 0.4, 0.1, 0.2, 0.3, *[0.5] * 6],
    "subjectivity": [1.0] * 6 + [0.0] * 6,
    "label": ["positive"] * 2 + ["negative"] * 4 + ["neutral"] * 4 + ["positive"] * 2,
})  # fmt: skip


@pytest.fixture(scope="module")
def sections():
    return report.of_test(TEST, SCORES, TRAIN, seed=7)


def test_two_classes_are_judged_on_polar_posts_and_three_on_all(sections):
    two, three = sections["manual2"], sections["manual3"]
    assert (two["accuracy"], two["n"]) == (pytest.approx(5 / 6), 6)
    assert (three["accuracy"], three["n"]) == (pytest.approx(9 / 12), 12)
    right = np.array([True, True, False, True, True, True])
    assert two["by_query"] == metrics.by_query(right, TEST["query"][:6], 7)
    assert sections["neutral"]["auc"] == 1
    assert sections["slices"]["two"]["all"] == {"n": "<10"}
    assert sections["slices"]["three"]["all"] == metrics.accuracy([True] * 9 + [False] * 3)


def test_the_model_is_compared_with_each_baseline_on_the_same_posts(sections):
    assert sections["baselines"]["majority"]["accuracy"] == 0.5
    assert sections["baselines"]["vader"]["n"] == 6
    assert sections["baselines3"]["majority"]["accuracy"] == 0.5
    vader = sections["baselines"]["vader"]["accuracy"]
    test = sections["mcnemar"]["vader"]
    assert test["only_this"] - test["only_other"] == round(6 * (5 / 6 - vader))
    assert list(sections["mcnemar3"]) == ["vader"]


def test_the_main_figures_of_a_model_are_those_of_its_sections(sections):
    row = report.of_model(np.array([0.9, 0.1]), np.array([4, 4]), SCORES, TEST["label"].to_numpy())
    assert row == {
        "validation": 0.5,
        "manual2": sections["manual2"]["accuracy"],
        "manual3": sections["manual3"]["accuracy"],
        "macro_f1": sections["manual3"]["macro_f1"],
        "neutral.auc": 1.0,
    }


def test_the_gap_is_how_much_better_posts_of_the_training_are_labelled():
    polarity, labels = np.array([0.9, 0.8, 0.3, 0.1] * 5), np.array([4, 0, 0, 0] * 5)
    found = report.of_sets((polarity, (polarity > 0.5) * 4), (polarity, labels), seed=7)
    assert found["train"]["accuracy"] == 1
    assert found["validation"]["accuracy"] == 0.75
    assert found["gap"] == 0.25
    assert {"ece", "ece_by_chance", "ece_crossfitted", "aurc"} < set(found["validation"])
    told = report.calibrated(found)
    assert f"{found['validation']['ece_crossfitted']:.3f} on average" in told


def test_tables_and_sentence_show_what_the_report_holds(sections):
    table = report.systems(sections)
    assert table.loc["BERT, two classes", ["accuracy", "n"]].tolist() == [pytest.approx(5 / 6), 6]
    assert table.index.tolist()[-1] == "vader, three classes"
    assert np.isnan(table.loc["tfidf, two classes", "macro_f1"])
    assert report.tests(sections).index.tolist() == [
        "tfidf, two classes", "vader, two classes", "vader, three classes"
    ]  # fmt: skip
    assert report.by_slice(sections).loc["all", ("two", "n")] == "<10"
    assert report.against_tfidf(sections).startswith("Of two classes BERT labels 83.3% of the")
