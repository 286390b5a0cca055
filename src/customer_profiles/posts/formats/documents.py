"""Text of a file cut into pieces, and the JSON values or table rows on each piece.

A piece is what is read, kept or rewritten as one: a line with a JSON value, a whole JSON document,
or a row of a table. The pieces of a file, one behind the other, are its text.
"""

import csv
import itertools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import orjson

from customer_profiles.posts.formats import long_pages, tally
from customer_profiles.posts.formats.tally import Unreadable
from customer_profiles.posts.formats.v1 import variable

LINE, DOCUMENT, HEADER, ROW = "line", "document", "header", "row"
DELIMITERS = ",;\t|"
_JSON_BEGINS = (b"{", b"[")
_NEXT_VALUE = re.compile(r"\n(?=[{\[])")
_BETWEEN = re.compile(r"[\s,;\ufeff]*")
_LONGEST_NAME = 200
_LONGEST_BEGIN = 1000  # lines
# A longer line is not parsed to see whether it is a value: that takes the time of reading it.
_LONG, _HEAD, _ENDS = 2**22, 64, (b"{}", b"[]")
_ID = re.compile(rb"\s*\"?\d{8,20}\"?,?\s*")
UNREADABLE = object()
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Piece:
    """A piece of a file: its `kind`, the number of its first line, and its text in UTF-8.

    `cells` are those of a table's header or row. `raw` is None for a damaged sealed line.
    """

    kind: str
    line: int
    raw: bytes | None
    cells: tuple[str, ...] = ()


class NoFormat(Unreadable):
    """Lines that are neither JSON nor a table."""

    def __init__(self, reason: str = "is neither JSON nor a table"):
        super().__init__(reason)


def section(piece: Piece) -> str:
    """The section of X's personal archive that a piece is, or ""."""
    if piece.kind not in (LINE, DOCUMENT) or piece.raw is None:
        return ""
    return (_variable(piece.raw) or ("", 0))[0]


def pieces(lines: Iterable[bytes | None]) -> Iterator[Piece]:
    """The pieces of a file with these `lines`; blank lines are pieces as well.

    Raises Unreadable if it is no JSON and no table, and, behind the last piece, where `lines` do.
    """
    failed = []

    def readable() -> Iterator[bytes | None]:
        try:
            yield from lines
        except Unreadable as error:
            failed.append(error)

    rest = readable()
    begin, filled = [], 0  # up to the first two lines that are not blank
    for line in rest:
        begin.append(line)
        filled += line is None or bool(line.strip())
        if line is None or filled == 2 or len(begin) == _LONGEST_BEGIN:
            break
    yield from _pieces(begin, itertools.chain(begin, rest))
    if failed:
        raise failed[0]


def _pieces(begin: list[bytes | None], lines: Iterable[bytes | None]) -> Iterator[Piece]:
    filled = [line for line in begin if line is None or line.strip()]
    if not filled:
        yield from (Piece(LINE, number, line) for number, line in enumerate(lines, 1))
        return
    if _ID.fullmatch(filled[-1] or b""):
        raise NoFormat("holds ids without posts; look the posts up at X")
    first = filled[0] or b""
    begins = first.strip() in _JSON_BEGINS or _variable(first)
    if not begins and any(line is None or _is_value(line) for line in filled):
        for number, line in enumerate(lines, 1):
            yield Piece(LINE, number, line)
    elif begins or first.lstrip().startswith(_JSON_BEGINS):
        yield Piece(DOCUMENT, 1, b"".join(lines))
    else:
        yield from _table(lines, first)


def values(piece: Piece, account: tally.Tally) -> Iterator[tuple[str, object]]:
    """JSON values of a line or document, each with the section of X's personal archive, or "".

    What is no value is counted in `account`.
    """
    if piece.raw is None:
        account.leave(tally.SEALED)
    elif piece.kind == LINE and not piece.raw.lstrip().startswith(_JSON_BEGINS):
        account.leave(tally.NO_JSON, bool(piece.raw.strip()))
    else:
        yield from _document(piece.raw, account)


def spans(text: str) -> Iterator[tuple[int, int, object]]:
    """Where each JSON value in `text` begins and ends, and the value; UNREADABLE for other text.

    A variable of X's personal archive before the value belongs to no span. Of an array that is torn
    the items are spans; where it ends between two of them, the last span is empty and UNREADABLE.
    """
    opened, whole = 0, True
    _, place = variable(text[:_LONGEST_NAME]) or ("", 0)
    while (place := _BETWEEN.match(text, place).end()) < len(text):
        start = place
        try:
            value, place = _DECODER.raw_decode(text, start)
            yield start, place, value
            continue
        except RecursionError:
            yield start, len(text), UNREADABLE
            return
        except ValueError:
            pass
        if text[start] in "[]":  # an array that is torn: its items, as far as they go
            opened += 1 if text[start] == "[" else -1
            place += 1
            continue
        whole = False
        following = _NEXT_VALUE.search(text, start)
        place = following.end() if following else len(text)
        yield start, place, UNREADABLE
    if opened > 0 and whole:
        yield len(text), len(text), UNREADABLE


def _value(line: bytes) -> dict | list | None:
    if len(line) > _LONG and (page := long_pages.read(line)) is not None:
        return page
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        # Half a surrogate pair, NaN, bytes that are no UTF-8: the slower parser takes them.
        try:
            # A byte-order mark stands within a file that was joined from others.
            value = json.loads(line.decode("utf-8-sig", "replace"))
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict | list) else None


def _is_value(line: bytes) -> bool:
    if len(line) > _LONG:
        return line[:_HEAD].lstrip()[:1] + line[-_HEAD:].rstrip()[-1:] in _ENDS
    return _value(line) is not None


def _variable(line: bytes) -> tuple[str, int] | None:
    return variable(line[:_LONGEST_NAME].decode("utf-8", "replace"))


def _document(raw: bytes, account: tally.Tally) -> Iterator[tuple[str, object]]:
    if (value := _value(raw)) is not None:
        yield "", value
        return
    text, (file, line), counted = raw.decode("utf-8", "replace"), account.place, 0
    section, _ = variable(text[:_LONGEST_NAME]) or ("", 0)
    for start, _, value in spans(text):
        if value is UNREADABLE:
            line, counted = line + text.count("\n", counted, start), start
            account.leave(tally.TORN, place=(file, line))
        else:
            yield section, value


def _decoded(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:  # a spreadsheet's on Windows
        return line.decode("cp1252", "replace")


def _table(lines: Iterable[bytes | None], header: bytes) -> Iterator[Piece]:
    delimiter = max(DELIMITERS, key=header.decode("utf-8", "replace").count)
    taken: list[bytes] = []

    def texts() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield _decoded(line)

    reader = csv.reader(texts(), delimiter=delimiter)
    kind, number = HEADER, 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error:
            if kind == HEADER:
                raise NoFormat from None
            cells = [""]  # no row
        if cells is None:
            return
        raw, count = b"".join(taken), len(taken)
        taken.clear()
        if kind == HEADER and cells and len(cells) < 2:
            raise NoFormat
        yield Piece(kind, number, raw, tuple(cells))
        kind, number = ROW if cells else kind, number + count
