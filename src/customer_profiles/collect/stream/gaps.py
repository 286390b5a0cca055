"""Gaps in the stream, filled by recent search."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from customer_profiles.collect import collector
from customer_profiles.collect.budget import Budget
from customer_profiles.collect.x_api import answers, endpoints, errors
from customer_profiles.collect.x_api.client import Client, Page
from customer_profiles.collect.x_api.endpoints import RECENT, SMALLEST, Window

logger = logging.getLogger(__name__)

AGAIN = 60.0  # seconds after which a search that failed is tried again
REFUSED = 3600.0  # and one that X refused
# Of what is left of the budget, that a page may cost: what is streamed meanwhile has to be paid.
SHARE = 0.25


class TooOld(Exception):
    """A gap is older than X's recent search reaches."""


class Gaps:
    """The gaps not filled yet: `known` (pairs of seconds since 1970), and the added ones.

    An added gap is extended by `overlap` seconds at both ends. A gap is searched `settle` seconds
    after its end: X accepts no later time, and finds a post only a while after it was written.
    `clock` gives seconds since 1970.
    """

    def __init__(
        self,
        known: Sequence[Sequence[float]],
        overlap: float,
        settle: float,
        clock: Callable[[], float] = time.time,
    ):
        self.noticed, self.filled = 0, 0
        self._open = [(float(start), float(end)) for start, end in known]
        self._refused: dict[tuple[float, float], float] = {}
        self._overlap, self._settle, self._clock = overlap, settle, clock
        self._lock = threading.Lock()

    def add(self, start: float, end: float) -> None:
        """Add a gap, merged with the gaps that it overlaps."""
        # A clock that was set back makes an end before the start.
        start, end = min(start, end) - self._overlap, end + self._overlap
        with self._lock:
            self.noticed += 1
            apart = [gap for gap in self._open if gap[1] < start or gap[0] > end]
            joined = [gap for gap in self._open if gap not in apart]
            start = min([start, *(gap[0] for gap in joined)])
            end = max([end, *(gap[1] for gap in joined)])
            self._open = [*apart, (start, end)]

    @property
    def open(self) -> list[tuple[float, float]]:
        """The gaps that are not filled, with their overlap."""
        with self._lock:
            return list(self._open)

    def fill(
        self, client: Client, query: str, budget: Budget, receive: Callable[[Page], object]
    ) -> bool:
        """Search the gaps that are due, and pass each page, charged to the budget, to `receive`.

        Returns False after a passing error, to be retried later. Received parts of a gap are not
        searched again. A gap whose search X refuses waits an hour or until the next run, a gap that
        is too old is given up; both are logged. Raises BudgetReached.
        """
        good = True
        for gap in self.open:
            start, end = gap
            now = self._clock()
            if end + self._settle > now or now < self._refused.get(gap, now):
                continue
            posts = 0
            try:
                for page in _pages(client, query, budget, gap):
                    receive(page)
                    posts += len(answers.posts(page.body))
                    gap = self._shortened(gap, page)
            except errors.TryAgain as error:
                logger.warning("a gap of the stream is not filled yet: %s", error)
                good = False
                continue
            except errors.XError as error:
                logger.warning(
                    "a gap of %.0f s in the stream is tried again in an hour, or at the next "
                    "start: %s",
                    end - start, error,
                )  # fmt: skip
                self._refused[gap] = now + REFUSED
                continue
            except TooOld:
                logger.warning(
                    "a gap of %.0f s in the stream stays: it is older than the seven days that "
                    "recent search holds", end - start,
                )  # fmt: skip
            else:
                self.filled += 1
                logger.info("a gap of %.0f s is filled: %d posts were found", end - start, posts)
            with self._lock:  # what was joined with it meanwhile is searched again
                self._open = [other for other in self._open if other != gap]
        return good

    def _shortened(self, gap: tuple[float, float], page: Page) -> tuple[float, float]:
        """The rest of `gap` after `page`: X gives the newest posts first."""
        oldest = answers.oldest(page.body)
        with self._lock:
            if oldest is None or gap not in self._open:  # joined with another one meanwhile
                return gap
            left = gap[0], max(gap[0], min(gap[1], oldest))
            self._open = [left if other == gap else other for other in self._open]
        return left


def _pages(client: Client, query: str, budget: Budget, gap: tuple[float, float]) -> Iterator[Page]:
    earliest = datetime.fromtimestamp(client.clock(), UTC) - RECENT + timedelta(minutes=1)
    # X's times are whole seconds.
    start, end = (datetime.fromtimestamp(moment, UTC) for moment in (gap[0], gap[1] + 1))
    if end <= earliest:
        raise TooOld
    if start < earliest:
        logger.warning(
            "a part of a gap remains: recent search no longer holds posts from before %s",
            f"{earliest:%Y-%m-%d %H:%M} UTC",
        )
    pages = endpoints.search(
        client, query, "recent",
        window=Window(start_time=max(start, earliest), end_time=end),
        room=lambda size: budget.room(size, SMALLEST, SHARE),
    )  # fmt: skip
    return collector.paid(pages, client, budget)
