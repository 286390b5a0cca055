"""The folder data/collect: pages as received from X, sealed, with a ledger and checkpoints.

Pages are in pages/NUMBER_DAY.jsonl.sealed; the names sort in the order of collection, independent
of the clock. The ledger records the state of each file (held, expired or erased), and no ids.

A checkpoint records the progress of one query's collection. It is written after a page is on disk,
so a kill in between leaves a line that the checkpoint does not count; the next run cuts that line
off and requests the page again. Each query has its own file: one sealed line with one JSON object.
Erasure treats the checkpoint like pages: the id of an erased post is removed.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict
from pydantic.dataclasses import dataclass

from customer_profiles.privacy.keys.key import Key
from customer_profiles.project import files, paths

logger = logging.getLogger(__name__)

FOLDER = "data/collect"
PAGES = f"{FOLDER}/pages"
LEDGER = f"{FOLDER}/ledger.json"
ENDING = ".jsonl.sealed"
# A message of pydantic would repeat the values, ids among them.
STRICT = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)


class Entry(BaseModel):
    """Ledger entry of a file: its numbers of pages and posts, first and last day (YYYY-MM-DD)."""

    model_config = STRICT

    state: Literal["held", "expired", "erased"] = "held"
    pages: int = 0
    posts: int = 0
    first: str
    last: str


@dataclass(frozen=True, config=STRICT)
class Checkpoint:
    """State of one query's collection; `repr` shows no id. Times are seconds since 1970."""

    digest: str
    """Digest of the query and the endpoint (`query_digest`)."""
    file: str
    """Name of the file that pages are added to."""
    lines: int = 0
    """Lines of that file that are counted."""
    posts: int = 0
    """Posts on the counted lines."""
    read: int = 0
    """Posts collected by this run, over all files."""
    next_token: str | None = None
    """Token of the next page; None before the first and after the last."""
    newest_id: str | None = None
    """Newest id, from the first page with posts; None before it, or if that post was erased."""
    newest_time: int | None = None
    """Time of the post `newest_id`; kept when the id is erased."""
    since_id: str | None = None
    """Lower bound of this run, with `since_time`: newest_id and newest_time of the previous run."""
    since_time: int | None = None
    done: bool = False
    """True if the last page is stored."""

    def __repr__(self) -> str:
        return f"Checkpoint({self.file}, lines={self.lines}, read={self.read}, done={self.done})"


