"""Times in which nothing was heard of the stream, searched for what was posted meanwhile."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from customer_profiles.purse import Purse
from customer_profiles.x_api import endpoints, errors
from customer_profiles.x_api.client import Client
from customer_profiles.x_api.endpoints import LARGEST, RECENT, SMALLEST, Window

logger = logging.getLogger(__name__)

AGAIN = 60.0  # seconds after which a search that failed is tried again
SHARE = 0.25  # of what is left of the budget, that a page may cost


class Gaps:
    """Gaps from `known` (pairs of seconds since 1970), and those that are added.

    Each is made `overlap` seconds longer at both ends, and searched `settle` seconds after its end:
    X takes no later time, and finds a post only a while after it was written. `clock` gives
    seconds since 1970.
    """

    def __init__(
        self,
        known: Sequence[Sequence[float]],
        overlap: float,
        settle: float,
        clock: Callable[[], float] = time.time,
    ):
        self.found, self.filled = 0, 0
        self._open = [(float(start), float(end)) for start, end in known]
        self._overlap, self._settle, self._clock = overlap, settle, clock
        self._lock = threading.Lock()

    def add(self, start: float, end: float) -> None:
        """Add a gap; one that overlaps it becomes one with it."""
        start, end = start - self._overlap, end + self._overlap
        with self._lock:
            self.found += 1
            apart = [gap for gap in self._open if gap[1] < start or gap[0] > end]
            joined = [gap for gap in self._open if gap not in apart]
            start = min([start, *(gap[0] for gap in joined)])
            end = max([end, *(gap[1] for gap in joined)])
            self._open = [*apart, (start, end)]

    @property
    def open(self) -> list[tuple[float, float]]:
        """Those that are not filled, with their overlap."""
        with self._lock:
            return list(self._open)

    def fill(
        self, client: Client, query: str, purse: Purse, receive: Callable[[bytes], object]
    ) -> bool:
        """Search the gaps that are due, and give each page, as received, to `receive`.

        Whether all went well: False where it may go better later. A gap that X refuses to be
        searched is given up, and that is said. Raises purse.UsedUp.
        """
        for gap in self.open:
            start, end = gap
            now = self._clock()
            if end + self._settle > now:
                continue
            try:
                self._search(client, query, start, end, purse, receive)
            except errors.TryAgain as error:
                logger.warning("a gap of the stream is not filled yet: %s", error)
                return False
            except errors.XError as error:
                logger.warning("a gap of %.0f s in the stream stays: %s", end - start, error)
            else:
                self.filled += 1
            with self._lock:  # what was joined with it meanwhile is searched again
                self._open = [other for other in self._open if other != gap]
        return True

    def _search(self, client, query, start, end, purse, receive) -> None:
        earliest = datetime.fromtimestamp(client.clock(), UTC) - RECENT + timedelta(minutes=1)
        # X's times are whole seconds.
        window = Window(
            start_time=max(datetime.fromtimestamp(start, UTC), earliest),
            end_time=datetime.fromtimestamp(end + 1, UTC),
        )
        size = min(max(purse.affords(SHARE), SMALLEST), LARGEST["recent"])
        pages = endpoints.search(client, query, "recent", window=window, size=size)
        posts, more = 0, True
        while more:
            purse.check(size)
            purse.add(size, size)
            try:
                page = next(pages)
            finally:
                purse.add(-size, -size)
            receive(page.raw.encode())
            posts += len(page.body.get("data") or ())
            more = page.next_token is not None
        logger.info("a gap of %.0f s is filled: %d posts were found", end - start, posts)
