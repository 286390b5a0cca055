"""Archive of posts on disk: a folder of files in any of the formats that are read, or one file.

Everything in it is used, or left out for a reason that is counted and logged. The caller passes
`seal`, which encrypts a line, and `unseal`, which decrypts it. `unseal` raises PermissionError for
a line of another key, ValueError for a damaged line.
"""

import gc
import logging
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from customer_profiles.posts.formats import containers, documents, recognition, tables
from customer_profiles.posts.formats.containers import Opener, Part
from customer_profiles.posts.formats.documents import Piece
from customer_profiles.posts.formats.tally import Tally, Unreadable
from customer_profiles.posts.pages import Conversation, collect
from customer_profiles.project import paths, vocabulary
from customer_profiles.project.files import digest

logger = logging.getLogger(__name__)

MOST_NAMED = 3  # files in an error


def read(
    folder: Path,
    unseal: Opener | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    reposts: bool = False,
    sizes: Mapping[str, int] | None = None,
) -> Conversation:
    """Posts and authors of the archive `folder`; `counts` also holds the number of files.

    Files are read in the order of their paths, and the last file decides every count. The collector
    must therefore name files in the order of collection. `columns` maps fields to the columns of a
    table (`tables.FIELDS`), `reposts` is as in `pages.collect`. `sizes` says how many bytes of each
    file count, all by default: a file may have grown since they were taken. Raises the errors of
    `files`, `containers.lines` and `pages.collect`.
    """
    sizes, account = sizes or sizes_of(folder), Tally()
    with _without_garbage_collection():
        pages = _pages(folder, sizes, unseal, columns or {}, account)
        conversation = collect(pages, account, reposts)
    conversation.counts["files"] = len(sizes)
    return conversation


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    # JSON holds no cycles, and to look for them takes most of the time of parsing a large page.
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def read_pulled(manifest: Mapping, unseal: Opener | None = None) -> Conversation:
    """The posts and authors that the stage pull read, from its `manifest`, as `read` gives them."""
    return read(
        paths.inside(manifest["archive"]),
        unseal,
        columns=manifest["columns"],
        reposts=manifest["reposts"],
        sizes={file["name"]: file["bytes"] for file in manifest["files"]},
    )


def report(conversation: Conversation, k: int) -> dict:
    """Figures of the archive for data/reports/pull.json: no names, no numbers of few authors."""
    counts, account = conversation.counts, conversation.account
    return {
        **{name: counts[name] for name in ("files", "there", "posts", "reposts", "texts_cut")},
        **{
            name: vocabulary.at_least(counts[name], k)
            for name in ("authors", "authors_who_only_repost", "authors_without_metrics")
        },
        "left_out": dict(sorted(account.reasons.items())),
        "files_left_out": dict(sorted(Counter(account.files.values()).items())),
        "formats": dict(sorted(account.formats.items())),
    }


def files(folder: Path) -> list[Path]:
    """Files of the archive, sorted by path, also those in subfolders; hidden files are none of it.

    Raises FileNotFoundError if there are none.
    """
    there = [path for path, reason in containers.walk(folder) if reason is None]
    if not there:
        raise FileNotFoundError(
            f"{folder} must be a file or folder of posts (docs/archive.md lists the formats); "
            f"{paths.holding(folder)}"
        )
    return there


def check(folder: Path, columns: Mapping[str, str] | None = None) -> None:
    """Look at the beginning of each file until one holds posts.

    Raises ValueError, saying what the files are, if none does, and the errors of `files`.
    """
    reasons = []
    for file in files(folder):
        name = _name(folder, file)
        try:
            if any(
                reason is None and _begins_with_posts(part, columns or {})
                for part, reason in containers.parts(file, name)
            ):
                return
            reasons.append(f"{name} holds no posts of a format that is known")
        except Unreadable as error:
            reasons.append(f"{name} {error}")
    rest = f" and {len(reasons) - MOST_NAMED} more" if len(reasons) > MOST_NAMED else ""
    raise ValueError(
        f"{folder} holds no posts that can be read (docs/archive.md lists the formats): "
        f"{'; '.join(reasons[:MOST_NAMED])}{rest}"
    )


