"""A folder of X API pages on disk: .jsonl with a page on each line, .json with one page, or .gz."""

import gzip
import io
import logging
import shutil
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from customer_profiles import outputs, paths
from customer_profiles.pages import Conversation, collect, parse_lines

logger = logging.getLogger(__name__)

ENDINGS = (".json", ".jsonl", ".json.gz", ".jsonl.gz")
TORN_ERRORS = (EOFError, gzip.BadGzipFile, zlib.error)
# Stands for what a torn .gz file no longer holds; no JSON, so that it is counted as broken.
TORN = "(torn)"


def read(folder: Path) -> Conversation:
    """Posts and authors of all pages in `folder`; `counts` also holds the number of files.

    Files are read in the order of their names, so name them in the order of collection: the last
    one has the last word on every count. Raises what `files` and `pages.collect` raise.
    """
    found = files(folder)
    conversation = collect(parse_lines(chain.from_iterable(map(read_lines, found))))
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


def read_lines(path: Path) -> Iterator[str]:
    """Lines of a .jsonl file, or a .json file as one line; undecodable bytes become U+FFFD.

    A .gz file that ends too early or is damaged gives the lines that can be read, then one
    that is no JSON.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8-sig", errors="replace") as file:
        try:
            yield from _lines(file, path)
        except TORN_ERRORS:
            yield TORN


def exact_lines(path: Path) -> Iterator[str]:
    """The lines that `read_lines` finds, with their ends and every byte, for `write_lines`.

    Of a torn .gz file the last line may be half: all that can be read is given.
    """
    opened = _Readable if path.suffix == ".gz" else open
    with io.TextIOWrapper(
        opened(path, "rb"), encoding="utf-8", errors="surrogateescape", newline=""
    ) as file:
        yield from _lines(file, path)


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Put `lines`, as `exact_lines` gives them, in the place of those of `path`, at once.

    The same lines give the same bytes; who may read the file stays as it is.
    """
    path = path.resolve()  # of a link, the file itself
    with outputs.replacing(path) as fresh, fresh.open("wb") as file:
        shutil.copymode(path, fresh)
        packed = path.suffix == ".gz"
        with gzip.GzipFile("", "wb", fileobj=file, mtime=0) if packed else file as content:
            content.writelines(line.encode("utf-8", "surrogateescape") for line in lines)


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
