"""A folder of X API pages on disk: .jsonl with a page on each line, .json with one page, or .gz.

In a .jsonl.sealed file each page is encrypted on a line of its own. What opens such a line is the
caller's, `unseal`: it raises PermissionError for a line of another key, ValueError for a damaged
one. So is what seals it, `seal`.
"""

import gzip
import io
import logging
import os
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from itertools import chain
from pathlib import Path

from customer_profiles.posts.pages import Conversation, collect, parse_lines
from customer_profiles.project import paths
from customer_profiles.project.files import replacing

logger = logging.getLogger(__name__)

ENDINGS = (".json", ".jsonl", ".json.gz", ".jsonl.gz", ".jsonl.sealed")
SEALED = ".sealed"
Opener = Callable[[bytes], bytes]  # of a line, and likewise what seals one
TORN_ERRORS = (EOFError, gzip.BadGzipFile, zlib.error)
# Stands for what a torn .gz file or a damaged sealed line no longer holds; no JSON, so that it is
# counted as broken.
TORN = "(torn)"


def read(folder: Path, unseal: Opener | None = None) -> Conversation:
    """Posts and authors of all pages in `folder`; `counts` also holds the number of files.

    Files are read in the order of their names, so name them in the order of collection: the last
    one has the last word on every count. Raises what `files`, `read_lines` and `pages.collect`
    raise.
    """
    found = files(folder)
    lines = chain.from_iterable(read_lines(file, unseal) for file in found)
    conversation = collect(parse_lines(lines))
    conversation.counts["files"] = len(found)
    broken = conversation.counts["broken_lines"]
    if broken:
        logger.warning("left out: lines that are no pages, %d in %d files", broken, len(found))
    return conversation


def files(folder: Path) -> list[Path]:
    """The archive's files, sorted by name; hidden files and subfolders are not part of it.

    Raises NotADirectoryError for a file, FileNotFoundError where there is no page.
    """
    if folder.is_file():
        raise NotADirectoryError(f"{folder} is a file; give the folder of X API pages it lies in")
    found = sorted(
        path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if path.is_file() and path.name.endswith(ENDINGS) and not path.name.startswith(".")
    )
    if not found:
        raise FileNotFoundError(
            f"{folder} must hold X API pages, files ending in {', '.join(ENDINGS)}; "
            f"{paths.holding(folder)}"
        )
    return found


def read_lines(path: Path, unseal: Opener | None = None) -> Iterator[str]:
    """Lines of a .jsonl file, or a .json file as one line; undecodable bytes become U+FFFD.

    A .gz file that ends too early or is damaged gives the lines that can be read, then one
    that is no JSON; so does a sealed line that is damaged or torn. Raises PermissionError, naming
    the file, for a line of another key, ValueError where there is no `unseal` for a sealed file.
    """
    if path.suffix == SEALED:
        for line in _opened(path, unseal):
            yield line.decode("utf-8-sig", "replace")
        return
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8-sig", errors="replace") as file:
        try:
            yield from _lines(file, path)
        except TORN_ERRORS:
            yield TORN


def exact_lines(path: Path, unseal: Opener | None = None) -> Iterator[str]:
    """The lines that `read_lines` finds, with their ends and every byte, for `write_lines`.

    Of a torn .gz file the last line may be half: all that can be read is given.
    """
    if path.suffix == SEALED:
        for line in _opened(path, unseal):
            yield line.decode("utf-8", "surrogateescape")
        return
    opened = _Readable if path.suffix == ".gz" else open
    with io.TextIOWrapper(
        opened(path, "rb"), encoding="utf-8", errors="surrogateescape", newline=""
    ) as file:
        yield from _lines(file, path)


def write_lines(path: Path, lines: Iterable[str], seal: Opener | None = None) -> None:
    """Put `lines`, as `exact_lines` gives them, in the place of those of `path`, at once.

    The same lines give the same bytes, except sealed ones; who may read the file stays as it is.
    A sealed file keeps a line for each, be it empty: others count them.
    """
    path = path.resolve()  # of a link, the file itself
    content = (line.encode("utf-8", "surrogateescape") for line in lines)
    with replacing(path) as fresh, fresh.open("wb") as file:
        shutil.copymode(path, fresh)
        packed = path.suffix == ".gz"
        if path.suffix == SEALED:
            content = (seal(line) + b"\n" for line in content)
        with gzip.GzipFile("", "wb", fileobj=file, mtime=0) if packed else nullcontext(file) as to:
            to.writelines(content)
        file.flush()
        os.fsync(file.fileno())  # these may be the only copy of what was paid for


def _opened(path: Path, unseal: Opener | None) -> Iterator[bytes]:
    if unseal is None:
        raise ValueError(
            f"{path.name} holds sealed pages: give what opens them, `unseal` of the project's key"
        )
    with path.open("rb") as file:
        for line in file:
            try:
                yield unseal(line)
            except PermissionError as error:
                raise type(error)(f"{path.name} cannot be opened: {error}") from None
            except ValueError:
                yield TORN.encode()


class _Readable(gzip.GzipFile):
    """Ends where it is torn. Texts take their bytes by `read1`."""

    def read1(self, size: int = -1) -> bytes:
        try:
            return super().read1(size)
        except TORN_ERRORS:
            return b""


def _lines(file: Iterable[str], path: Path) -> Iterator[str]:
    if ".jsonl" in path.suffixes[-2:]:
        yield from file
    else:
        yield "".join(file)
