"""The final sets of two sources: what is drawn, what falls away, and that no text is in two."""

import csv
import os
import re
from itertools import combinations
from pathlib import Path

import pandas as pd
import pytest

from customer_profiles.project import paths
from customer_profiles.sentiment.data import near_copies, sets
from tests.sentiment.data.rows import TEST_SET, line, texts, write

CLEAN = dict.fromkeys(("empty", "conflicting", "duplicate", "in_test", "near_test"), 0)
APART = dict.fromkeys(("in_validation", "near_validation"), 0)
NEWS = "the council opens a new tram line to the harbour"


@pytest.fixture
def source(tmp_path):
    """A hundred polar and two neutral train rows, and a test set of three."""
    folder = tmp_path / "source"
    folder.mkdir()
    polar = [line(4 * (i % 2), f"train post {i}", number=str(i)) for i in range(100)]
    neutral = [line(2, "the shop opens at nine"), line(2, "the train stops here")]
    write(folder / "train.csv", polar + neutral)
    rows = [(4, "i love it"), (0, "i hate it"), (2, "it is black")]
    write(folder / TEST_SET, [line(*row, "kindle2") for row in rows])
    return folder


@pytest.fixture
def people(tmp_path):
    """Sixty train and six validation posts that people labelled, all classes alike."""
    folder = tmp_path / "people"
    folder.mkdir()
    written(folder / "train.csv", [(n % 3, f"labelled post {n}") for n in range(60)])
    written(folder / "validation.csv", [(n % 3, f"chosen by {n}") for n in range(6)])
    return folder


def written(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("label", "text"), *rows])
    return path


def added(path, *rows):
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def prepared(source, people, rows=0, validation_rows=0, validation_share=0.2, labelled_rows=0):
    return sets.prepare(
        source, people, rows=rows, validation_rows=validation_rows,
        validation_share=validation_share, labelled_rows=labelled_rows, seed=7,
    )  # fmt: skip


def test_rows_is_the_total_of_train_and_validation_without_a_validation_file(source, people):
    result = prepared(source, people, rows=50)
    assert (len(result.train), len(result.validation), len(result.test)) == (40, 10, 3)
    assert texts(result.train).isdisjoint(texts(result.validation))
    assert result.counts == {
        "train": {"read": 102, "left_out": 0, **CLEAN, **APART, "neutral": 2, "polar": 100},
        "test": {"read": 3, "left_out": 0},
        "labelled_train": {
            "read": 60, "other_language": 0, **CLEAN, **APART, "neutral": 20, "polar": 40
        },
        "labelled_validation": {
            "read": 6, "other_language": 0, **CLEAN, "neutral": 2, "polar": 4
        },
        "sets": {
            "train": {"0": 20, "4": 20},
            "validation": {"0": 5, "4": 5},
            "test": {"0": 1, "2": 1, "4": 1},
            "labelled_train": {"0": 20, "2": 20, "4": 20},
            "labelled_validation": {"0": 2, "2": 2, "4": 2},
            "labelled_test": {},
        },
    }  # fmt: skip


def test_sets_have_the_columns_and_types_of_their_source(source, people):
    result = prepared(source, people)
    for name in sets.NAMES:
        frame = getattr(result, name)
        columns = ["label", "query", "text"] if name == "test" else ["label", "text"]
        assert (list(frame.columns), str(frame["label"].dtype)) == (columns, "int8")
    assert set(result.train["label"]) == set(result.validation["label"]) == {0, 4}
    assert len(result.labelled_test) == 0


def test_labelled_rows_are_drawn_in_the_classes_own_shares(source, people):
    added(people / "train.csv", *((1, f"more neutral {n}") for n in range(20)))
    result = prepared(source, people, labelled_rows=40)
    assert result.counts["sets"]["labelled_train"] == {"0": 10, "2": 20, "4": 10}
    with pytest.raises(ValueError, match=r"fetch\.labelled_rows must be 0 \(all\) to 80"):
        prepared(source, people, labelled_rows=81)


def test_of_a_train_file_that_leans_to_one_side_as_many_rows_of_each_label_are_drawn(
    source, people
):
    write(source / "train.csv", [line(4 * (n % 3 > 0), f"post number {n}") for n in range(90)])
    drawn = prepared(source, people, rows=40, validation_share=0.5).counts["sets"]
    assert drawn["train"] == drawn["validation"] == {"0": 10, "4": 10}


