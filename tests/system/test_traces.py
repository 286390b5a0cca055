"""The search for traces finds what is planted, in every form, and nothing where nothing is."""

import base64
import gzip
import json
import random
import sqlite3
import zlib
from contextlib import closing
from urllib.parse import quote

import bson
import nbformat
import pandas as pd
import pymongo
import pytest

from tests.packed import zipped
from tests.system import canary, traces

SENTENCE = (
    f"{canary.handle(7)} wrote {canary.identifier(1234)} at {canary.stamp(canary.MOMENTS[2])}, "
    f"{canary.count(8)} followers, {canary.ACCENTED}, a whole text"
)
MOMENT = int(canary.MOMENTS[2].timestamp() * 1000).to_bytes(8, "little")
TABLE = pd.DataFrame({
    "id": [canary.ID + 1234],
    "at": pd.to_datetime([canary.MOMENTS[2]]),
    "count": [canary.count(8)],
})  # fmt: skip


def base64_behind(start):
    return lambda text: base64.b64encode(start + text.encode() + b"?>?>")


def executed(text):
    result = nbformat.v4.new_output("execute_result", {"text/plain": text})
    cell = nbformat.v4.new_code_cell("1", outputs=[result])
    return nbformat.writes(nbformat.v4.new_notebook(cells=[cell])).encode()


def table_in_sqlite(frame):
    with closing(sqlite3.connect(":memory:")) as database:
        frame.to_sql("kept", database)
        return database.serialize()


TEXTS = {
    "plain": str.encode,
    "capitals": lambda text: text.upper().encode(),
    "UTF-16": lambda text: text.encode("utf-16"),
    "hex": lambda text: text.encode().hex().encode(),
    "hex in capitals": lambda text: text.encode().hex().upper().encode(),
    "base64": base64_behind(b""),
    "base64, one further": base64_behind(b"1"),
    "base64, two further": base64_behind(b"12"),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()),
    "JSON": lambda text: json.dumps({"text": text}).encode(),
    "bytes as Python shows them": lambda text: repr(text.encode()).encode(),
    "URL": lambda text: quote(text, safe=":").encode(),
    "HTML": lambda text: text.encode("ascii", "xmlcharrefreplace"),
    "gzip": lambda text: gzip.compress(text.encode()),
    "torn gzip": lambda text: gzip.compress(text.encode() + bytes(10**6))[:-100],
    "zlib": lambda text: zlib.compress(text.encode()),
    "zip": lambda text: zipped({"part": text.encode()}),
    "gzip in zip in gzip": lambda text: gzip.compress(
        zipped({"part": gzip.compress(text.encode())})
    ),
    "base64 in gzip": lambda text: gzip.compress(base64.b64encode(text.encode())),
    "notebook": executed,
    "parquet": lambda text: pd.DataFrame({"text": [text]}).to_parquet(),
    "SQLite": lambda text: table_in_sqlite(pd.DataFrame({"text": [text]})),
    "BSON": lambda text: bson.encode({"text": text}),
}
NUMBERS = {
    "parquet": TABLE.to_parquet,
    "parquet, packed harder": lambda: TABLE.to_parquet(compression="zstd"),
    "SQLite": lambda: table_in_sqlite(TABLE),
    "CSV": lambda: TABLE.to_csv().encode(),
    "CSV of doubles": lambda: TABLE.astype({"id": float, "count": float}).to_csv().encode(),
}
BYTES = {
    "BSON": lambda: bson.encode(
        {name: bson.Int64(TABLE[name][0]) for name in ("id", "count")} | {"at": canary.MOMENTS[2]}
    ),
    "doubles": lambda: TABLE[["id", "count"]].to_numpy(float).tobytes() + MOMENT,
    "network order": lambda: TABLE[["id", "count"]].to_numpy(">i8").tobytes() + MOMENT,
}


def planted(folder, content):
    """Kinds of the marks found in `folder` when a file with `content` lies there."""
    (folder / "kept").write_bytes(content)
    marks = traces.search(folder)
    return {trace.split(",")[0] for kept in marks.values() for trace in kept}


@pytest.mark.parametrize("form", TEXTS)
def test_a_planted_text_is_found_whole(form, tmp_path):
    everything = {"word", "accented word", "id", "count", "moment"}
    assert planted(tmp_path, TEXTS[form](SENTENCE)) == everything


@pytest.mark.parametrize("form", NUMBERS)
def test_planted_numbers_are_found(form, tmp_path):
    assert planted(tmp_path, NUMBERS[form]()) == {"id", "count", "moment"}


@pytest.mark.parametrize("form", BYTES)
def test_planted_bytes_of_numbers_are_found(form, tmp_path):
    assert planted(tmp_path, BYTES[form]()) == {"id", "count", "moment"}


@pytest.mark.parametrize("secret", [*canary.SECRETS.values(), canary.KEY.decode()])
@pytest.mark.parametrize("form", ["plain", "hex", "base64", "JSON", "gzip"])
def test_a_planted_secret_is_found(form, secret, tmp_path):
    assert planted(tmp_path, TEXTS[form](f"mongodb://{secret}@host"))


def test_a_name_in_the_name_of_a_file_is_found(tmp_path):
    (tmp_path / f"{canary.handle(5)}.csv").touch()
    assert list(traces.search(tmp_path).values()) == [{"word, plain"}]


def test_an_author_in_the_database_is_found_in_its_files(tmp_path):
    password = canary.SECRETS["password"]
    people = [canary.user(number, "tweet") for number in range(50)]
    with (
        canary.mongod(tmp_path) as address,
        pymongo.MongoClient(f"mongodb://keeper:{password}@{address}") as client,
    ):
        client.leak.people.insert_many(people)
    marks = traces.search(tmp_path)
    (kept,) = [what for name, what in marks.items() if "/collection-" in name]
    plain = {f"{what}, plain" for what in ("word", "accented word", "id", "moment")}
    assert kept >= plain | {"count, number"}


def test_what_nobody_wrote_is_not_found(tmp_path):
    assert planted(tmp_path, random.Random(7).randbytes(10**6)) == set()  # noqa: S311
    assert planted(tmp_path, b"a text of 1958203147 words at 03:47:29") == set()