def _begins_with_posts(part: Part, columns: Mapping[str, str]) -> bool:
    if part.member is None and containers.is_sealed(part.path):
        return True
    for piece in documents.pieces(containers.lines(part)):
        if piece.kind == documents.HEADER:
            return bool(tables.fields(piece.cells, columns))
        # A document is one piece, however long it is: the stage pull parses it.
        if piece.kind == documents.DOCUMENT or any(recognition.pages_of(piece, (), Tally())):
            return True
    return False


def sizes_of(folder: Path) -> dict[str, int]:
    """Bytes of each file of the archive by its name: what of it counts if it grows meanwhile."""
    return {_name(folder, file): file.stat().st_size for file in files(folder)}


def digests(folder: Path, sizes: Mapping[str, int]) -> list[dict]:
    """Name, number of bytes and their SHA-256 of each file, for the manifest.

    Warns of files that have grown since `sizes` were taken.
    """
    result, grown = [], []
    for file in files(folder):
        name = _name(folder, file)
        if name in sizes:
            result.append({
                "name": name, "bytes": sizes[name], "sha256": digest(file, sizes[name]),
            })  # fmt: skip
            grown += [name] if file.stat().st_size > sizes[name] else []
        else:
            grown.append(name)
    if grown:
        logger.warning(
            "written while the archive was read, and used as far as they went before: %s; "
            "`dvc repro --force pull` reads the rest", ", ".join(grown),
        )  # fmt: skip
    return result


def _name(folder: Path, file: Path) -> str:
    """The place of `file` in the archive `folder`, as messages and the manifest show it."""
    return file.name if file == folder else file.relative_to(folder).as_posix()


def tell(conversation: Conversation, k: int) -> None:
    """Log what was left out of the archive and why, and what of its posts is not whole.

    Warnings, because they are shown also where QUIET is set. Numbers of fewer than `k` authors are
    not exact.
    """
    counts, account = conversation.counts, conversation.account
    for sentence in account.sentences(counts["there"]):
        logger.warning("%s", sentence)
    if only := counts["authors_who_only_repost"]:
        logger.warning(
            "%s of %s authors only repost; they stay out unless pull.reposts is true",
            vocabulary.at_least(only, k), vocabulary.at_least(counts["authors"] + only, k),
        )  # fmt: skip
    if cut := counts["texts_cut"]:
        logger.warning("%s texts end where X cut them, and their rest is not in the archive", cut)
    if unknown := counts["authors_without_metrics"]:
        logger.warning(
            "%s of %s authors without counts (followers and others are unknown): collect with "
            "expansions=author_id and user.fields=public_metrics,verified,protected,created_at",
            vocabulary.at_least(unknown, k), vocabulary.at_least(counts["authors"], k),
        )  # fmt: skip


class Place(NamedTuple):
    """A piece of a part of a file, and what it is read with.

    `names` are the fields of a table's columns; `section` and `owner` are of X's personal archive.
    """

    part: Part
    piece: Piece
    names: Sequence[str | None] = ()
    section: str = ""
    owner: dict | None = None


Home = tuple[Path, str]  # where an archive of X's lies: the folder of a file, and that in a zip


def places(
    path: Path,
    unseal: Opener | None = None,
    columns: Mapping[str, str] | None = None,
    owners: Mapping[Home, dict] | None = None,
    *,
    members: Collection[str | None] | None = None,
) -> Iterator[Place]:
    """All pieces of the file `path`, also those that `read` leaves out, for `rewriting.rewrite`.

    `owners` are as `owners_in` gives them, by default those of the file alone; of a zip `members`
    are given, all by default. Raises Unreadable, naming the file, where something in it cannot be
    read.
    """
    owners = owners_in([path]) if owners is None else owners
    for part, reason in _parts_exactly(path, unseal, members):
        if reason is None:
            for place in _of_part_exactly(part, unseal, columns or {}):
                yield place._replace(owner=owners.get(_home(part)))


def unreached(
    path: Path, unseal: Opener | None = None, columns: Mapping[str, str] | None = None
) -> list[str]:
    """Sentences: what in the file `path` is hidden or holds nothing to read. Raises as `places`."""
    sentences = []
    for part, reason in _parts_exactly(path, unseal):
        if reason is None:
            for _ in _of_part_exactly(part, unseal, columns or {}):
                pass
        else:
            sentences.append(f"{part.name} {reason}")
    return sentences


