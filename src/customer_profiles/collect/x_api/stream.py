"""The filtered stream: connection, heartbeat, and reconnection with X's back-off."""

import contextlib
import json
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator

from customer_profiles.collect.x_api import errors
from customer_profiles.collect.x_api.client import Client
from customer_profiles.collect.x_api.endpoints import POST_FIELDS, USER_FIELDS
from customer_profiles.collect.x_api.transport import Timeouts

logger = logging.getLogger(__name__)

PATH = "/2/tweets/search/stream"
# Whatever X calls its fields elsewhere: the stream keeps the old names.
PARAMS = {**POST_FIELDS["tweet"], "user.fields": USER_FIELDS}
# X sends an empty line every 20 s when there is no post; two more are for the way.
SILENCE = 22.0
TIMEOUTS = Timeouts(read=SILENCE)
LONGEST = 2**20  # bytes of a line; more is none
# Seconds before the next attempt, and at most: as X's documents ask for.
NETWORK_STEP, NETWORK_LONGEST = 0.25, 16.0
SERVER_FIRST, SERVER_LONGEST = 5.0, 320.0
LIMIT_FIRST, LIMIT_LONGEST = 60.0, 960.0
# After a connection that lasted so long, waiting begins anew; X takes 50 in 15 minutes.
STEADY = 20.0


class Backoff:
    """The back-off before a reconnection: linear or doubling, by the kind of failure."""

    def __init__(self):
        self._times: Counter[str] = Counter()

    def seconds(self, failure: errors.TryAgain) -> float:
        """Seconds to wait after another `failure`: X's reset if plausible, else the back-off."""
        if isinstance(failure, errors.RateLimited):
            doubled = self._doubled("limit", LIMIT_FIRST, LIMIT_LONGEST)
            believed = failure.seconds is not None and not failure.brief
            return failure.seconds + 1 if believed else doubled
        if isinstance(failure, errors.ServerError):
            return self._doubled("server", SERVER_FIRST, SERVER_LONGEST)
        self._times["network"] += 1
        return min(NETWORK_STEP * self._times["network"], NETWORK_LONGEST)

    def reset(self) -> None:
        """Reset the back-off."""
        self._times.clear()

    def _doubled(self, kind: str, first: float, longest: float) -> float:
        self._times[kind] += 1
        return min(first * 2 ** (self._times[kind] - 1), longest)


class Listener:
    """Receiver of X's stream: `listen` runs until another thread calls `stop`.

    `on_data` is called with each line with a post, as received; `on_gap` with the start and end
    (seconds since 1970) of each time without reception. Neither may raise or take long. `wait`
    replaces waiting in tests. `client` must not be shared; its read timeout ends a connection
    without heartbeat.
    """

    def __init__(
        self,
        client: Client,
        on_data: Callable[[bytes], object],
        on_gap: Callable[[float, float], object] = lambda start, end: None,
        wait: Callable[[float], object] | None = None,
        heard: float | None = None,
    ):
        self.connects = 0
        """Connections that X accepted."""
        self.broken = 0
        """Lines that were no JSON, too long, or neither post nor error."""
        self.heard = heard
        """Time of the last heartbeat or line, here or (argument `heard`) in an earlier run."""
        self.connected = False
        """True while new posts are received."""
        self._client, self._on_data, self._on_gap = client, on_data, on_gap
        self._began: float | None = None
        self._stopped = threading.Event()
        self._wait = wait or self._stopped.wait

    def stop(self) -> None:
        """Stop reading: `listen` returns, if this is called repeatedly until it does."""
        self._stopped.set()
        self._client.hang_up()

    def listen(self) -> None:
        """Connect, receive and reconnect; raises errors.XError for errors that do not pass."""
        backoff = Backoff()
        while not self._stopped.is_set():
            self._began = None
            try:
                with contextlib.closing(self._client.stream(PATH, PARAMS)) as pieces:
                    self._take(pieces)
                failure: errors.TryAgain = errors.ConnectionLost("X ended the stream")
            except errors.TimedOut:
                failure = errors.TimedOut("X gave no sign of life")
            except errors.TryAgain as error:
                failure = error
            if self._stopped.is_set():
                return
            self.connected = False
            if self._began and self._client.clock() - self._began >= STEADY:
                backoff.reset()
            seconds = backoff.seconds(failure)
            logger.warning("%s; connecting again in %.2f s", failure, seconds)
            self._wait(seconds)

    def _take(self, pieces: Iterator[bytes]) -> None:
        """Pass the posts of one connection to `on_data`."""
        self.connects += 1
        now = self._client.clock()
        if self.heard is not None:
            self._on_gap(self.heard, now)
        self.heard = self._began = now
        self.connected = True
        logger.info("connected to X's stream")
        for line in self._lines(pieces):
            item = _parsed(line)
            if isinstance(item.get("data"), dict):
                self._on_data(line)
            elif item.get("errors"):
                raise self._ended(line)
            else:
                self.broken += 1

    def _lines(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yield whole lines; the search of the gap recovers a line cut off by a lost connection."""
        rest, skipped = b"", False
        for piece in pieces:
            if self._stopped.is_set():
                return
            now = self._client.clock()
            if now - self.heard > SILENCE:  # a stall of this program: X may have dropped posts
                self._on_gap(self.heard, now)
            self.heard = now
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                if line.strip() and not skipped:
                    yield line.strip()
                skipped = False
            if len(rest) > LONGEST:
                self.broken += not skipped
                rest, skipped = b"", True

    def _ended(self, line: bytes) -> errors.TryAgain:
        message = self._client.detail(line.decode("utf-8", "replace"))
        if b"TooManyConnections" in line:
            return errors.RateLimited(f"X takes no second stream of this app; X says: {message}")
        return errors.ConnectionLost(f"X ended the stream; X says: {message}")


def _parsed(line: bytes) -> dict:
    """The JSON object on a line; an empty one for anything else."""
    try:
        item = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return item if isinstance(item, dict) else {}
