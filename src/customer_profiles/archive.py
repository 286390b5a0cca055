"""A folder of X API pages on disk: .jsonl with a page on each line, .json with one page, or .gz."""

import gzip
import logging
import zlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from customer_profiles import paths
from customer_profiles.pages import Conversation, collect, parse_lines

logger = logging.getLogger(__name__)

ENDINGS = (".json", ".jsonl", ".json.gz", ".jsonl.gz")
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
            if ".jsonl" in path.suffixes[-2:]:
                yield from file
            else:
                yield file.read()
        except (EOFError, gzip.BadGzipFile, zlib.error):
            yield TORN
