"""Folders of posts that people labelled: both forms, each coding, and what is refused."""

import csv
import gzip

import pytest

from customer_profiles.sentiment.data import labelled

CSV_NAMES = ("train.csv", "validation.csv", "test.csv")
PAIRS = ("train_text.txt", "train_labels.txt", "val_text.txt", "val_labels.txt")
ROWS = [("negative", "so bad"), ("neutral", "a fact"), ("positive", "so good")]


def table(path, rows=ROWS, header=("label", "text"), encoding="utf-8", **options):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", encoding=encoding, newline="") as file:
        csv.writer(file, **options).writerows([header, *rows])
    return path


def pair(folder, texts, labels):
    paths = folder / "val_text.txt", folder / "val_labels.txt"
    for path, content in zip(paths, (texts, labels), strict=True):
        path.write_bytes(content.encode())
    return paths


def coded(tmp_path, *labels):
    return labelled.read([table(tmp_path / "train.csv", [(label, "text") for label in labels])])


# locate


def test_csv_files_are_located_plain_and_compressed_and_the_test_may_be_missing(tmp_path):
    for name in ("train.csv.gz", "validation.csv"):
        (tmp_path / name).touch()
    files = labelled.locate(tmp_path)
    assert files == labelled.Files((tmp_path / "train.csv.gz",), (tmp_path / "validation.csv",), ())
    (tmp_path / "test.csv").touch()
    assert labelled.locate(tmp_path).test == (tmp_path / "test.csv",)


def test_tweetevals_pairs_are_located_texts_first(tmp_path):
    for name in (*PAIRS, "mapping.txt", "test_text.txt.gz", "test_labels.txt.gz"):
        (tmp_path / name).touch()
    files = labelled.locate(tmp_path)
    assert [path.name for path in files.train] == ["train_text.txt", "train_labels.txt"]
    assert [path.name for path in files.validation] == ["val_text.txt", "val_labels.txt"]
    assert [path.name for path in files.test] == ["test_text.txt.gz", "test_labels.txt.gz"]


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        (
            ["train.csv"],
            FileNotFoundError,
            r"validation\.csv.*val_labels\.txt.*it holds train\.csv$",
        ),
        (["validation.csv"], FileNotFoundError, "must hold train.csv and validation.csv"),
        (PAIRS[:3], FileNotFoundError, r"holds val_text\.txt, and must hold val_labels\.txt too"),
        ([*PAIRS, "train.csv"], ValueError, r"train\.csv and train_text\.txt, of which one"),
        (["train.csv", "train.csv.gz"], ValueError, r"train\.csv and train\.csv\.gz, of which one"),
    ],
)
def test_an_incomplete_or_doubled_set_is_refused(tmp_path, names, error, message):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(error, match=message):
        labelled.locate(tmp_path)


def test_a_folder_that_is_missing_or_a_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no such folder"):
        labelled.locate(tmp_path / "nowhere")
    with pytest.raises(NotADirectoryError, match="give the folder"):
        labelled.locate(table(tmp_path / "train.csv"))


# read


@pytest.mark.parametrize("name", ["train.csv", "train.csv.gz"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_table_is_read_masked_with_line_breaks_and_quotes_in_texts(tmp_path, name, end, encoding):
    rows = [
        ("7", "negative", ' @somebody &amp;amp; "me", twice '),
        ("8", "Neutral", f"first{end}second"),
        ("9", " POSITIVE ", "café 🙂 â€™ a.b@shop.example"),
    ]
    path = table(tmp_path / name, rows, ("id", "Label", " text"), encoding, lineterminator=end)
    frame, others = labelled.read([path])
    assert (others, frame["label"].dtype) == (0, "int8")
    assert frame.to_dict("list") == {
        "label": [0, 2, 4],
        "text": ['@user & "me", twice', f"first{end}second", "café 🙂 â€™ email"],
    }


def test_a_pair_is_one_post_a_line_whatever_else_a_text_holds(tmp_path):
    texts = '@ann so bad\nnext\x85line\u2028and "quote, &lt;3\nlone \r return\n'
    frame, others = labelled.read(pair(tmp_path, texts, "0\n2\n1"))
    assert others == 0
    assert frame.to_dict("list") == {
        "label": [0, 4, 2],
        "text": ["@user so bad", 'next\x85line\u2028and "quote, <3', "lone \r return"],
    }
    windows = pair(tmp_path, texts.replace("\n", "\r\n"), "0\r\n2\r\n1\r\n")
    assert labelled.read(windows)[0].equals(frame)


@pytest.mark.parametrize(
    ("labels", "codes"),
    [
        (["0", "1", "2"], [0, 2, 4]),
        (["2", "1"], [4, 2]),
        (["-1", "0", "1"], [0, 2, 4]),
        (["-1", "1"], [0, 4]),
        (["0", "2", "4"], [0, 2, 4]),
        (["4", "0"], [4, 0]),
        (["Positive", "NEGATIVE", "neutral"], [4, 0, 2]),
        (["neutral"], [2]),
    ],
)
def test_the_coding_is_the_one_that_fits_all_labels(tmp_path, labels, codes):
    assert coded(tmp_path, *labels)[0]["label"].tolist() == codes


@pytest.mark.parametrize(
    ("labels", "codings"),
    [
        (["0", "1"], "0, 1, 2; -1, 0, 1"),
        (["0", "2"], "0, 1, 2; 0, 2, 4"),
        (["0"], "0, 1, 2; -1, 0, 1; 0, 2, 4"),
    ],
)
def test_labels_that_fit_several_codings_are_refused_with_a_request_for_words(
    tmp_path, labels, codings
):
    message = (
        rf"^train\.csv: labels {' '.join(labels)} fit several .*\({codings}\); write negative, "
    )
    with pytest.raises(ValueError, match=message):
        coded(tmp_path, *labels)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["0", "1", "3"], r"train\.csv, line 4: the label must be one of 0 1 2, .*; got '3'"),
        (["0", "", "2"], r"train\.csv, line 3: .*; got ''"),
        (["0", "secret"], r"train\.csv, line 3: .*; got other text"),
        (["-1", "4"], r"train\.csv: labels -1 4 mix codings; use one of 0 1 2, -1 0 1, 0 2 4, or"),
        (["0", "neutral"], r"labels 0 neutral mix codings"),
        (["1.0"], r"got '1\.0'"),
    ],
)
def test_a_label_of_no_coding_is_refused_with_its_line_and_without_a_text(
    tmp_path, labels, message
):
    with pytest.raises(ValueError, match=message) as error:
        coded(tmp_path, *labels)
    assert "secret" not in str(error.value)


