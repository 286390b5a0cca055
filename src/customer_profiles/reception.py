"""The receiving half of the live stream: what X sends is counted, paid for and sealed on disk."""

import json
import logging
import os
import queue
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from customer_profiles import query, vault
from customer_profiles.backlog import CAPACITY, Backlog
from customer_profiles.gaps import AGAIN, Gaps
from customer_profiles.purse import Purse
from customer_profiles.x_api import errors, rules
from customer_profiles.x_api.client import Client
from customer_profiles.x_api.stream import SILENCE, Listener
from customer_profiles.x_api.transport import Timeouts

logger = logging.getLogger(__name__)

QUEUED = 10_000  # lines between the connection and the disk
TOGETHER = 1_000  # of them written at once
# What ends receiving with a sentence.
ERRORS = (errors.XError, ValueError, OSError)


@dataclass(frozen=True)
class Pace:
    """Posts of a micro-batch and seconds it is waited for; seconds between two lines of status.

    `silence`, `overlap` and `settle` in seconds, as in `Listener` and `Gaps`; `capacity` in bytes,
    as in `Backlog`.
    """

    posts: int = 200
    seconds: float = 0.5
    status: float = 5.0
    silence: float = SILENCE
    overlap: float = 30.0
    settle: float = 12.0
    capacity: int = CAPACITY


class Reception:
    """Receives into `backlog` between `begin` and `end`, or until `stopping` is set.

    `asked` is section collect of params.yaml; the token comes from the environment. Raises
    ValueError and errors.XError for what is wrong with them.
    """

    def __init__(self, asked: Mapping, key: vault.Vault, stopping: threading.Event, pace: Pace):
        self.received = 0
        """Posts about the brand, duplicates included."""
        self.failure: Exception | None = None
        """What ended it, if not `stopping`."""
        self.backlog = Backlog(key, pace.capacity)
        self._stopping, self._settle = stopping, pace.settle
        self._query = query.build(
            asked["handles"], asked["keywords"], asked["language"] or None, asked["retweets"]
        )
        token, host = os.environ.get(errors.VARIABLE), asked["host"]
        # One for each thread.
        self._searching = Client(token, host, fields=asked["fields"], sleep=self._pause)
        self._streaming = Client(token, host, Timeouts(read=pace.silence), sleep=self._pause)
        self._purse = Purse(asked["budget"], asked["post_price"], asked["user_price"])
        self._gaps = Gaps(self.backlog.kept("gaps") or (), pace.overlap, pace.settle)
        self._queue: queue.Queue[bytes | None] = queue.Queue(QUEUED)
        self._listener = Listener(
            self._streaming, self._queue.put, self._gaps.add, stopping.wait,
            self.backlog.kept("heard"),
        )  # fmt: skip
        self._safe = self._listener.heard
        self._rules = rules.Rules(frozenset(), 0)
        self._taking_in = threading.Lock()
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="reception")

    def begin(self) -> None:
        """Connect, in threads of its own."""
        self._filling = self._pool.submit(self._fill)
        self._receiving = self._pool.submit(self._receive)
        self._others = self._pool.submit(self._record), self._pool.submit(self._hang_up)

    def end(self, clean: bool) -> None:
        """Stop, and remember where: after a `clean` end, what X sends from now on is no gap."""
        self._stopping.set()
        self._pool.shutdown()
        heard = self._listener.heard
        if isinstance(self.failure, OSError):
            heard = self._safe  # what came later may not be on disk
        elif clean and self.failure is None and self._listener.connects:
            heard = None
        try:
            self._keep(heard)
        except OSError as error:
            self.failure = self.failure or error
        for thread in (self._filling, self._receiving, *self._others):
            thread.result()

    def keep(self) -> None:
        """Remember what a kill would make a gap: on disk when this returns."""
        self._keep(self._listener.heard)

    def status(self) -> str:
        """What happened so far, in numbers."""
        listener, gaps = self._listener, self._gaps
        return (
            f"reconnects {max(listener.connects - 1, 0)}, gaps {gaps.found} ({gaps.filled} "
            f"filled), spilled {self.backlog.spilled}, broken lines "
            f"{listener.broken + self.backlog.damaged}; ${self._purse.spent:.2f} spent this month"
        )

    def _receive(self) -> None:
        try:
            self._purse.check()
            self._rules = rules.reconcile(self._streaming, [self._query])
            self._listener.listen()
        except ERRORS as error:
            self._fail(error)
        finally:
            self._stopping.set()
            self._filling.exception()  # waits for its end
            self._queue.put(None)

    def _record(self) -> None:
        """Put what is received on disk, as much at once as there is."""
        ended = False
        try:
            while not ended:
                heard, lines = self._listener.heard, [self._queue.get()]
                while len(lines) < TOGETHER and not self._queue.empty():
                    lines.append(self._queue.get())
                ended = lines[-1] is None
                try:
                    self._take_in([line for line in lines if line is not None])
                    self._safe = heard
                except ERRORS as error:
                    # What follows is still taken from the queue, which has an end.
                    self.failure = self.failure or error
                    self._stopping.set()
        finally:
            self.backlog.close()

    def _fill(self) -> None:
        pause = self._settle / 10
        while not self._stopping.wait(pause):
            try:
                good = self._gaps.fill(
                    self._searching, self._query, self._purse, lambda page: self._take_in([page])
                )
            except ERRORS as error:
                self._fail(error)
                return
            pause = self._settle / 10 if good else AGAIN

    def _hang_up(self) -> None:
        """Break off what is waited for, once it is stopping."""
        self._stopping.wait()
        while not (self._receiving.done() and self._filling.done()):
            self._listener.stop()
            self._searching.hang_up()
            time.sleep(0.05)

    def _fail(self, error: Exception) -> None:
        # The first is the reason; once it is stopping, a broken connection is no failure.
        if not self._stopping.is_set():
            self.failure = error
        self._stopping.set()

    def _pause(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise errors.TryAgain("the stream is stopping")

    def _take_in(self, lines: list[bytes]) -> None:
        """Seal `lines` on disk, but those that other rules sent, and count what they cost."""
        if not lines:
            return
        with self._taking_in:
            found = [json.loads(line) for line in lines]
            counts = [_counted(item) for item in found]
            # Before: a kill in between counts too much, not too little.
            self._purse.add(sum(posts for posts, _ in counts), sum(users for _, users in counts))
            kept = [
                (line, posts)
                for line, item, (posts, _) in zip(lines, found, counts, strict=True)
                if posts and self._rules.match(item)
            ]
            if kept:
                posts = sum(number for _, number in kept)
                self.backlog.put([line for line, _ in kept], posts)
                self.received += posts
        self._purse.check()

    def _keep(self, heard: float | None) -> None:
        self.backlog.keep(gaps=self._gaps.open, heard=heard)


def _counted(page: dict) -> tuple[int, int]:
    """Posts and users on one page, or line, of X's."""
    data, included = page.get("data"), page.get("includes")
    users = included.get("users") if isinstance(included, dict) else None
    posts = len(data) if isinstance(data, list) else int(isinstance(data, dict))
    return posts, len(users) if isinstance(users, list) else 0
