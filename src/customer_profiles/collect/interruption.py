"""Handling of Ctrl-C and `kill`: a command ends between two steps, so no paid page is lost."""

import logging
import signal
import threading
import time
from collections.abc import Callable

logger = logging.getLogger(__name__)

SIGNALS = (signal.SIGINT, signal.SIGTERM)
# In seconds. A signal that comes just before time.sleep, or to another thread, does not end it.
LONGEST_SLEEP = 0.5


class Interrupted(BaseException):
    """The command was interrupted by a signal; `code` is its exit code, as in a shell.

    Note: it is no Exception, because logging, where it may be raised too, would swallow one.
    """

    def __init__(self, number: int):
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.code = 128 + number


class Interruption:
    """A context that defers the first signal to `check` or `sleep`; the second ends at once.

    `then`, if given, is called after the first signal, in a thread of its own. `told` is logged
    then.
    """

    def __init__(
        self,
        notice: str = "stopping when the page at hand is kept",
        then: Callable[[], object] | None = None,
    ):
        self._notice, self._then = notice, then
        self._noted: int | None = None
        self._sleeping = False
        self._before = {}

    def __enter__(self):
        self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *_):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raise Interrupted if a signal has come."""
        if self._noted is not None:
            raise Interrupted(self._noted)

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`; raises Interrupted as soon as a signal comes."""
        self._sleeping = True
        try:
            deadline = time.monotonic() + seconds
            while (rest := deadline - time.monotonic()) > 0:
                self.check()
                time.sleep(min(rest, LONGEST_SLEEP))
            self.check()
        finally:
            self._sleeping = False

    def _note(self, number: int, _frame) -> None:
        again, self._noted = self._noted is not None, number
        if again or self._sleeping:
            raise Interrupted(number)
        logger.info("%s; once more to stop at once", self._notice)
        if self._then:
            # Not from here: what this interrupts may hold the lock that `then` wants.
            threading.Thread(target=self._then).start()
