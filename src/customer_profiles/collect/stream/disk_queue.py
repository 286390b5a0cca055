"""The queue on disk of posts received and not scored yet: sealed, in the pages of data/collect.

The pages themselves are the queue, so nothing is written twice and memory holds at most a batch. A
kill loses no received line: lines not marked as scored are delivered again.
"""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import BinaryIO

from pydantic import BaseModel, ConfigDict

from customer_profiles.collect.folder import FOLDER, PAGES, PagesFolder
from customer_profiles.privacy.keys.key import Key
from customer_profiles.project import files, paths

logger = logging.getLogger(__name__)

STATE = f"{FOLDER}/stream.json"
TYPICAL = 4096  # bytes of a line with a post: a batch of n lines has at most n of these


class State(BaseModel):
    """The content of STATE: the files of the queue with their numbers of lines scored, and marks.

    `gaps` (of the stream) are pairs of seconds since 1970; `heard` is when the stream was last
    heard, None before.
    """

    model_config = ConfigDict(extra="forbid")

    files: list[tuple[str, int]]
    gaps: list[tuple[float, float]] = []
    heard: float | None = None


@dataclass
class File:
    """A file of the queue: its numbers of lines, posts, lines taken and lines scored.

    `noted` is the number of lines entered in the ledger.
    """

    name: str
    lines: int = 0
    posts: int = 0
    taken: int = 0
    scored: int = 0
    noted: int = 0


