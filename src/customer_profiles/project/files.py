"""Atomic and deterministic writing of files, locks, and a check of free disk space.

`append`, `create`, `cut_lines`, `move`, `remove`, `rewriting`, `write_synced` and
`write_json_synced` return after fsync.
"""

import fcntl
import glob
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

import pandas as pd
from pydantic import TypeAdapter, ValidationError

Model = TypeVar("Model")
ROW_GROUP = 50_000
ROOM = "make room on the disk and run this again, what was written before is whole"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it replaces `path` when the block succeeds.

    Works for a file and for a folder. A reader sees either the old content or the new one. After an
    error the old content is unchanged.

    Note: an old folder is moved aside first, so a kill at that moment can leave no folder, but
    never a mixed one.
    """
    with scratch(path) as fresh:
        yield fresh
        if path.is_dir() and fresh.exists():  # if `fresh` is missing, `replace` raises below
            old = path.with_name(f".{path.name}.{os.getpid()}.old")
            path.rename(old)
            fresh.rename(path)
            _remove(old)
        else:
            fresh.replace(path)


@contextmanager
def scratch(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, removed after the block; after a kill, by the next."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        yield fresh
    finally:
        _remove(fresh)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Name the file `path`, and the remedy, in an error of the system that ends the block."""
    try:
        yield
    except OSError as error:
        if error.errno is None:  # another's, with a message of its own
            raise
        raise OSError(f"{path.name} could not be written ({error.strerror}); {ROOM}") from None


@contextmanager
def locked(folder: Path, busy: str | None = None) -> Iterator[None]:
    """Exclusive lock on `folder`, among processes and threads, until the end of the block.

    With `busy`, BlockingIOError of this text is raised while another holds the lock.
    """
    # Not by the library filelock: it polls while it waits, and leaves a lock file behind.
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (fcntl.LOCK_NB if busy else 0))
    except BlockingIOError:
        os.close(handle)
        raise BlockingIOError(busy) from None
    try:
        yield
    finally:
        os.close(handle)


def read_model(content: bytes, model: type[Model], damaged: str) -> Model:
    """The JSON `content` as a `model`, a type that pydantic validates; ValueError(damaged) if not.

    `damaged` names the file and the remedy.
    """
    try:
        return TypeAdapter(model).validate_json(content, strict=True)
    except ValidationError:  # its message repeats the content
        raise ValueError(damaged) from None


def write_json(path: Path, value: dict, digits: int = 4) -> None:
    """Write `value` with sorted keys and floats rounded to `digits` decimals.

    Raises ValueError for NaN and infinity, which JSON does not know.
    """
    text = json.dumps(_rounded(value, digits), indent=2, sort_keys=True, allow_nan=False)
    write_text(path, text + "\n")


def write_csv(path: Path, frame: pd.DataFrame, digits: int = 4) -> None:
    """Write `frame` without its index, floats rounded to `digits` decimals."""
    write_text(path, frame.round(digits).to_csv(index=False, lineterminator="\n"))


