"""Files of which every byte is on disk when a call returns: lines appended, and whole ones."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from customer_profiles import outputs

ROOM = "make room on the disk and run this again, what was written before is whole"


def append(path: Path, line: bytes) -> None:
    """Add `line`, or several with line ends between, and one behind: all on disk, or nothing.

    Raises OSError, naming the file, where it cannot be written; what it held stays as it was.
    """
    made = not path.exists()
    with _named(path), path.open("ab", buffering=0) as file:
        before = file.seek(0, os.SEEK_END)
        try:
            left = memoryview(line + b"\n")
            while left:  # a disk that fills up takes a part first
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        except BaseException:
            file.truncate(before)
            raise
        if made:
            _sync(path.parent)


def cut(path: Path, lines: int) -> int:
    """Keep the first `lines` of the lines of `path`; how many were cut off, half a one included.

    Raises ValueError where it has fewer.
    """
    if not path.exists():
        if lines:
            raise ValueError(f"{path.name} is not there, {lines} lines were written")
        return 0
    with _named(path), path.open("rb+") as file:
        held = [len(line) for line in file if line.endswith(b"\n")]
        if len(held) < lines:
            raise ValueError(f"{path.name} holds {len(held)} whole lines, {lines} were written")
        size, end = sum(held[:lines]), file.seek(0, os.SEEK_END)
        if size == end:
            return 0
        file.truncate(size)
        os.fsync(file.fileno())
    return len(held) - lines + (sum(held) < end)


def write(path: Path, content: bytes, certain: bool = True) -> None:
    """Put `content` in the place of what `path` holds, at once. Raises OSError, naming it.

    Unless it is to be `certain`, a power failure right behind it may bring the old content back,
    whole.
    """
    certain = certain or not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    with _named(path), outputs.replacing(path) as fresh, fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if certain:
        _sync(path.parent)


def write_json(path: Path, value: dict, certain: bool = True) -> None:
    """`write` of `value` as JSON with sorted keys."""
    text = json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n"
    write(path, text.encode(), certain)


def remove(path: Path) -> None:
    """Take `path` away, if it is there."""
    path.unlink(missing_ok=True)
    if path.parent.is_dir():
        _sync(path.parent)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OSError(f"{path.name} could not be written ({error.strerror}); {ROOM}") from None


def _sync(folder: Path) -> None:
    # Only so is a name, too, on disk.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
