"""Places in the files of an archive: every piece as it stands, also those that are not read.

Erasure finds and rewrites by places what somebody left, and refuses what it cannot read.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from customer_profiles.posts.formats import containers, documents, recognition, tables
from customer_profiles.posts.formats.containers import Home, Opener, Part
from customer_profiles.posts.formats.documents import Piece
from customer_profiles.posts.formats.tally import Unreadable


class Place(NamedTuple):
    """A piece of a part of a file, and what it is read with.

    `names` are the fields of a table's columns; `section` and `owner` are of X's personal archive.
    """

    part: Part
    piece: Piece
    names: Sequence[str | None] = ()
    section: str = ""
    owner: dict | None = None


def of_file(
    path: Path,
    unseal: Opener | None = None,
    columns: Mapping[str, str] | None = None,
    owners: Mapping[Home, dict] | None = None,
    *,
    members: Collection[str | None] | None = None,
) -> Iterator[Place]:
    """All pieces of the file `path`, for `rewriting.rewrite`.

    `owners` are as `owners_in` gives them, by default those of the file alone; of a zip `members`
    are given, all by default. Raises Unreadable, naming the file, where something in it cannot be
    read.
    """
    owners = owners_in([path]) if owners is None else owners
    for part, reason in _parts(path, unseal, members):
        if reason is None:
            for place in _of_part(part, unseal, columns or {}):
                yield place._replace(owner=owners.get(part.home))


def unreached(
    path: Path, unseal: Opener | None = None, columns: Mapping[str, str] | None = None
) -> list[str]:
    """Sentences: what in file `path` is hidden or holds nothing to read. Raises as `of_file`."""
    sentences = []
    for part, reason in _parts(path, unseal):
        if reason is None:
            for _ in _of_part(part, unseal, columns or {}):
                pass
        else:
            sentences.append(f"{part.name} {reason}")
    return sentences


def owners_in(files: Iterable[Path]) -> dict[Home, dict]:
    """The owners (API v2 users) of X's personal archives in `files`, by where these lie."""
    owners: dict[Home, dict] = {}
    for file in files:
        with suppress(Unreadable):
            for part, reason in containers.parts(file, file.name):
                with suppress(Unreadable, OSError):
                    if reason is None and (owner := _owner(part)):
                        owners[part.home] = owner
    return owners


def _owner(part: Part) -> dict | None:
    # Most files are none of an archive's account: only their first bytes are looked at.
    beginning = Piece(documents.DOCUMENT, 1, containers.first_bytes(part))
    if documents.section(beginning) != recognition.ACCOUNT_SECTION:
        return None
    every = documents.pieces(containers.lines(part))
    return next(filter(None, map(recognition.owner, every)), None)


def _parts(
    path: Path, unseal: Opener | None, members: Collection[str | None] | None = None
) -> Iterator[tuple[Part, str | None]]:
    """The parts of the file `path`, each with why it is hidden or holds nothing to read.

    Raises Unreadable, naming the part, for one that may hold posts.
    """
    part = Part(path, path.name)
    try:
        for part, reason in containers.parts(path, path.name):
            if members is not None and part.member not in members:
                continue
            if reason and not reason.startswith(containers.HIDDEN):
                raise Unreadable(reason)
            yield part, reason or _nothing_in(part, unseal)
    except Unreadable as error:
        raise Unreadable(f"{part.name} {error}") from None


def _nothing_in(part: Part, unseal: Opener | None) -> str | None:
    try:
        next(containers.lines(part, unseal), None)
    except containers.Torn:
        return None
    except Unreadable as error:
        if str(error).startswith(containers.HARMLESS):
            return str(error)
        raise
    return None


def pieces(part: Part, unseal: Opener | None) -> Iterator[Piece]:
    """The pieces of `part`. Raises the errors of `containers.lines` and `documents.pieces`."""
    every = containers.lines(part, unseal)
    if part.member is None and containers.is_sealed(part.path):
        # As collected, a page each; other modules count these lines.
        return (Piece(documents.LINE, number, line) for number, line in enumerate(every, 1))
    return documents.pieces(every)


def _of_part(part: Part, unseal: Opener | None, columns: Mapping[str, str]) -> Iterator[Place]:
    names: Sequence[str | None] = ()
    try:
        for piece in _pieces_or_lines(part, unseal):
            if piece.kind == documents.HEADER:
                with suppress(Unreadable):
                    names = tables.fields(piece.cells, columns)
            yield Place(part, piece, names, documents.section(piece))
    except containers.Torn:
        return  # all that can be read is given
    except Unreadable as error:
        raise Unreadable(f"{part.name} {error}") from None


def _pieces_or_lines(part: Part, unseal: Opener | None) -> Iterator[Piece]:
    try:
        yield from pieces(part, unseal)
    except documents.NoFormat:  # before any piece
        for number, line in enumerate(containers.lines(part, unseal), 1):
            yield Piece(documents.LINE, number, line)