def write_parquet(path: Path, frame: pd.DataFrame) -> None:
    """Write `frame` without its index, in row groups that a reader can load one by one."""
    with replacing(path) as fresh:
        frame.to_parquet(fresh, index=False, row_group_size=ROW_GROUP)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8."""
    with replacing(path) as fresh:
        fresh.write_text(text, encoding="utf-8")


def require_room(folder: Path, size: float, purpose: str) -> None:
    """Raise OSError, naming `purpose`, unless `size` bytes are free on the disk of `folder`.

    The folder need not exist yet.
    """
    place = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(place).free
    if free < size:
        raise OSError(
            f"{purpose} needs {size / 1e9:.2f} GB, but {free / 1e9:.2f} GB are free in {place}; "
            "make room there, or use a larger disk"
        )


def digest(path: Path, size: int | None = None) -> str:
    """SHA-256, in hex, of a file (its first `size` bytes) or of a folder's names and contents.

    Raises FileNotFoundError when there is neither.
    """
    if path.is_file():
        with path.open("rb") as file:
            if size is None:
                return hashlib.file_digest(file, "sha256").hexdigest()
            taken = hashlib.sha256()
            while size > 0 and (block := file.read(min(size, 2**20))):
                taken.update(block)
                size -= len(block)
            return taken.hexdigest()
    if not path.is_dir():
        raise FileNotFoundError(f"there is no file or folder {path} to take a digest of")
    total = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        total.update(f"{file.relative_to(path).as_posix()}\0{digest(file)}\n".encode())
    return total.hexdigest()


def append(path: Path, line: bytes) -> None:
    """Append `line` (or several, joined by line ends) and a line end: all or nothing, with fsync.

    Raises OSError, naming the file, if the write fails; the old content is then unchanged.
    """
    made = not path.exists()
    with named(path), path.open("ab", buffering=0) as file:
        before = file.seek(0, os.SEEK_END)
        try:
            left = memoryview(line + b"\n")
            while left:  # on a full disk a write may be partial
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        except BaseException:
            file.truncate(before)
            raise
        if made:
            _sync(path.parent)


def cut_lines(path: Path, lines: int) -> int:
    """Truncate `path` to its first `lines` lines; return the number of lines cut off.

    An incomplete last line counts as one. Raises ValueError if the file has fewer lines.
    """
    if not path.exists():
        if lines:
            raise ValueError(f"{path.name} is not there, {lines} lines were written")
        return 0
    with named(path), path.open("rb+") as file:
        lengths = [len(line) for line in file if line.endswith(b"\n")]
        if len(lengths) < lines:
            raise ValueError(f"{path.name} holds {len(lengths)} whole lines, {lines} were written")
        size, end = sum(lengths[:lines]), file.seek(0, os.SEEK_END)
        if size == end:
            return 0
        file.truncate(size)
        os.fsync(file.fileno())
    return len(lengths) - lines + (sum(lengths) < end)


@contextmanager
def rewriting(path: Path, certain: bool = True) -> Iterator[BinaryIO]:
    """Yield a binary file that replaces `path`, with fsync, when the block succeeds.

    Note: unless `certain`, a power failure right after the call may restore the whole old content.
    """
    certain = certain or not path.exists()
    with replacing(path) as fresh, fresh.open("wb") as file:
        yield file
        _flush(file)
    if certain:
        _sync(path.parent)


def write_synced(path: Path, content: bytes, certain: bool = True) -> None:
    """`rewriting` of `path` with `content`. Raises OSError, naming the file."""
    with named(path), rewriting(path, certain) as file:
        file.write(content)


def write_json_synced(path: Path, value: dict, certain: bool = True) -> None:
    """`write_synced` of `value` as JSON with sorted keys."""
    text = json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n"
    write_synced(path, text.encode(), certain)


def create(path: Path, content: bytes) -> None:
    """Create `path`, readable by its owner alone: with all of `content`, or not at all.

    Raises FileExistsError, and leaves the file as it is, if there is one.
    """
    with scratch(path) as fresh:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            _flush(file)
        path.hardlink_to(fresh)  # unlike a move, it replaces nothing
        _sync(path.parent)


def close_to_others(paths: Iterable[Path]) -> int:
    """Take all access away from group and others; return the number of `paths` that had some.

    Raises OSError, naming the path, where the file system or its owner does not allow it.
    """
    opened = [path for path in paths if path.lstat().st_mode & 0o077 and not path.is_symlink()]
    for path in opened:
        path.chmod(path.stat().st_mode & 0o700)
        if path.stat().st_mode & 0o077:
            raise OSError(
                f"{path.name} stays readable by others, because this file system keeps no "
                "permissions; move the project to one that does"
            )
    return len(opened)


def move(old: Path, new: Path) -> None:
    """Move `old` to `new`, in place of what was there."""
    old.replace(new)
    _sync(new.parent)


def remove(path: Path) -> None:
    """Delete `path` if it exists, and fsync its folder."""
    path.unlink(missing_ok=True)
    if path.parent.is_dir():
        _sync(path.parent)


def _rounded(value, digits: int):
    if isinstance(value, dict):
        return {str(key): _rounded(item, digits) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item, digits) for item in value]
    if hasattr(value, "item"):  # a NumPy scalar
        value = value.item()
    return round(value, digits) if isinstance(value, float) else value


def _sweep(path: Path) -> None:
    """Remove temporary files of killed processes beside `path`, maybe private or incomplete."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*"):
        process, _, kind = left.name.removeprefix(f".{path.name}.").partition(".")
        if kind in ("new", "old") and process.isdigit() and not _runs_elsewhere(int(process)):
            _remove(left)


def _runs_elsewhere(process: int) -> bool:
    if process == os.getpid():  # process ids are reused: the file is of an earlier process
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    # The name is on disk only after fsync of the folder.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
