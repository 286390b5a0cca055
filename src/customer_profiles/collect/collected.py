"""The folder data/collect: pages as received from X, sealed, and the ledger of their files.

Pages lie in pages/NUMBER_DAY.jsonl.sealed, whose names sort in the order of collection whatever
the clock says. The ledger tells of each file whether it is held, expired or erased; no ids.
"""

import fcntl
import json
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Protocol

from customer_profiles.collect import checkpoint
from customer_profiles.collect.checkpoint import Checkpoint
from customer_profiles.project import files, paths

logger = logging.getLogger(__name__)

FOLDER = checkpoint.FOLDER
PAGES = f"{FOLDER}/pages"
LEDGER = f"{FOLDER}/ledger.json"
ENDING = ".jsonl.sealed"
STATES = ("held", "expired", "erased")


class Sealer(Protocol):
    """What a vault does for lines."""

    def seal(self, line: bytes) -> bytes: ...

    def unseal(self, token: bytes) -> bytes: ...


class Collection:
    """A file that pages are added to, with the checkpoint that says which of them count.

    `cut` is the number of lines that a killed run had left uncounted, and that were cut off.
    """

    def __init__(self, key: Sealer, state: Checkpoint, cut: int = 0):
        self.checkpoint, self.cut = state, cut
        self._key, self._lines = key, state.lines

    def append(self, page: bytes) -> None:
        """Add a page as it was received: on disk when this returns, but not counted yet.

        Raises OSError, naming the file, where it cannot be written; what it held stays readable.
        """
        with locked():
            files.append(paths.inside(PAGES, self.checkpoint.file), self._key.seal(page))
        self._lines += 1

    def commit(self, day: str, posts: int, **changed) -> None:
        """Count the pages added since the last time, which hold `posts`, collected on `day`.

        `changed` are other fields of the checkpoint.
        """
        state = self.checkpoint
        counted = {"lines": self._lines, "posts": state.posts + posts, "read": state.read + posts}
        with locked():
            # An erasure may have taken an id out since.
            held = checkpoint.load(state.digest, self._key.unseal) or state
            counted |= {"newest_id": held.newest_id, "since_id": held.since_id}
            state = replace(state, **(counted | changed))
            checkpoint.save(state, self._key.seal)
        self.checkpoint = state
        _note(state, day)


def opened(key: Sealer, digest: str, day: str) -> Collection:
    """The collection of the query of `digest`: gone on with, or begun where it is a new one.

    What killed runs of other queries have left uncounted is cut off as well, so that the ledger
    is right about every file. Raises what `resume` and `checkpoint.read` raise.
    """
    for file in checkpoint.files():
        state = checkpoint.read(file, key.unseal)
        if state.digest != digest:
            _cut(state)
    state = checkpoint.load(digest, key.unseal)
    return resume(key, state, day) if state else begin(key, digest, day)


def begin(key: Sealer, digest: str, day: str, **known) -> Collection:
    """A new file for the query of `digest`; `known` are other fields of the first checkpoint.

    The checkpoint is there before any page: it always names the one file of its query that may
    hold more than it counts.
    """
    state = Checkpoint(digest, following(day), **known)
    checkpoint.save(state, key.seal)
    _note(state, day)
    return Collection(key, state)


def following(day: str) -> str:
    """The name of the next file of pages, begun on `day` (YYYY-MM-DD)."""
    date.fromisoformat(day)
    paths.inside(PAGES).mkdir(parents=True, exist_ok=True)
    numbers = (int(name.partition("_")[0]) for name in [*ledger(), *_names()])
    return f"{1 + max(numbers, default=0):06d}_{day}{ENDING}"


def add(key: Sealer, name: str, pages: Iterable[bytes]) -> None:
    """Add pages, as received, to the file `name`: all on disk when this returns, or none.

    Raises what `Collection.append` raises. `note` is what tells the ledger of them.
    """
    with locked():
        files.append(paths.inside(PAGES, name), b"\n".join(map(key.seal, pages)))


def note(name: str, pages: int, posts: int, day: str | None) -> None:
    """Make the ledger say that the file `name` holds so much; again changes nothing.

    `day`: when it was last added to, if that has changed. Of a file that has expired or was erased
    it goes on to say that.
    """
    began = name.partition("_")[2].removesuffix(ENDING)
    with locked():
        held = ledger()
        before = held.get(name, {"state": "held", "first": began, "last": began})
        told = {**before, "pages": pages, "posts": posts, "last": day or before["last"]}
        if before["state"] == "held" and before != told:
            # Of less than it tells after a power failure, the next run makes it the same again.
            files.write_json_synced(paths.inside(LEDGER), {**held, name: told}, certain=False)


