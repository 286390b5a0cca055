"""An erasure that cannot reach a file is refused before anything is changed, with the way out."""

import gzip
import lzma
import os
import zipfile

import pandas as pd
import pytest

from customer_profiles.commands.app import main
from customer_profiles.project import params
from tests.erasure import held
from tests.erasure.erasable import (
    IDS,
    PAGES,
    everything,
    left_by,
    page,
    purge,
    run_stages,
    traces,
)

TEXT = page(["ann"]).encode()
ZSTD, SEVEN, RAR = b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07"
PNG, PDF = b"\x89PNG\r\n\x1a\n", b"%PDF-1.7\n"


def locked():
    """A zip whose member is marked as encrypted, in its own head and in the directory."""
    content = bytearray(held.zipped({"a.jsonl": TEXT}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def twice(path):
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("a.jsonl", TEXT)
        with pytest.warns(UserWarning, match="Duplicate name"):
            packed.writestr("a.jsonl", page(["bob"]))


def bomb(path):
    blank = gzip.compress(b" " * (2**24 - 1) + b"\n")
    path.write_bytes(gzip.compress(TEXT) + 20 * blank)


def workbook(path):
    path.write_bytes(held.zipped({"xl/workbook.xml": b"<xml/>", "a.jsonl": TEXT}))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (locked(), "9!a.jsonl needs a password; unpack it"),
        (held.zipped({"b.zip": held.zipped({"a.jsonl": TEXT})}), "9!b.zip is a zip within a zip"),
        (gzip.compress(gzip.compress(TEXT)), "9 is packed twice; unpack it"),
        (ZSTD + bytes(50), "9 is packed by zstd; unpack it"),
        (lzma.compress(TEXT), "9 is packed by xz; unpack it"),
        (SEVEN + bytes(50), "9 is a 7z archive; unpack it"),
        (held.zipped({"a": RAR + bytes(50)}), "9!a is a RAR archive; unpack it"),
        (held.zipped({"a.jsonl": TEXT})[:-30], "9 cannot be opened"),
        (TEXT.decode().encode("utf-16-le"), "9 is UTF-16 without a byte-order mark"),
        (lambda path: pd.DataFrame({"text": ["x"]}).to_parquet(path), "9 is a Parquet file"),
        (workbook, "9 is an Office document; save it as CSV"),
        (bomb, "9 unpacks to more than 300 times its size"),
        (twice, "9!a.jsonl is in the zip more than once"),
    ],
)
def test_a_file_that_cannot_be_read_refuses_an_erasure_and_nothing_is_changed(
    filled, caplog, content, message
):
    file = filled / PAGES / "9"
    if callable(content):
        content(file)
    else:
        file.write_bytes(content)
    before = everything(filled)
    assert main(["purge", "author", IDS["ann"]]) == 1
    assert message in caplog.text
    assert "Nothing was erased" in caplog.text
    assert "take it out of the archive, then run this again" in caplog.text
    assert everything(filled) == before


@pytest.mark.parametrize("command", [["rotate"], ["purge", "--dry-run", "author", IDS["ann"]]])
def test_a_change_of_key_and_a_dry_run_are_refused_too(filled, caplog, command):
    (filled / PAGES / "9").write_bytes(lzma.compress(TEXT))
    before = everything(filled)
    assert main(command) == 1
    assert "9 is packed by xz; unpack it. Nothing was erased" in caplog.text
    assert everything(filled) == before


def test_without_the_file_that_refused_it_the_erasure_succeeds(filled):
    file = filled / PAGES / "9"
    file.write_bytes(lzma.compress(TEXT))
    assert main(["purge", "author", IDS["ann"]]) == 1
    file.write_bytes(lzma.decompress(file.read_bytes()))
    purge("author", IDS["ann"])
    assert traces(filled, *left_by("ann")) == []


def test_pictures_and_what_is_hidden_or_a_link_are_named_and_refuse_nothing(filled, caplog):
    folder = filled / PAGES
    (folder / "picture").write_bytes(PNG + bytes(99))
    (folder / "paper.json").write_bytes(PDF)
    (folder / "film.mp4").write_bytes(bytes(99))
    (folder / "6.zip").write_bytes(held.zipped({"a.jsonl": TEXT, ".b": b"mine", "c.png": PNG}))
    (folder / ".notes").write_text("mine")
    (folder / ".git").mkdir()
    (folder / "more").symlink_to(filled / "data")
    os.mkfifo(folder / "pipe")
    purge("author", IDS["ann"])
    told = [
        "picture is an image", "paper.json is a PDF", "film.mp4 is no text", "6.zip!c.png is an im",
        "6.zip!.b is a hidden file", ".notes is a hidden file", ".git is a hidden folder",
        "more is a link to a folder", "pipe is no file that can be read",
    ]  # fmt: skip
    assert [name for name in told if f"not reached: {name}" not in caplog.text] == []
    (folder / "pipe").unlink()
    assert traces(filled, *left_by("ann")) == []
    assert held.unpacked((folder / "6.zip").read_bytes()).count("mine") == 1


def test_names_are_taken_for_authors_only_where_columns_are_mapped(filled, caplog):
    (filled / PAGES / "6.csv").write_text(
        "who;words;when\nAnn B.;hello you;2026-05-01\nbo;ho;2026-05-02\n"
    )
    assert main(["purge", "author", "Ann B."]) == 1
    assert "id number 1 of 1 is none: X's ids are 1 to 20 digits" in caplog.text
    columns = {"text": "words", "author": "who", "date": "when"}
    params.change(filled / "params.yaml", {"pull.columns": columns})
    assert main(["purge", "author", " "]) == 1
    purge("author", "Ann B.")
    assert "Ann" not in caplog.text.replace("'Ann B.'", "")
    assert (filled / PAGES / "6.csv").read_text() == "who;words;when\nbo;ho;2026-05-02\n"
    run_stages(filled)
    assert traces(filled, "hello you", "Ann B.") == []
