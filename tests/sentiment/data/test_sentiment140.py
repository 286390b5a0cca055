import os
from pathlib import Path

import pandas as pd
import pytest

from customer_profiles.sentiment.data import sentiment140
from tests.sentiment.data.rows import TEST_SET, line, posts, texts, write

OFFICIAL_TRAIN = "training.1600000.processed.noemoticon.csv"


# locate


def test_short_names_are_found_plain_and_compressed(tmp_path):
    for name in ("train.csv.gz", "validation.csv", TEST_SET):
        (tmp_path / name).touch()
    assert sentiment140.locate(tmp_path) == sentiment140.Files(
        tmp_path / "train.csv.gz", tmp_path / "validation.csv", tmp_path / TEST_SET
    )


def test_the_official_names_are_found_and_validation_may_be_missing(tmp_path):
    for name in (OFFICIAL_TRAIN, TEST_SET + ".gz", "official.yaml"):
        (tmp_path / name).touch()
    assert sentiment140.locate(tmp_path) == sentiment140.Files(
        tmp_path / OFFICIAL_TRAIN, None, tmp_path / (TEST_SET + ".gz")
    )


def test_a_missing_test_set_is_named_beside_what_the_folder_holds(tmp_path):
    (tmp_path / "train.csv").touch()
    (tmp_path / "notes.txt").touch()
    with pytest.raises(FileNotFoundError, match=rf"{TEST_SET}.*it holds notes\.txt, train\.csv$"):
        sentiment140.locate(tmp_path)


def test_a_folder_that_is_not_there_is_said_to_be_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no such folder"):
        sentiment140.locate(tmp_path / "nowhere")


def test_two_train_files_are_refused_rather_than_one_chosen(tmp_path):
    for name in ("train.csv", OFFICIAL_TRAIN, TEST_SET):
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=rf"train.csv and {OFFICIAL_TRAIN}"):
        sentiment140.locate(tmp_path)


def test_a_single_file_is_refused_with_the_way_out(tmp_path):
    with pytest.raises(NotADirectoryError, match="give the folder"):
        sentiment140.locate(write(tmp_path / "train.csv", [line(0, "bad")]))


# read


@pytest.mark.parametrize("name", ["train.csv", "train.csv.gz"])
def test_reading_keeps_label_query_and_text_only(tmp_path, name):
    path = write(
        tmp_path / name,
        [
            line(0, 'she said "no", twice', number="1467810369"),
            line(4, "caf\xe9", "to:shop"),
            line(2, "first\nsecond"),
        ],
    )
    frame, left_out = sentiment140.read(path)
    assert left_out == 0
    assert frame["label"].dtype == "int8"
    assert frame.to_dict("list") == {
        "label": [0, 4, 2],
        "query": ["NO_QUERY", "to:shop", "NO_QUERY"],
        "text": ['she said "no", twice', "caf\xe9", "first\nsecond"],
    }


def test_ids_that_are_empty_shared_or_words_are_not_looked_at(tmp_path):
    rows = [line(0, "a", number=""), line(4, "b", number="7"), line(0, "c", number="7")]
    frame, left_out = sentiment140.read(write(tmp_path / "f.csv", [*rows, line(4, "d", "", "x")]))
    assert (list(frame["text"]), left_out) == (["a", "b", "c", "d"], 0)


def test_broken_rows_up_to_one_percent_are_left_out_and_counted(tmp_path):
    good = [line(0, f"post {i}") for i in range(396)]
    broken = [
        line(0, "five columns")[:5],
        (*line(0, "seven columns"), "more"),
        line(3, "no such label"),
        line(4, "   "),
    ]
    frame, left_out = sentiment140.read(write(tmp_path / "f.csv", broken + good))
    assert (len(frame), left_out) == (396, 4)
    assert frame["text"].iloc[0] == "post 0"


def test_more_than_one_percent_stops_with_the_line_and_without_what_it_says(tmp_path):
    good = [line(0, f"post {i}") for i in range(97)]
    broken = [line(0, "secret words")[:5], line("secret label", "secret words")]
    path = write(tmp_path / "train.csv", good[:40] + broken + good[40:])
    with pytest.raises(
        ValueError, match=r"train\.csv: 2 of 99 rows.*line 41.*polarity,id,date,query,user,text"
    ) as error:
        sentiment140.read(path)
    assert "secret" not in str(error.value)


def test_the_lines_a_lost_quote_swallows_are_left_out_and_counted(tmp_path):
    path = write(tmp_path / "f.csv", [line(0, f"post {i}") for i in range(300)])
    lines = path.read_text(encoding="latin-1").splitlines()
    lines[10] = lines[10].removesuffix('"')
    path.write_text("\n".join(lines), encoding="latin-1")
    frame, left_out = sentiment140.read(path)
    assert (len(frame), left_out) == (298, 2)
    assert texts(frame).isdisjoint({"post 10", "post 11"})


def test_a_quote_that_is_never_closed_is_an_error_with_its_line(tmp_path):
    path = tmp_path / "f.csv"
    path.write_text('"0","","","","","good"\n"0","","","","","' + "word\n" * 30_000)
    with pytest.raises(ValueError, match=r"f\.csv: a quote is never closed from line 2"):
        sentiment140.read(path)


def test_a_torn_gzip_file_is_named(tmp_path):
    path = write(tmp_path / "train.csv.gz", [line(0, f"post {i}") for i in range(2000)])
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(ValueError, match=r"train\.csv\.gz is no whole gzip file"):
        sentiment140.read(path)


def test_an_empty_file_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="holds no row"):
        sentiment140.read(write(tmp_path / "f.csv", []))


# clean


def test_cleaning_unescapes_masks_and_strips():
    frame, _ = sentiment140.clean(
        posts((0, " @somebody &amp;amp; me "), (4, "mail a.b@shop.example &lt;3"))
    )
    assert list(frame["text"]) == ["@user & me", "mail email <3"]


def test_cleaning_drops_conflicting_duplicate_and_empty_texts_and_counts_them():
    frame, counts = sentiment140.clean(
        posts(
            (0, "@ann so tired"),
            (4, "@bob so tired"),
            (4, "@eve so tired"),
            (0, "rain &amp; wind"),
            (0, "rain & wind "),
            (4, "&nbsp;"),
            (4, "sun"),
        )
    )
    assert list(frame["text"]) == ["rain & wind", "sun"]
    assert counts == {"empty": 1, "conflicting": 3, "duplicate": 1}


def test_cleaning_leaves_the_frame_it_got_as_it_was():
    frame = posts((0, "@ann hi"), (0, "@ann hi"))
    before = frame.copy()
    sentiment140.clean(frame)
    pd.testing.assert_frame_equal(frame, before)


def test_the_real_train_file_is_read_whole():
    file = Path(os.environ.get("REAL_DATA", ""), "sentiment140", "train-143k.csv.gz")
    if not os.environ.get("REAL_DATA") or not file.is_file():
        pytest.skip("REAL_DATA names no folder that holds sentiment140")
    frame, left_out = sentiment140.read(file)
    labels = frame["label"].value_counts().to_dict()
    del frame
    assert left_out == 0
    assert labels == {0: 67_781, 4: 75_551}
