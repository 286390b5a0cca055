"""The search for what is left of the canary's people, in whatever form and container.

A file is searched as it is, and again unpacked (gzip, zlib, zip, one in another) or read out
(parquet, SQLite). Marks are looked for as text in several encodings, in hex and in base64; ids,
counts and moments also as the eight bytes in which databases and columns hold numbers.
"""

import base64
import hashlib
import html
import io
import json
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pyarrow.parquet as pq

from tests.system import canary

MOMENTS = (*canary.MOMENTS, *canary.JOINED)
SECONDS = [int(moment.timestamp()) for moment in MOMENTS]
TIMES = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%b %d %H:%M:%S")
MARKS = {
    "word": [canary.WORD, canary.WORD.title(), canary.WORD.upper()],
    "accented word": [canary.ACCENTED, canary.ACCENTED.title(), canary.ACCENTED.upper()],
    # The second as a double would be written: 1.9582e+18.
    "id": [canary.ID_DIGITS, f"{canary.ID_DIGITS[0]}.{canary.ID_DIGITS[1:]}"],
    "count": [canary.COUNT_DIGITS, f"{canary.COUNT_DIGITS[0]}.{canary.COUNT_DIGITS[1:]}"],
    "moment": [f"{moment:{form}}" for moment in MOMENTS for form in TIMES] + [*map(str, SECONDS)],
    **{name: [secret] for name, secret in canary.SECRETS.items()},
    "key": [canary.KEY.decode()],
}


def _as_text(mark: str) -> dict[str, list[bytes]]:
    """Ways to write a mark as text, looked for in small letters; of equal ones the last counts."""
    return {
        "HTML": [html.escape(mark).encode(), mark.encode("ascii", "xmlcharrefreplace")],
        "URL": [quote(mark, safe="").encode()],
        "escaped": [json.dumps(mark)[1:-1].encode(), repr(mark.encode())[2:-1].encode()],
        "hex": [mark.encode().hex().encode()],
        "UTF-16": [mark.encode("utf-16-le")],
        "plain": [mark.encode()],
    }


def _as_base64(mark: str) -> list[bytes]:
    """The characters that tell of nothing but the mark, wherever in a text it begins."""
    pieces = []
    for before in range(3):
        raw = bytes(before) + mark.encode()
        part = slice((before * 8 + 5) // 6, len(raw) * 8 // 6)
        pieces += [encode(raw)[part] for encode in (base64.b64encode, base64.urlsafe_b64encode)]
    return pieces


def _as_numbers() -> dict[str, list[bytes]]:
    """Of ids and counts, whole and as doubles, the highest bytes; moments in the units in use."""
    ids = [canary.ID.to_bytes(8, "big")[:6], struct.pack(">d", canary.ID)[:6]]
    ticks = [seconds * unit for seconds in SECONDS for unit in (10**3, 10**6, 10**9)]
    every = [canary.COUNT + number for number in range(1000)]
    counts = {count.to_bytes(8, "big")[:7] for count in every}
    counts |= {struct.pack(">d", count)[:5] for count in every}
    return {
        "id": [*ids, *(part[::-1] for part in ids)],
        "count": [*counts, *(part[::-1] for part in counts)],
        "moment": [tick.to_bytes(8, "little") for tick in ticks],
    }


EVERY_MARK = [(what, mark) for what, marks in MARKS.items() for mark in marks]
FOLDED = {
    pattern.lower(): f"{what}, {how}"
    for what, mark in EVERY_MARK
    for how, patterns in _as_text(mark).items()
    for pattern in patterns
}
EXACT = {
    **{pattern: f"{what}, base64" for what, mark in EVERY_MARK for pattern in _as_base64(mark)},
    **{part: f"{what}, number" for what, parts in _as_numbers().items() for part in parts},
}


def marks_in(content: bytes) -> set[str]:
    """What of the marks is in `content`, and how it is written: {"id, hex"}."""
    folded = content.lower()
    return {what for pattern, what in EXACT.items() if pattern in content} | {
        what for pattern, what in FOLDED.items() if pattern in folded
    }


def search(*places: Path) -> dict[str, set[str]]:
    """What is `found` in the files at or below `places`, by path; also in their names."""
    searched, traces = set(), {}
    for path in (path for place in places for path in files(place)):
        traces[str(path)] = marks_in(path.name.encode())
        content = path.read_bytes()
        digest = hashlib.sha256(content).digest()
        if digest not in searched:
            searched.add(digest)
            for way, part in unpacked(content):
                traces[str(path)] |= {what + way for what in marks_in(part)}
    return {name: what for name, what in traces.items() if what}


def files(place: Path) -> list[Path]:
    """The file `place`, or all files below the folder `place`."""
    paths = sorted(place.rglob("*")) if place.is_dir() else [place]
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def unpacked(content: bytes, way: str = "") -> Iterator[tuple[str, bytes]]:
    """The way to each part and the part: `content` itself, and all that it contains."""
    yield way, content
    for kind, (starts, read) in CONTAINERS.items():
        if content.startswith(starts):
            for part in read(content):
                yield from unpacked(part, f" in {kind}{way}")


def _inflated(content: bytes) -> list[bytes]:
    try:
        return [zlib.decompressobj(wbits=47).decompress(content)]  # also what is cut off
    except zlib.error:  # a text that begins by chance like one
        return []


def _members(content: bytes) -> list[bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return [archive.read(name) for name in archive.namelist()]


def _columns(content: bytes) -> list[bytes]:
    table = pq.read_table(io.BytesIO(content))
    texts = [map(str, column.to_pylist()) for column in table.columns]
    return ["\n".join(text).encode() for text in texts] + [repr(table.schema.metadata).encode()]


def _dumped(content: bytes) -> list[bytes]:
    with closing(sqlite3.connect(":memory:")) as database:
        # A database in memory can have no log beside it, as these two bytes may want.
        database.deserialize(content[:18] + b"\1\1" + content[20:])
        return ["\n".join(database.iterdump()).encode()]


CONTAINERS = {
    "gzip": ((b"\x1f\x8b",), _inflated),
    "zlib": ((b"x\x01", b"x\x5e", b"x\x9c", b"x\xda"), _inflated),
    "zip": ((b"PK\x03\x04",), _members),
    "parquet": ((b"PAR1",), _columns),
    "SQLite": ((b"SQLite format 3\0",), _dumped),
}
