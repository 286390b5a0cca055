"""The folder data/collect: pages as received from X, sealed, with a ledger and checkpoints.

Pages lie in pages/NUMBER_DAY.jsonl.sealed, whose names sort in the order of collection whatever
the clock says. The ledger says of each file whether it is held, expired or erased; no ids.

A checkpoint says how far the collection of one query has come. It is written after a page is on
disk, so a kill in between leaves a line behind those that it counts; who goes on cuts that line off
and asks for the page again. Each query has a file of its own: one sealed line with one JSON object,
and erasure treats it as it treats pages: an erased post's id goes.
"""

import fcntl
import hashlib
import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from customer_profiles.privacy.keys.key import Key
from customer_profiles.project import files, paths

logger = logging.getLogger(__name__)

FOLDER = "data/collect"
PAGES = f"{FOLDER}/pages"
LEDGER = f"{FOLDER}/ledger.json"
ENDING = ".jsonl.sealed"
STATES = ("held", "expired", "erased")


@dataclass(frozen=True)
class Checkpoint:
    """State of one query's collection; `repr` shows no id. Times are seconds since 1970."""

    digest: str
    """Of the query and the endpoint (`query_digest`)."""
    file: str
    """Name of the file that pages are added to."""
    lines: int = 0
    """Lines of that file that count."""
    posts: int = 0
    """Posts on them."""
    read: int = 0
    """Posts of this run, over all files."""
    next_token: str | None = None
    """Of the page to ask for; None before the first and after the last."""
    newest_id: str | None = None
    """Of the first page that held posts; None before it, or where that post has been erased."""
    newest_time: int | None = None
    """When that post was written; stays when its id goes."""
    since_id: str | None = None
    """What this run asks beyond: newest_id and newest_time of the one before."""
    since_time: int | None = None
    done: bool = False
    """Whether the last page is held."""

    def __repr__(self) -> str:
        return f"Checkpoint({self.file}, lines={self.lines}, read={self.read}, done={self.done})"


