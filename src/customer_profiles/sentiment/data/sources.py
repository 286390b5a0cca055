"""Files of labelled posts in a folder, plain or compressed with gzip."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path


def one_of(folder: Path, names: tuple[str, ...]) -> Path | None:
    """The file of `folder` that has one of `names`, maybe with .gz; None where there is none.

    Raises ValueError where there are several.
    """
    possible = [folder / (name + end) for name in names for end in ("", ".gz")]
    existing = [path for path in possible if path.is_file()]
    if len(existing) > 1:
        raise ValueError(
            f"{folder} holds {' and '.join(path.name for path in existing)}, of which one is "
            "expected; take the others out"
        )
    return existing[0] if existing else None


def lines(path: Path, encoding: str, newline: str = "") -> Iterator[str]:
    """Yield the lines of the text file `path` with their ends; `newline` is that of `open`.

    The default is for the csv reader, which itself tells a line's end from a break inside a text.
    Raises ValueError when the file is no whole gzip file, or not in `encoding`.
    """
    way = gzip.open if path.suffix == ".gz" else Path.open
    line = 0
    with way(path, "rt", encoding=encoding, newline=newline) as file:
        try:
            for line, content in enumerate(file, 1):  # noqa: B007
                yield content
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(
                f"{path.name} is no whole gzip file (damage after line {line}); fetch it again"
            ) from error
        except UnicodeDecodeError:  # its own text repeats the content
            raise ValueError(f"{path.name} is not UTF-8; save it as UTF-8") from None