class DiskQueue:
    """The queue of lines, in order: `put` by one thread, `take` and `done` by another.

    It begins with the lines that an earlier run left. Raises ValueError for an unreadable state
    file.
    """

    def __init__(self, key: Key):
        self.damaged = 0
        """Lines that could not be unsealed."""
        self._key, self._folder = key, PagesFolder(key)
        self.state = _read_state()
        """What the state file holds, of an earlier run at first."""
        self._files = [file for name, n in self.state.files if (file := self._earlier(name, n))]
        self._changed, self._closed = threading.Condition(), False
        # Up to which line of a file something was received, and when: one for each `put`.
        self._moments = deque((file, file.lines, time.monotonic()) for file in self._files)
        # Of which file, and behind how many of its lines.
        self._handle: tuple[File, BinaryIO, int] | None = None
        self._forget_scored()

    @property
    def waiting(self) -> int:
        """Number of lines not scored yet."""
        with self._changed:
            return sum(file.lines - file.scored for file in self._files)

    @property
    def ended(self) -> bool:
        """True if the queue is closed and all lines are taken."""
        with self._changed:
            return self._closed and not self._left

    @property
    def lag(self) -> float:
        """Seconds since the oldest unscored line was received; 0 without one."""
        with self._changed:
            return time.monotonic() - self._moments[0][2] if self._moments else 0.0

    def keep(self, gaps: list[tuple[float, float]], heard: float | None) -> None:
        """Store both in the state; on disk when this returns."""
        with self._changed:
            self.state = self.state.model_copy(update={"gaps": gaps, "heard": heard})
        self._save()

    def put(self, lines: list[bytes], posts: int) -> None:
        """Append `lines` with this number of `posts`; sealed and on disk when this returns.

        Raises OSError, naming the file, if they cannot be written; then none of them is.
        """
        file = self._current()
        self._folder.add(file.name, lines)
        with self._changed:
            file.lines, file.posts = file.lines + len(lines), file.posts + posts
            self._moments.append((file, file.lines, time.monotonic()))
            self._changed.notify_all()

    def take(self, most: int, seconds: float) -> list[bytes]:
        """The next lines, at most `most`; waits `seconds` for the first, and as long for the rest.

        Fewer are returned if the lines are long, none if none came. The caller must call `done`
        before it takes others.
        """
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._left or self._closed, seconds)
                if not self._left:
                    return []
                self._changed.wait_for(lambda: self._left >= most or self._closed, seconds)
            lines = self._read(most)
            if lines:
                return lines
            self.done()  # of what has expired, was erased or is damaged

    def done(self) -> None:
        """Mark the lines taken last as scored; on disk when this returns."""
        with self._changed:
            for file in self._files:
                file.scored = file.taken
            self._forget_scored()
        self._save()

    def close(self) -> None:
        """Close the queue: nothing more is put, and `take` waits no longer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _earlier(self, name: str, scored: int) -> File | None:
        """The file `name` of an earlier run, without an incomplete last line; None if removed."""
        path = self._folder.page_file(name)
        if not path.exists():
            return None
        with self._folder.exclusive():
            with path.open("rb") as lines:
                whole = sum(line.endswith(b"\n") for line in lines)
            files.cut_lines(path, whole)
        entry = self._folder.ledger().get(name)
        pages, posts = (entry.pages, entry.posts) if entry else (0, 0)
        scored = min(scored, whole)
        return File(name, whole, posts + whole - pages, taken=scored, scored=scored, noted=pages)

    @property
    def _left(self) -> int:
        """Number of lines not taken yet."""
        return sum(file.lines - file.taken for file in self._files)

    def _forget_scored(self) -> None:
        while self._moments and self._moments[0][0].scored >= self._moments[0][1]:
            self._moments.popleft()

    def _read(self, most: int) -> list[bytes]:
        """Lines of the next file; none if that file has expired or was erased."""
        with self._changed:
            file = next(file for file in self._files if file.taken < file.lines)
            count = min(most, file.lines - file.taken)
        lines, read, size = [], 0, 0
        with self._folder.exclusive():  # else half of what is being added could be read ahead
            for token in self._tokens(file, count):
                read += 1
                try:
                    lines.append(self._key.unseal(token))
                except PermissionError:
                    raise
                except ValueError:
                    self.damaged += 1
                    continue
                size += len(lines[-1])
                if size > most * TYPICAL:
                    break
        if not read:
            logger.warning("%d lines that waited to be scored were removed with their file", count)
        with self._changed:
            file.taken = file.taken + read if read else file.lines
        return [line for line in lines if line.strip()]

    def _tokens(self, file: File, count: int) -> Iterable[bytes]:
        """Yield `count` sealed lines from the current position, through a handle that stays open.

        Erasure replaces a file by another with as many lines. The old one is then no longer linked,
        and the new one is opened.
        """
        of, handle, line = self._handle or (None, None, 0)
        if not (of is file and line == file.taken and os.fstat(handle.fileno()).st_nlink):
            if handle:
                handle.close()
            self._handle, path = None, self._folder.page_file(file.name)
            if not path.exists():
                return
            handle = path.open("rb")
            for _ in islice(handle, file.taken):
                pass
        for number, token in enumerate(islice(handle, count), file.taken + 1):
            self._handle = (file, handle, number)
            yield token

    def _current(self) -> File:
        """The file of today, to which lines are added."""
        day = _today()
        last = self._files[-1] if self._files else None
        if last and f"_{day}." in last.name and self._folder.page_file(last.name).exists():
            return last
        file = File(self._folder.next_file_name(day))
        with self._changed:
            self._files.append(file)
        self._save()  # before its first line: only the state says that this file is to be scored
        self._folder.record(file.name, 0, 0, day)  # and only the ledger that it expires
        return file

    def _save(self) -> None:
        with self._changed:
            earlier, last = self._files, self._files[-1:]
            self._files = [file for file in earlier[:-1] if file.scored < file.lines] + last
            places = [(file.name, file.scored) for file in self._files]
            self.state = self.state.model_copy(update={"files": places})
            files.write_json_synced(paths.inside(STATE), self.state.model_dump())
            for file in earlier:
                if file.noted != file.lines:
                    self._folder.record(file.name, file.lines, file.posts, _today())
                    file.noted = file.lines


def _read_state() -> State:
    file = paths.inside(STATE)
    if not file.exists():
        return State(files=[])
    damaged = (
        f"{STATE} is damaged: restore it, or remove it; then posts that were received and not "
        f"scored come into the database with the next `make repro X_ARCHIVE={PAGES}` only"
    )
    return files.read_model(file.read_bytes(), State, damaged)


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
