"""The present model measured on posts that people labelled."""

import json
import shutil

import pytest

from customer_profiles.commands.app import main
from customer_profiles.pipeline import labelled_posts
from customer_profiles.sentiment.data import sentiment140
from customer_profiles.sentiment.evaluation import metrics
from customer_profiles.sentiment.model.scorer import Scorer, labels

pytestmark = pytest.mark.long

TEXTS = ["the shop opens at nine", "i love it", "what an awful queue", "nine"]
CODES = {"negative": 0, "neutral": 2, "positive": 4}


@pytest.fixture
def model(project, tiny_sentiment):
    """The tiny model where the command looks for one; and its answers to TEXTS."""
    shutil.copytree(tiny_sentiment, project / "data/models/sentiment")
    return Scorer(tiny_sentiment).read(TEXTS)


def table(path, rows, header="label,text"):
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_sentiment140s_own_posts_are_measured_as_in_the_report(model, project):
    answered = labels(model)
    codes = [CODES[name] for name in answered]
    codes[1] = {0: 2, 2: 4, 4: 0}[codes[1]]  # the second post has another label
    posts = project / "elsewhere" / sentiment140.TEST_NAMES[0]
    posts.parent.mkdir()
    rows = [
        f'"{code}","{n}","","","","{text}"\n'
        for n, (code, text) in enumerate(zip(codes, TEXTS, strict=True))
    ]
    posts.write_text("".join(rows))
    tested = labelled_posts.manual(posts)
    assert (tested["manual3"]["accuracy"], tested["manual3"]["n"]) == (0.75, 4)
    assert set(tested) == {"manual2", "manual3", "neutral", "mood_error"}
    assert "elsewhere" not in json.dumps(tested)


def test_test_posts_of_another_name_are_refused_without_naming_their_folder(tmp_path):
    with pytest.raises(ValueError, match=r"^expected .*2009\.06\.14\.csv.*, got posts\.csv$"):
        labelled_posts.manual(tmp_path / "posts.csv")


def test_posts_about_ones_own_brand_are_measured_with_interval_and_mood(model, tmp_path, capsys):
    rows = [f"{name},{text}" for name, text in zip(labels(model), TEXTS, strict=True)] * 25
    file = table(tmp_path / "own.csv", rows)
    assert main(["evaluate", str(file)]) == 0
    lines = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines() if line)
    assert lines["posts"].startswith("100: ")
    assert lines["three"].startswith("classes  100.0% (96.3% to 100.0%), macro recall")
    assert "by the labels: error 0." in lines["mood"]
    assert "more labels would halve it" in lines["interval"]
    assert "learned from invented posts, and from none" in lines["warning"]
    assert "queue" not in str(lines)


@pytest.mark.parametrize(
    ("header", "rows", "problem"),
    [
        ("text,stars", ["good,5"], "must name the columns label and text"),
        ("label,text", ["0,good", "1,bad"], "write negative, neutral and positive instead"),
        ("label,text", ["great,good"], r"line 2: the label must be one of 0 1 2, -1 0 1, 0 2 4"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_way_out(
    model, tmp_path, header, rows, problem
):
    with pytest.raises(ValueError, match=problem):
        labelled_posts.evaluated(table(tmp_path / "own.csv", rows, header))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.csv is no file; give a CSV file"):
        labelled_posts.evaluated(tmp_path / "none.csv")


def test_four_times_as_many_labels_halve_an_interval():
    assert metrics.labels_to_halve(0.7, 10_000) == pytest.approx(30_000, rel=0.001)
    small = metrics.accuracy([True] * 70 + [False] * 30)
    larger = metrics.accuracy([True] * 280 + [False] * 120)
    more = metrics.labels_to_halve(0.7, 100)
    assert more == pytest.approx(300, rel=0.05)
    width = [each["high"] - each["low"] for each in (small, larger)]
    assert width[1] / width[0] == pytest.approx(0.5, rel=0.05)
