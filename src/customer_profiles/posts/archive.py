"""Archive of posts on disk: a folder of files in any of the formats that are read, or one file.

Everything in it is used, or left out for a reason that is counted and logged. The caller passes
`seal`, which encrypts a line, and `unseal`, which decrypts it. `unseal` raises PermissionError for
a line of another key, ValueError for a damaged line.
"""

import gc
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from customer_profiles.posts import places
from customer_profiles.posts.formats import containers, documents, recognition, tables
from customer_profiles.posts.formats.containers import Opener, Part
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


def outside(folder: Path) -> list[str]:
    """Sentences: what in `folder` is not of the archive, because it is hidden or a link."""
    return [f"{_name(folder, path)} {reason}" for path, reason in containers.walk(folder) if reason]


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


def lines(path: Path, unseal: Opener | None = None) -> Iterator[str]:
    """The lines of the file `path`, unpacked and opened, with their ends and every byte."""
    for line in containers.lines(Part(path, path.name), unseal):
        yield (containers.DAMAGED_LINE if line is None else line).decode("utf-8", "surrogateescape")


def _pages(
    folder: Path,
    sizes: Mapping[str, int],
    unseal: Opener | None,
    columns: Mapping[str, str],
    account: Tally,
) -> Iterator[dict]:
    owners = places.owners_in(files(folder))
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
                    yield from _of_part(part, unseal, columns, account, owners.get(part.home))
        except Unreadable as error:
            account.leave_file(name, str(error))


def _of_part(
    part: Part,
    unseal: Opener | None,
    columns: Mapping[str, str],
    account: Tally,
    owner: dict | None,
) -> Iterator[dict]:
    names: Sequence[str | None] = ()
    try:
        for piece in places.pieces(part, unseal):
            account.place = part.name, piece.line
            if piece.kind == documents.HEADER and piece.cells:
                names = tables.fields(piece.cells, columns)
            yield from recognition.pages_of(piece, names, account, owner)
    except Unreadable as error:
        account.leave_file(part.name, str(error))
