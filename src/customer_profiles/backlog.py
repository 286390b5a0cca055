"""What was received and is not scored yet: sealed on disk at once, in memory as far as it fits.

The pages of data/collect are themselves the place where lines wait that memory does not hold, so
nothing is written twice, and a kill loses nothing that was received: what is not marked as scored
is given again.
"""

import json
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from customer_profiles import collected, durable, paths

logger = logging.getLogger(__name__)

STATE = f"{collected.FOLDER}/stream.json"
CAPACITY = 16 * 2**20  # bytes of lines held in memory
TYPICAL = 4096  # bytes of a line with a post: a batch of n lines has at most n of these


@dataclass
class File:
    """A file of lines: how many it holds, the posts on them, and how many lines were scored."""

    name: str
    lines: int = 0
    posts: int = 0
    scored: int = 0


class Backlog:
    """Lines in their order: `put` by one thread, `take` and `done` by another.

    `capacity` is in bytes. Begins with what an earlier run left. Raises ValueError for a state file
    that cannot be read.
    """

    def __init__(self, key: collected.Sealer, capacity: int = CAPACITY):
        self.spilled = 0
        """Lines that did not fit into memory, and wait, or waited, on disk."""
        self.damaged = 0
        """Lines on disk that could not be read again."""
        self._key, self._capacity = key, capacity
        self._kept = _read_state()
        self._files = [file for name, n in self._kept["files"] if (file := _found(name, n))]
        self._changed, self._closed = threading.Condition(), False
        self._memory: deque[bytes] = deque()
        self._bytes = 0
        # Numbers of lines, over all files: received, given to be scored, scored.
        self._received = sum(file.lines - file.scored for file in self._files)
        self._taken = self._scored = 0
        # After how many lines, and when they were received: one for each `put`.
        self._moments = deque([(self._received, time.monotonic())] if self._received else [])
        self._place, self._line = 0, self._files[0].scored if self._files else 0
        self._handle = None
        # Files of which the ledger does not say yet how much they hold.
        self._unnoted = {file.name for file in self._files}

    @property
    def waiting(self) -> int:
        """Lines that are not scored yet."""
        return self._received - self._scored

    @property
    def ended(self) -> bool:
        """Whether no more will be put, and all is given to be scored."""
        with self._changed:
            return self._closed and not self._left

    @property
    def lag(self) -> float:
        """Seconds since the oldest line that is not scored was received; 0 without one."""
        with self._changed:
            return time.monotonic() - self._moments[0][1] if self._moments else 0.0

    def kept(self, name: str):
        """What `keep` kept last, here or in an earlier run; None before."""
        return self._kept.get(name)

    def keep(self, **values) -> None:
        """Keep `values`, of JSON, beside the place that is reached: on disk when this returns."""
        with self._changed:
            self._kept |= values
        self._save()

    def put(self, lines: list[bytes], posts: int) -> None:
        """Take in `lines` with so many `posts`: sealed and on disk when this returns.

        Raises OSError, naming the file, where they cannot be written; then none of them is.
        """
        file = self._current()
        collected.add(self._key, file.name, lines)
        with self._changed:
            file.lines, file.posts = file.lines + len(lines), file.posts + posts
            self._unnoted.add(file.name)
            begun = self._on_disk
            # A later line must not overtake one that only the disk holds.
            fit = 0 if begun else self._fit(lines)
            self._memory.extend(lines[:fit])
            self._bytes += sum(map(len, lines[:fit]))
            self._received += len(lines)
            self._moments.append((self._received, time.monotonic()))
            self.spilled += len(lines) - fit
            self._changed.notify_all()
        if fit < len(lines) and not begun:
            logger.warning(
                "posts come faster than they are scored: they wait on disk, sealed, for their turn"
            )

    def take(self, most: int, seconds: float) -> list[bytes]:
        """The next lines, at most `most`; waits `seconds` for the first, and as long for all.

        Fewer where they are long; none where none came. They are to be marked by `done` before
        others are taken.
        """
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._left or self._closed, seconds)
                if self._left:
                    self._changed.wait_for(lambda: self._left >= most or self._closed, seconds)
                if self._memory:
                    return self._from_memory(most)
                left = self._left
            lines = self._from_disk(most) if left else []
            if lines:
                return lines
            if self._taken > self._scored:
                self.done()
            if not left:
                return []

    def done(self) -> None:
        """Mark as scored what was taken last: on disk when this returns."""
        with self._changed:
            was = self._on_disk
            self._scored = self._taken
            while self._moments and self._moments[0][0] <= self._scored:
                self._moments.popleft()
            for file in self._files[: self._place]:
                file.scored = file.lines
            if self._files:
                self._files[self._place].scored = self._line
        self._save()
        if was == 0 and self._handle:
            self._let_go()
            logger.info("all posts that waited on disk are scored")

    def close(self) -> None:
        """Say that nothing more will be put: `take` waits no longer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def _left(self) -> int:
        """Lines to be taken."""
        return self._received - self._taken

    @property
    def _on_disk(self) -> int:
        """Those of them that memory does not hold."""
        return self._left - len(self._memory)

    def _fit(self, lines: list[bytes]) -> int:
        room, fit = self._capacity - self._bytes, 0
        for line in lines:
            room -= len(line)
            if room < 0:
                break
            fit += 1
        return fit

    def _from_memory(self, most: int) -> list[bytes]:
        lines, size = [], 0
        while self._memory and len(lines) < most and (not lines or size < most * TYPICAL):
            line = self._memory.popleft()
            size += len(line)
            lines.append(line)
        self._bytes -= size
        self._advance(len(lines))
        return lines

    def _from_disk(self, most: int) -> list[bytes]:
        """Lines of the file that is next; one that is gone, expired or erased, has none."""
        with self._changed:
            while self._line == self._files[self._place].lines:
                self._place, self._line = self._place + 1, 0
            file = self._files[self._place]
            count = min(most, file.lines - self._line)
        lines, read, size = [], 0, 0
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
        with self._changed:
            self._advance(read or file.lines - self._line)
        return [line for line in lines if line.strip()]

    def _tokens(self, file: File, count: int) -> Iterable[bytes]:
        """`count` sealed lines from where we are, through a handle that is kept as long as it may.

        Erasure puts another file of as many lines in the place of one; the old one is then no
        longer linked.
        """
        name, handle, line = self._handle or (None, None, 0)
        path = paths.inside(collected.PAGES, file.name)
        usable = name == file.name and line == self._line and os.fstat(handle.fileno()).st_nlink
        if not usable:
            self._let_go()
            if not path.exists():
                return
            handle = path.open("rb")
            for _ in islice(handle, self._line):
                pass
        for number, token in enumerate(islice(handle, count), self._line + 1):
            self._handle = (file.name, handle, number)
            yield token

    def _let_go(self) -> None:
        if self._handle:
            self._handle[1].close()
        self._handle = None

    def _advance(self, count: int) -> None:
        """Note that the next `count` lines are given away."""
        self._taken += count
        self._line += count
        while self._place + 1 < len(self._files) and self._line > self._files[self._place].lines:
            self._line -= self._files[self._place].lines
            self._place += 1

    def _current(self) -> File:
        """The file of today that lines are added to."""
        day = _today()
        last = self._files[-1] if self._files else None
        if last and f"_{day}." in last.name and paths.inside(collected.PAGES, last.name).exists():
            return last
        file = File(collected.following(day))
        with self._changed:
            self._files.append(file)
        self._save()  # before its first line: nobody else knows that this file is to be scored
        return file

    def _save(self) -> None:
        with self._changed:
            done = [file for file in self._files[: self._place] if file.scored == file.lines]
            self._files = [file for file in self._files if file not in done]
            self._place -= len(done)
            self._kept["files"] = [[file.name, file.scored] for file in self._files]
            durable.write_json(paths.inside(STATE), self._kept)
            for file in [*done, *self._files]:
                if file.lines and file.name in self._unnoted:
                    collected.note(file.name, file.lines, file.posts, _today())
            self._unnoted.clear()


def _found(name: str, scored: int) -> File | None:
    """What the file `name` of an earlier run holds, its half last line cut off."""
    path = paths.inside(collected.PAGES, name)
    if not path.exists():
        return None
    with collected.locked():
        with path.open("rb") as lines:
            whole = sum(line.endswith(b"\n") for line in lines)
        durable.cut(path, whole)
    told = collected.ledger().get(name, {"pages": 0, "posts": 0})
    posts = told["posts"] + whole - told["pages"]
    return File(name, whole, posts, min(scored, whole))


def _read_state() -> dict:
    file = paths.inside(STATE)
    if not file.exists():
        return {"files": []}
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
        _ = [(str(name), int(scored)) for name, scored in held["files"]]
        return held
    except (ValueError, TypeError, KeyError):
        raise ValueError(
            f"{STATE} is damaged: restore it, or remove it; then posts that were received and not "
            "scored come into the database with the next `make repro X_ARCHIVE="
            f"{collected.PAGES}` only"
        ) from None


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
