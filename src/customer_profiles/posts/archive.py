"""Folder of X API pages on disk: .jsonl with a page on each line, .json with one page, or .gz.

In a .jsonl.sealed file each line is one encrypted page. The caller passes `seal`, which encrypts a
line, and `unseal`, which decrypts it. `unseal` raises PermissionError for a line of another key,
ValueError for a damaged line.
"""

import gzip
import io
import logging
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from itertools import chain
from pathlib import Path

from customer_profiles.posts.pages import Conversation, collect, parse_lines
from customer_profiles.project import paths
from customer_profiles.project.files import rewriting

logger = logging.getLogger(__name__)

ENDINGS = (".json", ".jsonl", ".json.gz", ".jsonl.gz", ".jsonl.sealed")
SEALED = ".sealed"
Opener = Callable[[bytes], bytes]  # decrypts a line, or encrypts one
TORN_ERRORS = (EOFError, gzip.BadGzipFile, zlib.error)
# Placeholder for the lost rest of a torn .gz file or a damaged sealed line; not JSON, so that it is
# counted as broken.
TORN = "(torn)"


def read(folder: Path, unseal: Opener | None = None) -> Conversation:
    """Posts and authors of all pages in `folder`; `counts` also holds the number of files.

    Files are read in the order of their names, and the last file decides every count. The collector
    must therefore name files in the order of collection. Raises the errors of `files`, `read_lines`
    and `pages.collect`.
    """
    page_files = files(folder)
    lines = chain.from_iterable(read_lines(file, unseal) for file in page_files)
    conversation = collect(parse_lines(lines))
    conversation.counts["files"] = len(page_files)
    broken = conversation.counts["broken_lines"]
    if broken:
        logger.warning("left out: lines that are no pages, %d in %d files", broken, len(page_files))
    return conversation


def files(folder: Path) -> list[Path]:
    """Files of the archive, sorted by name; hidden files and subfolders are not part of it.

    Raises NotADirectoryError for a file, FileNotFoundError for a folder without pages.
    """
    if folder.is_file():
        raise NotADirectoryError(f"{folder} is a file; give the folder of X API pages it lies in")
    page_files = sorted(
        path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if path.is_file() and path.name.endswith(ENDINGS) and not path.name.startswith(".")
    )
    if not page_files:
        raise FileNotFoundError(
            f"{folder} must hold X API pages, files ending in {', '.join(ENDINGS)}; "
            f"{paths.holding(folder)}"
        )
    return page_files


def read_lines(path: Path, unseal: Opener | None = None) -> Iterator[str]:
    """Lines of a .jsonl file, or a .json file as one line; undecodable bytes become U+FFFD.

    A truncated or damaged .gz file gives its readable lines, then one line that is not JSON. A
    damaged or torn sealed line also gives a line that is not JSON. Raises PermissionError, naming
    the file, for a line of another key, ValueError for a sealed file without `unseal`.
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
    """Lines of a file as `read_lines` finds them, with line ends and every byte, for `write_lines`.

    Note: the last line of a torn .gz file may be incomplete, because all readable bytes are given.
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
    """Replace the content of `path` atomically by `lines`, as `exact_lines` gives them.

    Equal lines give equal bytes, except for sealed lines. The file's permissions are kept. Note: a
    sealed file keeps a line for each of `lines`, even an empty one, because other modules count
    them.
    """
    path = path.resolve()  # the target of a link
    content = (line.encode("utf-8", "surrogateescape") for line in lines)
    with rewriting(path) as file:  # it may be the only copy of paid data
        shutil.copymode(path, file.name)
        packed = path.suffix == ".gz"
        if path.suffix == SEALED:
            content = (seal(line) + b"\n" for line in content)
        with gzip.GzipFile("", "wb", fileobj=file, mtime=0) if packed else nullcontext(file) as to:
            to.writelines(content)


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
    """Gzip file that ends where it is torn. Texts take their bytes by `read1`."""

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