def query_digest(endpoint: str, query: Mapping[str, object]) -> str:
    """64 hex digits that stand for an endpoint and its parameters, in whatever order."""
    text = json.dumps([endpoint, dict(query)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class PagesFolder:
    """The folder data/collect of the project; what is sealed in it takes a `key`.

    `open` makes it ready for the pages of one query, `append` puts a page on disk, and `commit`
    counts it. Whoever adds pages of another kind names the file: `add`, then `record`.
    """

    def __init__(self, key: Key | None = None):
        self.checkpoint: Checkpoint | None = None
        """Of the query that was opened."""
        self.cut = 0
        """Lines that a killed run of that query had left uncounted, and that were cut off."""
        self._key, self._lines = key, 0
        self._data, self._pages, self._ledger = map(paths.inside, ("data", PAGES, LEDGER))

    @contextmanager
    def single_run(self) -> Iterator[None]:
        """One collection at a time. Raises BlockingIOError while another one runs."""
        self._data.mkdir(exist_ok=True)
        with _flock(self._data, fcntl.LOCK_EX | fcntl.LOCK_NB):
            yield

    def open(self, digest: str, day: str) -> None:
        """Go on with the collection of the query of `digest` where it stands, or begin it.

        Of every query, what a killed run has left uncounted is cut off, to be asked for again, so
        that the ledger is right about every file. Where this query's file is of another day than
        `day`, has expired or was erased since, a new one is begun: a file expires as a whole.

        Raises PermissionError for a checkpoint of another key, ValueError for a damaged one and
        where a file holds fewer pages than it should, each with the way out.
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
        """Add a page as it was received: on disk when this returns, but not counted yet.

        Raises OSError, naming the file, where it cannot be written; what it held stays readable.
        """
        self.add(self.checkpoint.file, [page])
        self._lines += 1

    def commit(self, day: str, posts: int, **changes: object) -> None:
        """Count the pages added since the last time, which hold `posts`, collected on `day`.

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
        """Nobody else adds to the pages or rewrites them, for as long as one of these lasts."""
        if not self._pages.is_dir():  # before anything was collected
            yield
            return
        with _flock(self._pages, fcntl.LOCK_EX):
            yield

    def page_file(self, name: str) -> Path:
        """Where the file of pages `name` lies."""
        return self._pages / name

    def sealed_files(self) -> list[Path]:
        """Every file here that the key seals: the pages in the order of collection, checkpoints."""
        return [*self._page_files(), *self.checkpoint_files()]

    def next_file_name(self, day: str) -> str:
        """The name of the next file of pages, begun on `day` (YYYY-MM-DD)."""
        date.fromisoformat(day)
        self._pages.mkdir(parents=True, exist_ok=True)
        names = [*self.ledger(), *(file.name for file in self._page_files())]
        last = max((int(name.partition("_")[0]) for name in names), default=0)
        return f"{1 + last:06d}_{day}{ENDING}"

    def add(self, name: str, pages: Iterable[bytes]) -> None:
        """Add pages, as received, to the file `name`: all on disk when this returns, or none.

        Raises what `append` raises. `record` is what puts them into the ledger.
        """
        with self.exclusive():
            files.append(self.page_file(name), b"\n".join(map(self._key.seal, pages)))

    def record(self, name: str, pages: int, posts: int, day: str | None = None) -> None:
        """Make the ledger say that the file `name` holds so much; again changes nothing.

        `day`: when it was last added to, if that has changed. Of a file that has expired or was
        erased it goes on to say that.
        """
        began = name.partition("_")[2].removesuffix(ENDING)
        with self.exclusive():
            ledger = self.ledger()
            before = ledger.get(name, {"state": "held", "first": began, "last": began})
            entry = {**before, "pages": pages, "posts": posts, "last": day or before["last"]}
            if before["state"] == "held" and before != entry:
                # Of less than it says after a power failure, the next run makes it the same again.
                files.write_json_synced(self._ledger, {**ledger, name: entry}, certain=False)

    def ledger(self) -> dict[str, dict]:
        """By name of each file of pages: state (STATES), pages and posts, first and last day.

        Raises ValueError for a damaged ledger: what was erased must not pass for expired.
        """
        try:
            ledger = json.loads(self._ledger.read_text(encoding="utf-8"))
            if any(entry["state"] not in STATES for entry in ledger.values()):
                raise ValueError
            return ledger
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, KeyError, AttributeError):
            raise ValueError(f"{LEDGER} is damaged; restore it from a copy") from None

    def expire(self, days: int, today: str) -> list[str]:
        """Remove the files that were last added to more than `days` before `today`; their names."""
        if days < 1:
            raise ValueError(f"pages are kept for at least a day, got {days} days")
        first = (date.fromisoformat(today) - timedelta(days)).isoformat()
        entries = self.ledger().items()
        old = [name for name, e in entries if e["state"] == "held" and e["last"] < first]
        return self._remove(old, "expired")

    def erase(self, names: Iterable[str]) -> list[str]:
        """Remove these files of pages for good: nothing that was made of them may be kept."""
        return self._remove(sorted(self.ledger().keys() & set(names)), "erased")

    def checkpoint_file(self, digest: str) -> Path:
        """Where the checkpoint of the query of `digest` lies."""
        return self._pages.with_name(f"checkpoint_{digest[:16]}.sealed")

    def checkpoint_files(self) -> list[Path]:
        """The checkpoints of all queries, sorted by name."""
        return sorted(self._pages.parent.glob("checkpoint_*.sealed"))

    def checkpoint_of(self, digest: str) -> Checkpoint | None:
        """The checkpoint of this query, None where there is none.

        Raises PermissionError for another key, ValueError for a damaged one, with the way out.
        """
        file = self.checkpoint_file(digest)
        return self._read(file) if file.exists() else None

    def _read(self, file: Path) -> Checkpoint:
        name = f"{FOLDER}/{file.name}"
        way_out = f"or remove {name} to start anew, which reads and pays for these pages again"
        try:
            state = Checkpoint(**json.loads(self._key.unseal(file.read_bytes())))
            if self.checkpoint_file(state.digest) != file:
                raise ValueError
        except PermissionError as error:
            raise type(error)(f"{name} cannot be opened: {error}, {way_out}") from None
        except (ValueError, TypeError):
            raise ValueError(f"{name} is damaged; restore it, {way_out}") from None
        return state

    def _write(self, state: Checkpoint) -> None:
        line = json.dumps(asdict(state), separators=(",", ":"), sort_keys=True)
        content = self._key.seal(line.encode()) + b"\n"
        # The last one, should it come back after a power failure, only has a page asked for again.
        files.write_synced(self.checkpoint_file(state.digest), content, certain=False)

    def _cut_uncounted(self, state: Checkpoint) -> int:
        """Cut off what the file holds beyond what `state` counts; how many lines that were."""
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
            logger.info("%d pages that a killed run had not counted were cut off", cut)
        self.record(state.file, state.lines, state.posts)
        return cut

    def _is_held(self, name: str) -> bool:
        return self.ledger().get(name, {}).get("state", "held") == "held"

    def _page_files(self) -> list[Path]:
        return sorted(self._pages.glob(f"[0-9]*{ENDING}"))

    def _remove(self, names: list[str], state: str) -> list[str]:
        if not names:
            return []
        with self.exclusive():
            # The files first: a kill in between leaves one that is gone and still called held.
            for name in names:
                files.remove(self.page_file(name))
            ledger = self.ledger()
            for name in names:
                ledger[name]["state"] = state
            files.write_json_synced(self._ledger, ledger)
        return names


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