def test_drawn_validation_rows_are_removed_from_train_by_text(source, people):
    rows = [line(4 * (i % 2), f"train post {i}") for i in range(20)]
    write(source / "validation.csv.gz", [*rows, line(2, "so what")])
    result = prepared(source, people, rows=80, validation_rows=10)
    assert (len(result.train), len(result.validation)) == (80, 10)
    assert texts(result.train).isdisjoint(texts(result.validation))
    assert result.counts["validation"]["neutral"] == 1
    assert result.counts["train"]["in_validation"] == 10
    assert len(prepared(source, people, validation_rows=0).validation) == 20


def test_too_many_rows_name_the_parameter_that_asked_for_them(source, people):
    write(source / "validation.csv", [line(4 * (i % 2), f"train post {i}") for i in range(20)])
    with pytest.raises(ValueError, match=r"fetch\.validation_rows must be 0 \(all\) to 20"):
        prepared(source, people, validation_rows=21)
    with pytest.raises(ValueError, match=r"fetch\.rows must be 0 \(all\) to 80"):
        prepared(source, people, rows=81)


def test_texts_of_either_test_set_and_near_copies_of_them_are_in_no_other_set(source, people):
    leaks = [line(4, "train post 0"), line(0, "held post 1"), line(2, "labelled post 2")]
    write(source / TEST_SET, [*leaks, line(0, "chosen by 3"), line(2, NEWS)])
    write(source / "validation.csv", [line(4 * (i % 2), f"held post {i}") for i in range(9)])
    written(people / "test.csv", [(0, "train post 4"), (1, "chosen by 1"), (2, "labelled post 8")])
    write(source / "train.csv", [line(4 * (i % 2), f"train post {i}") for i in range(40)]
          + [line(4, f"RT @ann: {NEWS}!!")])  # fmt: skip
    added(people / "train.csv", (1, NEWS.upper()), (1, "Labelled post 8"))
    added(people / "validation.csv", (1, f"{NEWS} https://x.example"))
    result = prepared(source, people)
    assert (len(result.test), len(result.labelled_test)) == (5, 3)
    steps = ("in_test", "near_test")
    dropped = {name: [result.counts[name][step] for step in steps] for name in result.counts
               if steps[0] in result.counts[name]}  # fmt: skip
    assert dropped == {
        "train": [2, 1], "validation": [1, 0],
        "labelled_train": [2, 2], "labelled_validation": [2, 1],
    }  # fmt: skip
    assert result.counts["labelled_test"] == {"read": 3, "other_language": 0}
    nothing_shared(result)


def test_texts_of_either_validation_set_and_near_copies_are_in_no_training_set(source, people):
    written(people / "validation.csv", [(0, "train post 3"), (1, NEWS), (2, "labelled post 5")])
    write(source / "validation.csv", [line(0, "labelled post 6"), line(4, "train post 7")])
    added(people / "train.csv", (1, f"@ann {NEWS}"))
    result = prepared(source, people)
    steps = ("in_validation", "near_validation")
    assert [result.counts["train"][step] for step in steps] == [2, 0]
    assert [result.counts["labelled_train"][step] for step in steps] == [2, 1]
    nothing_shared(result)


def test_near_copies_of_split_validation_rows_leave_train(source, people):
    copies = [line(4 * (n % 2), f"{NEWS}{'!' * n}") for n in range(40)]
    write(source / "train.csv", [*copies, *(line(4 * (n % 2), f"post {n}") for n in range(20))])
    result = prepared(source, people)
    dropped = result.counts["train"]["near_validation"]
    assert (len(result.validation), len(result.train)) == (12, 48 - dropped)
    assert dropped > 20
    nothing_shared(result)


@pytest.mark.parametrize("name", ["train", "validation"])
def test_labelled_posts_without_a_class_are_refused(source, people, name):
    written(people / f"{name}.csv", [("negative", "bad"), ("positive", "good")])
    with pytest.raises(ValueError, match=rf"people: {name} holds no neutral posts after cleaning"):
        prepared(source, people)


