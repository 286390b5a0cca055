import csv
import gzip
import os
import re
from pathlib import Path

import pandas as pd
import pytest

from customer_profiles.project import paths
from customer_profiles.sentiment.data import sentiment140

TEST_SET = "testdata.manual.2009.06.14.csv"
NOTHING_LOST = dict.fromkeys(("left_out", "empty", "conflicting", "duplicate", "in_test"), 0)
OFFICIAL_TRAIN = "training.1600000.processed.noemoticon.csv"


def line(label, text, query="NO_QUERY", number=""):
    return (str(label), number, "Mon May 11 03:17:40 UTC 2009", query, "", text)


def write(path, rows):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", encoding="latin-1", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    return path


def posts(*pairs):
    rows = [(label, "NO_QUERY", text) for label, text in pairs]
    return pd.DataFrame(rows, columns=["label", "query", "text"]).astype({"label": "int8"})


def balanced(rows):
    return posts(*((4 * (i % 2), f"post number {i:04d}") for i in range(rows)))


def texts(frame):
    return set(frame["text"])


@pytest.fixture
def source(tmp_path):
    """A hundred polar and two neutral train rows, and a test set of three."""
    folder = tmp_path / "source"
    folder.mkdir()
    polar = [line(4 * (i % 2), f"train post {i}", number=str(i)) for i in range(100)]
    neutral = [line(2, "the shop opens at nine"), line(2, "the train stops here")]
    write(folder / "train.csv", polar + neutral)
    write(
        folder / TEST_SET,
        [
            line(4, "i love it", "kindle2"),
            line(0, "i hate it", "kindle2"),
            line(2, "it is black", "kindle2"),
        ],
    )
    write(folder / "decision.csv", [line(4, "well written", "shop")])
    return folder


@pytest.fixture
def shipped(tmp_path):
    folder = tmp_path / "shipped"
    folder.mkdir()
    write(folder / "train.csv", [line(0, "bad"), line(2, "a fact"), line(2, "b fact")])
    write(folder / TEST_SET, [line(0, "worse")])
    write(folder / "decision.csv", [line(n, f"{n} written", "shop") for n in (0, 2, 4)])
    return folder


def prepared(source, shipped, rows=0, validation_rows=0, validation_share=0.2, seed=7):
    return sentiment140.prepare(source, shipped, rows, validation_rows, validation_share, seed)


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


def test_a_single_file_is_refused_with_the_way_out(source):
    with pytest.raises(NotADirectoryError, match="give the folder"):
        sentiment140.locate(source / "train.csv")


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


# clean, without


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


def test_rows_with_the_texts_of_another_set_are_removed_and_counted():
    frame, removed = sentiment140.without(posts((0, "a"), (4, "b"), (0, "c")), ["b", "c", "d"])
    assert (list(frame["text"]), removed) == (["a"], 2)


# sample, split


def test_a_sample_keeps_the_labels_shares_and_has_exactly_the_rows_asked_for():
    frame = pd.concat([balanced(40).query("label == 0"), balanced(160).query("label == 4")])
    drawn = sentiment140.sample(frame, 10, seed=1)
    assert len(drawn) == 10
    assert drawn["label"].value_counts().to_dict() == {4: 8, 0: 2}
    assert texts(drawn) <= texts(frame)


def test_an_even_sample_has_as_many_rows_of_each_label():
    frame = pd.concat([balanced(40).query("label == 0"), balanced(160).query("label == 4")])
    for rows, expected in ((40, {0: 20, 4: 20}), (39, {0: 20, 4: 19})):
        drawn = sentiment140.sample(frame, rows, seed=1, even=True)
        assert drawn["label"].value_counts().to_dict() == expected
    with pytest.raises(
        ValueError, match=r"fetch\.rows=42 .* label 0 there are 20; draw at most 40"
    ):
        sentiment140.sample(frame, 42, seed=1, even=True)
    assert len(sentiment140.sample(frame, 0, seed=1, even=True)) == 100


def test_the_same_rows_are_drawn_in_whatever_order_they_came():
    frame = balanced(200)
    first = sentiment140.sample(frame, 50, seed=3)
    pd.testing.assert_frame_equal(sentiment140.sample(frame[::-1], 50, seed=3), first)
    assert texts(sentiment140.sample(frame, 50, seed=4)) != texts(first)


def test_zero_rows_means_all_of_them_with_the_labels_mixed():
    drawn = sentiment140.sample(balanced(200), 0, seed=3)
    assert len(drawn) == 200
    assert 30 < drawn["label"].iloc[:100].eq(4).sum() < 70


@pytest.mark.parametrize("rows", [101, -1])
def test_more_rows_than_there_are_is_an_error_that_names_the_parameter(rows):
    with pytest.raises(ValueError, match=rf"fetch\.rows must be 0 \(all\) to 100.*got {rows}"):
        sentiment140.sample(balanced(100), rows, seed=1)