def test_a_label_of_no_coding_in_a_pair_is_named_with_the_file_of_labels(tmp_path):
    with pytest.raises(ValueError, match=r"^val_labels\.txt, line 2: .* got '9'"):
        labelled.read(pair(tmp_path, "a\nb\n", "0\n9\n"))


@pytest.mark.parametrize("labels", ["0\n1\n", "0\n1\n2\n2\n"])
def test_a_pair_of_different_length_is_refused_with_both_lengths(tmp_path, labels):
    lines = labels.count("\n")
    message = rf"^val_text\.txt holds 3 lines and val_labels\.txt {lines}; line n of one"
    with pytest.raises(ValueError, match=message):
        labelled.read(pair(tmp_path, "a\nb\nc\n", labels))


def test_posts_in_other_languages_are_left_out_and_counted(tmp_path):
    rows = [
        (*row, language)
        for row, language in zip(ROWS * 2, ["en", "es", "EN-gb", "", "fr", "eng"], strict=True)
    ]
    path = table(tmp_path / "train.csv", rows, ("label", "text", "language"))
    frame, others = labelled.read([path])
    assert (frame["label"].tolist(), others) == ([0, 4], 4)
    table(path, rows[1:2], ("label", "text", "language"))
    with pytest.raises(ValueError, match=r"train\.csv: column language says en of none of 1 posts"):
        labelled.read([path])


@pytest.mark.parametrize(
    ("header", "absent"),
    [
        (("label", "tweet"), "text"),
        (("polarity", "text"), "label"),
        (("label", "text", "text"), "text"),
        (("secret", "post"), "label and text"),
    ],
)
def test_a_table_without_its_columns_is_refused_without_its_first_line(tmp_path, header, absent):
    path = table(tmp_path / "train.csv", [], header)
    message = rf"^train\.csv: the first line must name .* none or several are {absent}$"
    with pytest.raises(ValueError, match=message) as error:
        labelled.read([path])
    assert "secret" not in str(error.value)


def test_a_row_of_another_length_is_named_by_its_line(tmp_path):
    rows = [ROWS[0], ("neutral", "two\nlines"), ("positive", "secret", "words")]
    path = table(tmp_path / "train.csv", rows)
    with pytest.raises(
        ValueError, match=r"^train\.csv, line 5: expected 2 columns, got 3"
    ) as error:
        labelled.read([path])
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("row", ['positive,"never closed\nnegative,bad\n', 'neutral,"a" fact\n'])
def test_a_quote_at_a_wrong_place_is_an_error_with_its_line(tmp_path, row):
    path = tmp_path / "train.csv"
    path.write_text("label,text\nnegative,bad\n" + row)
    with pytest.raises(ValueError, match=r"^train\.csv: from line 3 on a quote is not closed"):
        labelled.read([path])


@pytest.mark.parametrize("content", ["", "label,text\n", "label,text\n\n\n"])
def test_an_empty_table_is_refused(tmp_path, content):
    path = tmp_path / "train.csv"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"^train\.csv(: the first line must name| holds no post)"):
        labelled.read([path])


def test_an_empty_pair_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"val_text\.txt holds no post"):
        labelled.read(pair(tmp_path, "", ""))


def test_a_torn_gzip_file_is_named_with_the_line_of_the_damage(tmp_path):
    rows = [("neutral", f"post number {n * n}") for n in range(4000)]
    path = table(tmp_path / "train.csv.gz", rows)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(
        ValueError, match=r"^train\.csv\.gz is no whole gzip file \(damage after line \d+"
    ):
        labelled.read([path])
    path.write_bytes(b"label,text\n")
    with pytest.raises(ValueError, match="is no whole gzip file"):
        labelled.read([path])


def test_a_file_that_is_not_utf_8_is_named(tmp_path):
    path = table(tmp_path / "train.csv", [("neutral", "café")], encoding="latin-1")
    with pytest.raises(ValueError, match=r"^train\.csv is not UTF-8; save it as UTF-8") as error:
        labelled.read([path])
    assert error.value.__suppress_context__