def resume(key: Sealer, state: Checkpoint, day: str) -> Collection:
    """Go on where `state` says: what its file holds beyond that is cut off, to be asked for again.

    Where that file is of another day, has expired or was erased since, a new one is begun: a file
    expires as a whole. Raises ValueError where it holds fewer pages than it should.
    """
    cut = _cut(state)
    if state.file.endswith(f"_{day}{ENDING}") and _is_held(state):
        return Collection(key, state, cut)
    begun = ("digest", "file", "lines", "posts")
    known = {name: value for name, value in asdict(state).items() if name not in begun}
    return Collection(key, begin(key, state.digest, day, **known).checkpoint, cut)


def _is_held(state: Checkpoint) -> bool:
    return ledger().get(state.file, {}).get("state", "held") == "held"


def _cut(state: Checkpoint) -> int:
    """Cut off what the file holds beyond what `state` counts; how many lines that were."""
    if not _is_held(state):
        return 0
    try:
        with locked():
            cut = files.cut_lines(paths.inside(PAGES, state.file), state.lines)
    except ValueError as error:
        raise ValueError(
            f"pages are missing from {PAGES} ({error}): restore the file, or remove {FOLDER}/"
            f"{checkpoint.path_of(state.digest).name} to collect them again"
        ) from None
    if cut:
        logger.info("%d pages that a killed run had not counted were cut off", cut)
    _note(state)
    return cut


def ledger() -> dict[str, dict]:
    """By name of each file of pages: state (STATES), pages and posts counted, first and last day.

    Raises ValueError for a damaged ledger: what was erased must not pass for expired.
    """
    file = paths.inside(LEDGER)
    if not file.exists():
        return {}
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
        if any(told["state"] not in STATES for told in held.values()):
            raise ValueError
        return held
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ValueError(f"{LEDGER} is damaged; restore it from a copy") from None


def expire(days: int, today: str) -> list[str]:
    """Remove the files that were last added to more than `days` before `today`; their names."""
    if days < 1:
        raise ValueError(f"pages are kept for at least a day, got {days} days")
    first = (date.fromisoformat(today) - timedelta(days)).isoformat()
    held = {name: told for name, told in ledger().items() if told["state"] == "held"}
    return _remove([name for name, told in held.items() if told["last"] < first], "expired")


def erase(names: Iterable[str]) -> list[str]:
    """Remove these files of pages for good: nothing that was made of them may be kept."""
    return _remove([name for name in ledger() if name in set(names)], "erased")


def sealed() -> list[Path]:
    """Every file here that the key seals: the pages in the order of collection, checkpoints."""
    return [*(paths.inside(PAGES, name) for name in _names()), *checkpoint.files()]


@contextmanager
def alone() -> Iterator[None]:
    """One collection at a time. Raises BlockingIOError while another one runs."""
    folder = paths.inside("data")
    folder.mkdir(exist_ok=True)
    with _flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
        yield


@contextmanager
def locked() -> Iterator[None]:
    """Nobody else adds to the pages or rewrites them, for as long as one of these lasts."""
    folder = paths.inside(PAGES)
    if not folder.is_dir():  # before anything was collected
        yield
        return
    with _flock(folder, fcntl.LOCK_EX):
        yield


@contextmanager
def _flock(folder: Path, operation: int) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, operation)
        except BlockingIOError:
            raise BlockingIOError(
                "another collection is running in this project; wait for its end, or stop it"
            ) from None
        yield
    finally:
        os.close(handle)


def _names() -> list[str]:
    return sorted(file.name for file in paths.inside(PAGES).glob(f"[0-9]*{ENDING}"))


def _note(state: Checkpoint, day: str | None = None) -> None:
    """Make the ledger say what the checkpoint does of its file; again changes nothing.

    `day`: when it was last added to, if that has changed.
    """
    note(state.file, state.lines, state.posts, day)


def _remove(names: list[str], state: str) -> list[str]:
    if not names:
        return []
    with locked():
        # The files first: a kill in between leaves one that is gone and still called held.
        for name in names:
            files.remove(paths.inside(PAGES, name))
        held = ledger()
        for name in names:
            held[name]["state"] = state
        files.write_json_synced(paths.inside(LEDGER), held)
    return names