def test_a_sample_that_leaves_a_label_out_is_an_error():
    with pytest.raises(ValueError, match=r"fetch\.rows gives 1 of 10 rows, none of them with"):
        sentiment140.sample(balanced(10), 1, seed=1)


def test_a_set_with_one_label_or_none_cannot_be_drawn_from():
    for frame in (posts((4, "a"), (4, "b")), posts()):
        with pytest.raises(ValueError, match="expected two labels"):
            sentiment140.sample(frame, 0, seed=1)
        with pytest.raises(ValueError, match="expected two labels"):
            sentiment140.split(frame, 0.5, seed=1)


def test_a_split_gives_each_row_to_one_side_with_the_labels_in_their_shares():
    train, validation = sentiment140.split(balanced(50), 0.2, seed=1)
    assert train["label"].value_counts().to_dict() == {0: 20, 4: 20}
    assert validation["label"].value_counts().to_dict() == {0: 5, 4: 5}
    assert texts(train) | texts(validation) == texts(balanced(50))


@pytest.mark.parametrize("share", [0.1, 0.9])
def test_a_split_that_leaves_a_label_on_one_side_only_is_an_error(share):
    with pytest.raises(ValueError, match=r"fetch\.validation_share"):
        sentiment140.split(posts((0, "a"), (0, "b"), (4, "c")), share, seed=1)


# prepare


def test_rows_is_the_total_of_train_and_validation_without_a_validation_file(source, shipped):
    result = prepared(source, shipped, rows=50)
    assert (len(result.train), len(result.validation), len(result.test)) == (40, 10, 3)
    assert texts(result.train).isdisjoint(texts(result.validation))
    assert result.counts == {
        "train": {"read": 102, **NOTHING_LOST, "neutral": 2, "polar": 100},
        "neutral": {"read": 3, **NOTHING_LOST, "neutral": 2, "polar": 1},
        "decision": {"read": 3, **NOTHING_LOST, "neutral": 1, "polar": 2},
        "test": {"read": 3, "left_out": 0},
        "sets": {
            "train": {"0": 20, "4": 20},
            "validation": {"0": 5, "4": 5},
            "neutral": {"2": 2},
            "decision": {"0": 1, "2": 3, "4": 1},
            "test": {"0": 1, "2": 1, "4": 1},
        },
    }


def test_the_neutral_rows_are_the_shipped_ones_whatever_the_source(source, shipped):
    assert list(prepared(source, shipped).neutral["text"]) == ["a fact", "b fact"]
    assert texts(prepared(source, source).neutral) == {
        "the shop opens at nine",
        "the train stops here",
    }


def test_the_decision_is_learned_from_the_written_posts_and_the_neutral_ones(source, shipped):
    write(
        shipped / "decision.csv",
        [line(0, "@ann so &lt; so", "shop"), line(2, "a fact", "bank"), line(2, "open", "bank")],
    )
    assert prepared(source, shipped).decision.to_dict("list") == {
        "label": [0, 2, 2, 2],
        "query": ["shop", "bank", "bank", "NO_QUERY"],
        "text": ["@user so < so", "a fact", "open", "b fact"],
    }