def outside(folder: Path) -> list[str]:
    """Sentences: what in `folder` is not of the archive, because it is hidden or a link."""
    return [f"{_name(folder, path)} {reason}" for path, reason in containers.walk(folder) if reason]


def owners_in(files: Iterable[Path]) -> dict[Home, dict]:
    """The owners (API v2 users) of X's personal archives in `files`, by where these lie."""
    owners: dict[Home, dict] = {}
    for file in files:
        with suppress(Unreadable):
            for part, reason in containers.parts(file, file.name):
                if reason is None and not _is_sealed(part):
                    with suppress(Unreadable):
                        owner = _owner(part)
                        owners |= {_home(part): owner} if owner else {}
    return owners


def _owner(part: Part) -> dict | None:
    first = next(containers.lines(part), b"")
    if documents.section(Piece(documents.DOCUMENT, 1, first)) != recognition.ACCOUNT_SECTION:
        return None
    pieces = documents.pieces(containers.lines(part))
    owners = (recognition.owner(piece, recognition.ACCOUNT_SECTION) for piece in pieces)
    return next(filter(None, owners), None)


def _home(part: Part) -> Home:
    return part.path.parent, part.folder


def _is_sealed(part: Part) -> bool:
    return part.member is None and containers.is_sealed(part.path)


def _parts_exactly(
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


def lines(path: Path, unseal: Opener | None = None) -> Iterator[str]:
    """The lines of the file `path`, unpacked and opened, with their ends and every byte."""
    for line in containers.lines(Part(path, path.name), unseal):
        yield (containers.DAMAGED_LINE if line is None else line).decode("utf-8", "surrogateescape")


def _pieces(part: Part, unseal: Opener | None) -> Iterator[Piece]:
    every = containers.lines(part, unseal)
    if _is_sealed(part):
        # As collected, a page each; other modules count these lines.
        return (Piece(documents.LINE, number, line) for number, line in enumerate(every, 1))
    return documents.pieces(every)


def _of_part_exactly(
    part: Part, unseal: Opener | None, columns: Mapping[str, str]
) -> Iterator[Place]:
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
        yield from _pieces(part, unseal)
    except documents.NoFormat:  # before any piece
        for number, line in enumerate(containers.lines(part, unseal), 1):
            yield Piece(documents.LINE, number, line)


def _pages(
    folder: Path,
    sizes: Mapping[str, int],
    unseal: Opener | None,
    columns: Mapping[str, str],
    account: Tally,
) -> Iterator[dict]:
    owners: dict[str, dict] = {}
    owned: list[tuple[str, tuple[str, int], dict]] = []
    for path, reason in containers.walk(folder):
        name = _name(folder, path)
        if reason is None and name not in sizes:
            reason = "came while the archive was read; `dvc repro --force pull` reads it"
        if reason:
            account.leave_file(name, reason)
            continue
        try:
            for part, reason in containers.parts(path, name, sizes[name]):
                if reason:
                    account.leave_file(part.name, reason)
                else:
                    yield from _of_part(part, unseal, columns, account, owners, owned)
        except Unreadable as error:
            account.leave_file(name, str(error))
    for place, account.place, page in owned:
        yield recognition.with_owner(page, owners.get(place))


def _of_part(
    part: Part,
    unseal: Opener | None,
    columns: Mapping[str, str],
    account: Tally,
    owners: dict[str, dict],
    owned: list,
) -> Iterator[dict]:
    names: Sequence[str | None] = ()
    try:
        for piece in _pieces(part, unseal):
            account.place = part.name, piece.line
            if piece.kind == documents.HEADER and piece.cells:
                names = tables.fields(piece.cells, columns)
            for page, is_owned in recognition.pages_of(piece, names, account):
                if not is_owned:
                    yield page
                elif recognition.OWNER in page:
                    owners |= dict.fromkeys([part.folder], *page["includes"]["users"][:1])
                else:
                    owned.append((part.folder, account.place, page))
    except Unreadable as error:
        account.leave_file(part.name, str(error))