def test_the_test_set_is_masked_and_keeps_every_row_in_its_order(source, people):
    rows = [
        line(4, "@somebody hi", "to:@shop"),
        line(0, "@another hi", "kindle2"),
        line(0, "&nbsp;", "&quot;night at the museum&quot;"),
    ]
    write(source / TEST_SET, rows)
    assert prepared(source, people).test.to_dict("list") == {
        "label": [4, 0, 0],
        "query": ["to:@user", "kindle2", '"night at the museum"'],
        "text": ["@user hi", "@user hi", ""],
    }


def test_preparing_twice_gives_the_same_frames(source, people):
    first, second = (prepared(source, people, rows=50, labelled_rows=30) for _ in range(2))
    for name in sets.NAMES:
        pd.testing.assert_frame_equal(getattr(first, name), getattr(second, name))
    assert first.counts == second.counts


def test_what_is_shown_of_the_sets_holds_no_post(source, people):
    assert "post" not in repr(prepared(source, people))


def test_of_the_shipped_sample_nothing_falls_away():
    folders = (paths.inside("data/sample", name) for name in ("sentiment140", "labelled"))
    result = prepared(*folders)
    lost = {step for step in sets.STEPS if step not in ("read", "neutral", "polar")}
    for name, counts in result.counts.items():
        assert sum(counts.get(step, 0) for step in lost) == 0, name
    nothing_shared(result)


def nothing_shared(result):
    """No set shares a text with another, but the two validations and the two test sets."""
    groups = {
        "test": [result.test, result.labelled_test],
        "validation": [result.validation, result.labelled_validation],
        "train": [result.train, result.labelled_train],
    }
    together = {
        name: [t for frame in frames for t in frame["text"]] for name, frames in groups.items()
    }
    shared = {
        pair: int(near_copies.near(together[pair[1]], together[pair[0]]).sum())
        for pair in combinations(together, 2)
    }
    del together
    assert set(shared.values()) == {0}, shared


# Real data. Compared are numbers only: a failing assert on a frame would print posts.


@pytest.fixture(scope="module")
def real_sets(tmp_path_factory):
    place = os.environ.get("REAL_DATA", "")
    emoticons, people = Path(place, "sentiment140"), Path(place, "labelled")
    if not place or not emoticons.is_dir() or not people.is_dir():
        pytest.skip("REAL_DATA names no folder that holds sentiment140 and labelled")
    folder = tmp_path_factory.mktemp("real")
    for name, file in {
        "a/train.csv.gz": emoticons / "train-143k.csv.gz",
        "a/validation.csv.gz": emoticons / "train-uniform-37k.csv.gz",
        f"a/{TEST_SET}": emoticons / TEST_SET,
        "b/train.csv.gz": people / "semeval-2013-2016.csv.gz",
        "b/validation.csv.gz": people / "tweeteval-val.csv.gz",
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).symlink_to(file)
    return prepared(folder / "a", folder / "b", rows=20_000, validation_rows=5_000)


@pytest.mark.long
def test_the_real_test_set_has_the_published_counts(real_sets):
    counts = real_sets.counts
    polar = int(real_sets.test["label"].ne(2).sum())
    assert counts["test"] == {"read": 498, "left_out": 0}
    assert counts["sets"]["test"] == {"0": 177, "2": 139, "4": 182}
    assert polar == 359


@pytest.mark.long
def test_the_real_sets_have_the_rows_asked_for(real_sets):
    sizes = {name: len(getattr(real_sets, name)) for name in sets.NAMES}
    assert sizes == {
        "train": 20_000, "validation": 5_000, "test": 498,
        "labelled_train": 47_291, "labelled_validation": 2_000, "labelled_test": 0,
    }  # fmt: skip
    assert real_sets.counts["labelled_train"]["near_validation"] == 815
    assert real_sets.counts["sets"]["labelled_validation"] == {"0": 312, "2": 869, "4": 819}


@pytest.mark.long
def test_the_real_sets_share_no_text_and_no_near_copy(real_sets):
    nothing_shared(real_sets)


@pytest.mark.long
def test_no_handle_survives_in_any_real_set(real_sets):
    handle = re.compile(r"[@\uff20](?!user(?![A-Za-z0-9_]))[A-Za-z0-9_]")
    columns = [real_sets.test["query"]]
    columns += [getattr(real_sets, name)["text"] for name in sets.NAMES]
    handles = sum(1 for column in columns for value in column if handle.search(value))
    masked = sum("@user" in value for value in real_sets.test["text"])
    del columns
    assert handles == 0
    assert masked >= 110