def test_without_the_written_posts_the_sample_is_refused(source, shipped):
    (shipped / "decision.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"must hold decision\.csv; it holds .*train\.csv"):
        prepared(source, shipped)


def test_of_a_train_file_that_leans_to_one_side_as_many_rows_of_each_label_are_drawn(
    tmp_path, shipped
):
    rows = [f'"{4 * (n % 3 > 0)}","","","","","post number {n}"\n' for n in range(90)]
    (tmp_path / "train.csv").write_text("".join(rows))
    (tmp_path / sentiment140.TEST_NAMES[0]).write_text('"0","","","","","another"\n')
    drawn = prepared(tmp_path, shipped, rows=40, validation_share=0.5).counts["sets"]
    assert drawn["train"] == drawn["validation"] == {"0": 10, "4": 10}


def test_drawn_validation_rows_are_removed_from_train_by_text(source, shipped):
    rows = [line(4 * (i % 2), f"train post {i}") for i in range(20)]
    write(source / "validation.csv.gz", [*rows, line(2, "so what")])
    result = prepared(source, shipped, rows=80, validation_rows=10)
    assert (len(result.train), len(result.validation)) == (80, 10)
    assert texts(result.train).isdisjoint(texts(result.validation))
    assert result.counts["validation"]["neutral"] == 1
    assert result.counts["train"]["in_validation"] == 10
    assert len(prepared(source, shipped, validation_rows=0).validation) == 20


def test_too_many_rows_name_the_parameter_that_asked_for_them(source, shipped):
    write(source / "validation.csv", [line(4 * (i % 2), f"train post {i}") for i in range(20)])
    with pytest.raises(ValueError, match=r"fetch\.validation_rows must be 0 \(all\) to 20"):
        prepared(source, shipped, validation_rows=21)
    with pytest.raises(ValueError, match=r"fetch\.rows must be 0 \(all\) to 80"):
        prepared(source, shipped, rows=81)


def test_texts_of_the_test_set_are_in_no_other_set(source, shipped):
    leaks = [
        line(4, "train post 0"),
        line(0, "i &lt;3 it"),
        line(2, "b fact"),
        line(0, "held post 1"),
        line(4, "4 written"),
    ]
    write(source / TEST_SET, leaks)
    write(source / "validation.csv", [line(4 * (i % 2), f"held post {i}") for i in range(9)])
    result = prepared(source, shipped)
    assert len(result.test) == 5
    for name, frame in (
        ("train", result.train),
        ("validation", result.validation),
        ("neutral", result.neutral),
        ("decision", result.decision),
    ):
        assert texts(frame).isdisjoint(texts(result.test))
        assert result.counts[name]["in_test"] == 1


def test_the_test_set_is_masked_and_keeps_every_row_in_its_order(source, shipped):
    write(
        source / TEST_SET,
        [
            line(4, "@somebody hi", "to:@shop"),
            line(0, "@another hi", "kindle2"),
            line(0, "&nbsp;", "&quot;night at the museum&quot;"),
        ],
    )
    assert prepared(source, shipped).test.to_dict("list") == {
        "label": [4, 0, 0],
        "query": ["to:@user", "kindle2", '"night at the museum"'],
        "text": ["@user hi", "@user hi", ""],
    }


def test_preparing_twice_gives_the_same_frames(source, shipped):
    first, second = prepared(source, shipped, rows=50), prepared(source, shipped, rows=50)
    for name in ("train", "validation", "test", "neutral", "decision"):
        pd.testing.assert_frame_equal(getattr(first, name), getattr(second, name))
    assert first.counts == second.counts


def test_what_is_shown_of_the_sets_holds_no_post(source, shipped):
    assert "post" not in repr(prepared(source, shipped))


# Real data. Compared are numbers only: a failing assert on a frame would print posts.


@pytest.fixture(scope="module")
def real():
    folder = Path(os.environ.get("REAL_DATA", ""), "sentiment140")
    if not os.environ.get("REAL_DATA") or not folder.is_dir():
        pytest.skip("REAL_DATA names no folder that holds sentiment140")
    return folder


@pytest.fixture(scope="module")
def real_sets(real, tmp_path_factory):
    folder = tmp_path_factory.mktemp("real")
    (folder / "train.csv.gz").symlink_to(real / "train-143k.csv.gz")
    (folder / "validation.csv.gz").symlink_to(real / "train-uniform-37k.csv.gz")
    (folder / TEST_SET).symlink_to(real / TEST_SET)
    sample = paths.inside("data/sample/sentiment140")
    return prepared(folder, sample, rows=100_000, validation_rows=10_000)


def test_the_real_test_set_has_the_published_counts(real_sets):
    counts = real_sets.counts
    polar = int(real_sets.test["label"].ne(2).sum())
    assert counts["test"] == {"read": 498, "left_out": 0}
    assert counts["sets"]["test"] == {"0": 177, "2": 139, "4": 182}
    assert polar == 359


def test_the_real_train_file_is_read_whole(real):
    frame, left_out = sentiment140.read(real / "train-143k.csv.gz")
    labels = frame["label"].value_counts().to_dict()
    del frame
    assert left_out == 0
    assert labels == {0: 67_781, 4: 75_551}


def test_the_real_sets_have_the_rows_asked_for_and_share_no_text(real_sets):
    sets = [texts(frame) for frame in (real_sets.train, real_sets.validation, real_sets.test)]
    sizes = [len(each) for each in sets]
    decision = texts(real_sets.decision)
    shared = [len(sets[0] & sets[1]), len(sets[0] & sets[2]), len(sets[1] & sets[2])]
    shared += [len(decision & each) for each in sets]
    del sets, decision
    assert sizes == [100_000, 10_000, 498]
    assert shared == [0] * 6


def test_no_handle_survives_in_any_real_set(real_sets):
    handle = re.compile(r"[@\uff20](?!user(?![A-Za-z0-9_]))[A-Za-z0-9_]")
    columns = [real_sets.test["query"]]
    columns += [f["text"] for f in (real_sets.train, real_sets.validation, real_sets.test)]
    handles = sum(1 for column in columns for value in column if handle.search(value))
    masked = sum("@user" in value for value in columns[-1])
    del columns
    assert handles == 0
    assert masked >= 110