def query_digest(endpoint: str, query: Mapping[str, object]) -> str:
    """SHA-256, 64 hex digits, of an endpoint and its parameters, independent of their order."""
    text = json.dumps([endpoint, dict(query)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class PagesFolder:
    """The folder data/collect of the project; its sealed content requires a `key`.

    `open` prepares it for the pages of one query, `append` writes a page to disk, and `commit`
    counts the page. A caller that adds pages of another kind names the file: `add`, then `record`.
    """

    def __init__(self, key: Key | None = None):
        self.checkpoint: Checkpoint | None = None
        """Checkpoint of the open query."""
        self.cut = 0
        """Uncounted lines of a killed run of that query, which were cut off."""
        self._key, self._lines = key, 0
        self._data, self._pages, self._ledger = map(paths.inside, ("data", PAGES, LEDGER))

    @contextmanager
    def single_run(self) -> Iterator[None]:
        """Lock for one collection at a time. Raises BlockingIOError while another one runs."""
        self._data.mkdir(exist_ok=True)
        busy = "another collection is running in this project; wait for its end, or stop it"
        with files.locked(self._data, busy):
            yield

    def open(self, digest: str, day: str) -> None:
        """Resume the collection of the query of `digest` from its checkpoint, or begin it.

        For every query the uncounted lines of a killed run are cut off, to be requested again, so
        that the ledger is right about every file. A new file is begun if this query's file is of
        another day than `day`, has expired or was erased: a file expires as a whole.

        Raises PermissionError for a checkpoint of another key, and ValueError for a damaged one or
        a file with fewer pages than counted. Each message gives the remedy.
        """
        known = {state.digest: state for state in map(self._read, self.checkpoint_files())}
        cut = {name: self._cut_uncounted(state) for name, state in known.items()}
        if known and digest not in known:
            logger.info("the query is a new one: it begins anew, what others collected stays")
        # Read again: an erasure may have taken an id out while the files were cut.
        state = self.checkpoint_of(digest) or Checkpoint(digest, file="")
        if not (state.file.endswith(f"_{day}{ENDING}") and self._is_held(state.file)):
            state = replace(state, file=self.next_file_name(day), lines=0, posts=0)
            # Before any page: it names the one file of its query that may hold more than it counts.
            self._write(state)
            self.record(state.file, 0, 0, day)
        self.checkpoint, self.cut, self._lines = state, cut.get(digest, 0), state.lines

    def append(self, page: bytes) -> None:
        """Append a page as received: on disk when this returns, but not counted yet.

        Raises OSError, naming the file, if it cannot be written; its former content stays readable.
        """
        self.add(self.checkpoint.file, [page])
        self._lines += 1

    def commit(self, day: str, posts: int, **changes: object) -> None:
        """Count the pages appended since the last commit, which hold `posts`, collected on `day`.

        `changes` are other fields of the checkpoint.
        """
        state = self.checkpoint
        counted = {"lines": self._lines, "posts": state.posts + posts, "read": state.read + posts}
        with self.exclusive():
            # An erasure may have taken an id out since.
            on_disk = self.checkpoint_of(state.digest) or state
            counted |= {"newest_id": on_disk.newest_id, "since_id": on_disk.since_id}
            state = replace(state, **(counted | changes))
            self._write(state)
        self.checkpoint = state
        self.record(state.file, state.lines, state.posts, day)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Lock that excludes other writers of the pages for the duration of the block."""
        if not self._pages.is_dir():  # before anything was collected
            yield
            return
        with files.locked(self._pages):
            yield

    def page_file(self, name: str) -> Path:
        """Path of the file of pages `name`."""
        return self._pages / name

    def sealed_files(self) -> list[Path]:
        """All sealed files: the pages in the order of collection, then the checkpoints."""
        return [*self._page_files(), *self.checkpoint_files()]

    def next_file_name(self, day: str) -> str:
        """The name of the next file of pages, begun on `day` (YYYY-MM-DD)."""
        date.fromisoformat(day)
        self._pages.mkdir(parents=True, exist_ok=True)
        names = [*self.ledger(), *(file.name for file in self._page_files())]
        last = max((int(name.partition("_")[0]) for name in names), default=0)
        return f"{1 + last:06d}_{day}{ENDING}"

    def add(self, name: str, pages: Iterable[bytes]) -> None:
        """Append pages, as received, to the file `name`: all on disk when this returns, or none.

        Raises OSError as `append` does. `record` enters the pages into the ledger.
        """
        with self.exclusive():
            files.append(self.page_file(name), b"\n".join(map(self._key.seal, pages)))

    def record(self, name: str, pages: int, posts: int, day: str | None = None) -> None:
        """Enter the numbers of pages and posts of the file `name` into the ledger; idempotent.

        `day` is the day of the last addition, if it has changed. The entry of an expired or erased
        file is left unchanged.
        """
        began = name.partition("_")[2].removesuffix(ENDING)
        with self.exclusive():
            ledger = self.ledger()
            before = ledger.get(name, Entry(first=began, last=began))
            changes = {"pages": pages, "posts": posts, "last": day or before.last}
            entry = before.model_copy(update=changes)
            if before.state == "held" and ledger.get(name) != entry:
                # Of less than it says after a power failure, the next run makes it the same again.
                self._write_ledger({**ledger, name: entry}, certain=False)

    def ledger(self) -> dict[str, Entry]:
        """Ledger entries by file name.

        Raises ValueError for a damaged ledger: an erased file must not pass for an expired one.
        """
        if not self._ledger.exists():
            return {}
        damaged = f"{LEDGER} is damaged; restore it from a copy"
        return files.read_model(self._ledger.read_bytes(), dict[str, Entry], damaged)

    def expire(self, days: int, today: str) -> list[str]:
        """Remove files last added to more than `days` days before `today`; return their names."""
        if days < 1:
            raise ValueError(f"pages are kept for at least a day, got {days} days")
        first = (date.fromisoformat(today) - timedelta(days)).isoformat()
        entries = self.ledger().items()
        old = [name for name, entry in entries if entry.state == "held" and entry.last < first]
        return self._remove(old, "expired")

    def erase(self, names: Iterable[str]) -> list[str]:
        """Remove these files of pages and record them as erased; return their names.

        Nothing derived from them may be kept.
        """
        return self._remove(sorted(self.ledger().keys() & set(names)), "erased")

    def checkpoint_file(self, digest: str) -> Path:
        """Path of the checkpoint of the query of `digest`."""
        return self._pages.with_name(f"checkpoint_{digest[:16]}.sealed")

    def checkpoint_files(self) -> list[Path]:
        """The checkpoints of all queries, sorted by name."""
        return sorted(self._pages.parent.glob("checkpoint_*.sealed"))

    def checkpoint_of(self, digest: str) -> Checkpoint | None:
        """The checkpoint of the query of `digest`; None if there is none.

        Raises PermissionError for another key and ValueError for a damaged checkpoint, with the
        remedy.
        """
        file = self.checkpoint_file(digest)
        return self._read(file) if file.exists() else None

    def _read(self, file: Path) -> Checkpoint:
        name = f"{FOLDER}/{file.name}"
        way_out = f"or remove {name} to start anew, which reads and pays for these pages again"
        damaged = f"{name} is damaged; restore it, {way_out}"
        try:
            state = files.read_model(self._key.unseal(file.read_bytes()), Checkpoint, damaged)
            if self.checkpoint_file(state.digest) != file:
                raise ValueError
        except PermissionError as error:
            raise type(error)(f"{name} cannot be opened: {error}, {way_out}") from None
        except ValueError:
            raise ValueError(damaged) from None
        return state

    def _write_ledger(self, ledger: Mapping[str, Entry], certain: bool = True) -> None:
        entries = {name: entry.model_dump() for name, entry in ledger.items()}
        files.write_json_synced(self._ledger, entries, certain)

    def _write(self, state: Checkpoint) -> None:
        line = json.dumps(asdict(state), separators=(",", ":"), sort_keys=True)
        content = self._key.seal(line.encode()) + b"\n"
        # The last one, should it come back after a power failure, only has a page asked for again.
        files.write_synced(self.checkpoint_file(state.digest), content, certain=False)

    def _cut_uncounted(self, state: Checkpoint) -> int:
        """Cut off the lines of the file that `state` does not count; return their number."""
        if not self._is_held(state.file):
            return 0
        try:
            with self.exclusive():
                cut = files.cut_lines(self.page_file(state.file), state.lines)
        except ValueError as error:
            raise ValueError(
                f"pages are missing from {PAGES} ({error}): restore the file, or remove {FOLDER}/"
                f"{self.checkpoint_file(state.digest).name} to collect them again"
            ) from None
        if cut:
            logger.info("%d pages that a killed run had not committed were removed", cut)
        self.record(state.file, state.lines, state.posts)
        return cut

    def _is_held(self, name: str) -> bool:
        entry = self.ledger().get(name)
        return entry is None or entry.state == "held"

    def _page_files(self) -> list[Path]:
        return sorted(self._pages.glob(f"[0-9]*{ENDING}"))

    def _remove(self, names: list[str], state: str) -> list[str]:
        if not names:
            return []
        with self.exclusive():
            # The files first: a kill in between leaves a removed file whose entry is still held.
            for name in names:
                files.remove(self.page_file(name))
            ledger = self.ledger()
            for name in names:
                ledger[name] = ledger[name].model_copy(update={"state": state})
            self._write_ledger(ledger)
        return names
