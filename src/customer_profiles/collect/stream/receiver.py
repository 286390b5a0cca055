"""The receiver of the live stream: posts are counted, charged to the budget and sealed on disk."""

import json
import logging
import os
import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from customer_profiles.collect.budget import Budget, BudgetReached
from customer_profiles.collect.settings import CollectSettings
from customer_profiles.collect.stream.disk_queue import DiskQueue
from customer_profiles.collect.stream.gaps import AGAIN, Gaps
from customer_profiles.collect.x_api import answers, errors, rules
from customer_profiles.collect.x_api.client import Client, Page
from customer_profiles.collect.x_api.stream import SILENCE, Listener
from customer_profiles.collect.x_api.transport import Timeouts
from customer_profiles.privacy.keys.key import Key

logger = logging.getLogger(__name__)

QUEUED = 10_000  # lines between the connection and the disk
LONGEST = 3600.0  # seconds between two searches for a gap
TOGETHER = 1_000  # of them written at once
# Errors that end reception with a message.
ERRORS = (BudgetReached, errors.XError, ValueError, OSError)


@dataclass(frozen=True)
class Pace:
    """Posts and seconds of a micro-batch, and seconds between two status lines.

    `silence`, `overlap` and `settle` are in seconds, as in `Listener` and `Gaps`.
    """

    posts: int = 200
    seconds: float = 0.5
    status: float = 5.0
    silence: float = SILENCE
    overlap: float = 30.0
    settle: float = 30.0


class Receiver:
    """Receiver into `backlog`, active from `begin` to `end` or until `stopping` is set.

    The token comes from the environment. Raises ValueError and errors.XError for an invalid token,
    invalid settings in `settings`, or an unreadable state of an earlier run.
    """

    def __init__(self, settings: CollectSettings, key: Key, stopping: threading.Event, pace: Pace):
        self.received = 0
        """Posts about the brand, duplicates included."""
        self.failure: Exception | None = None
        """The error that ended reception, if it was not `stopping`."""
        self.backlog = DiskQueue(key)
        self._query, self._stopping, self._settle = settings.query, stopping, pace.settle
        token = os.environ.get(errors.VARIABLE)
        # One for each thread.
        self._searching = Client(token, settings.host, fields=settings.fields, sleep=self._pause)
        self._streaming = Client(
            token, settings.host, Timeouts(read=pace.silence), sleep=self._pause
        )
        self._budget = Budget(settings, self._streaming.clock)
        self._gaps = Gaps(self.backlog.state.gaps, pace.overlap, pace.settle)
        # Each line with the time at which it was heard.
        self._queue: queue.Queue[tuple[float | None, bytes] | None] = queue.Queue(QUEUED)
        self._listener = Listener(
            self._streaming, self._hear, self._gaps.add, stopping.wait,
            self.backlog.state.heard,
        )  # fmt: skip
        # Until when all that was heard is on disk, and whether something later is not.
        self._safe = self._listener.heard or self._streaming.clock()
        self._lost = False
        self._rules = rules.Rules(frozenset(), 0)
        self._putting = threading.Lock()
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="reception")

    @property
    def connected(self) -> bool:
        """True while new posts are received."""
        return self._listener.connected

    def begin(self) -> None:
        """Start the threads that connect and receive. Raises OSError if the disk is full."""
        self.keep()
        self._filling = self._pool.submit(self._fill)
        self._receiving = self._pool.submit(self._receive)
        self._others = self._pool.submit(self._record), self._pool.submit(self._hang_up)

    def end(self, clean: bool) -> None:
        """Stop, and store the position; after a `clean` end, posts from now on are no gap."""
        self._stopping.set()
        self._pool.shutdown()
        heard = self._safe if self._lost else self._listener.heard
        if clean and self.failure is None and self._listener.connects:
            if not self.connected:
                self._gaps.add(heard, self._streaming.clock())
            heard = None
        try:
            self._keep(heard)
        except OSError as error:
            self.failure = self.failure or error
        for thread in (self._filling, self._receiving, *self._others):
            thread.result()

    def keep(self) -> None:
        """Store the time from which a kill would leave a gap; on disk when this returns."""
        heard = self._listener.heard
        # In this order: what is lost is finished as well.
        if heard and not self._queue.unfinished_tasks and not self._lost:
            self._safe = heard
        self._keep(self._safe)

    def status(self) -> str:
        """Counters of the run so far, as text."""
        listener, gaps = self._listener, self._gaps
        return (
            f"reconnects {max(listener.connects - 1, 0)}, gaps {gaps.noticed} ({gaps.filled} "
            f"filled), broken lines {listener.broken + self.backlog.damaged}, waiting on disk "
            f"{self.backlog.waiting}; ${self._budget.spent():.2f} spent this month"
        )

    def _receive(self) -> None:
        try:
            self._budget.check()
            self._rules = rules.reconcile(self._streaming, [self._query])
            self._listener.listen()
        except ERRORS as error:
            self._fail(error)
        finally:
            self._stopping.set()
            self._filling.exception()  # waits for its end
            self._queue.put(None)

    def _hear(self, line: bytes) -> None:
        self._queue.put((self._listener.heard, line))

    def _record(self) -> None:
        """Write received lines to disk, in batches of the lines in the queue."""
        ended = False
        try:
            while not ended:
                items = [self._queue.get()]
                while len(items) < TOGETHER and not self._queue.empty():
                    items.append(self._queue.get())
                ended = items[-1] is None
                heard = [item for item in items if item is not None]
                self._take_in([line for _, line in heard])
                if heard and not self._lost:
                    self._safe = heard[-1][0]
                for _ in items:
                    self._queue.task_done()
        finally:
            self.backlog.close()

    def _take_in(self, lines: list[bytes]) -> None:
        """Write `lines` to disk, except those of other rules, and charge their cost to the budget.

        After one failed write all later lines are dropped, so that the search of the gap recovers
        them: lines written later would hide the gap. They are still taken from the queue, whose
        size is limited.
        """
        if not lines or self._lost:
            return
        items = [json.loads(line) for line in lines]
        read = [answers.read(item) for item in items]
        posts = [len(answers.posts(item)) if self._rules.match(item) else 0 for item in items]
        try:
            # Before: a kill in between counts too much, not too little.
            self._budget.add(sum(each for each, _ in read), sum(users for _, users in read))
            self._put([line for line, n in zip(lines, posts, strict=True) if n], sum(posts))
            self._budget.check()
        except BudgetReached as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - the queue has to be emptied, or all waits
            self.failure, self._lost = self.failure or error, True
            self._stopping.set()

    def _put(self, lines: list[bytes], posts: int) -> None:
        if posts:
            with self._putting:
                self.backlog.put(lines, posts)
                self.received += posts

    def _fill(self) -> None:
        def receive(page: Page) -> None:
            self._put([answers.line(page.raw)], len(answers.posts(page.body)))

        pause, failed = self._settle / 10, 0
        while not self._stopping.wait(pause):
            try:
                good = self._gaps.fill(self._searching, self._query, self._budget, receive)
            except ERRORS as error:
                self._fail(error)
                return
            failed = 0 if good else failed + 1
            pause = min(AGAIN * 2 ** (failed - 1), LONGEST) if failed else self._settle / 10

    def _hang_up(self) -> None:
        """Break off pending requests once `stopping` is set."""
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

    def _keep(self, heard: float | None) -> None:
        self.backlog.keep(gaps=self._gaps.open, heard=heard)
