"""A month's budget for reading from X, which no request can exceed, also over restarts.

Before a request the most it can cost is counted as spent, on disk; once the answer is there, what
it did cost. So a kill in between counts too much, never too little. What X streams is counted when
it comes: nobody can know before.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from customer_profiles.inquiry import SECTION, Inquiry
from customer_profiles.spending import DIGITS, Spend


class BudgetReached(Exception):
    """What is left of this month's budget does not pay for what comes next.

    `code` is what a command then ends with.
    """

    code = 3


class Budget:
    """What an inquiry may still spend this month; `clock` gives seconds since 1970.

    One thread may `take` and `settle`, one request at a time, while others `add`.
    """

    def __init__(self, inquiry: Inquiry, clock: Callable[[], float]):
        """Raises ValueError where nobody can tell what was spent (spending.Spend)."""
        self.dollars = inquiry.budget
        self._inquiry, self._clock = inquiry, clock
        self._spend = Spend(*inquiry.prices)
        self._taken = (0, 0, "")
        self._lock = threading.RLock()

    def spent(self) -> float:
        """Dollars of this month, with what is taken for the request at hand."""
        with self._lock:
            return self._spend.total(self._day()[: len("YYYY-MM")])["price"]

    def left(self) -> float:
        """Dollars that may still be spent this month, 0 or more."""
        return max(0.0, round(self.dollars - self.spent(), DIGITS))

    def room(self, size: int, smallest: int, share: float = 1.0) -> int:
        """Take the most that a page of `size` posts can cost, or of fewer; how many they may be.

        Above `smallest` it takes a `share` of what is left at most. Raises BudgetReached where not
        even `smallest` can be paid.
        """
        with self._lock:
            most = share * self.left()
            while size > smallest and self._price(*self._inquiry.most(size)) > most:
                size -= 1
            self.take(*self._inquiry.most(size))
        return size

    def take(self, posts: int, users: int) -> None:
        """Count the most that the next request can read as read. Raises BudgetReached."""
        price = self._price(posts, users)
        with self._lock:
            if price > self.left():
                raise BudgetReached(
                    f"the next request can cost ${price:.2f}, and of this month's budget of "
                    f"${self.dollars:.2f} ${self.left():.2f} are left"
                )
            day = self._day()
            self._spend.add(posts, users, day)
            self._taken = posts, users, day

    def settle(self, posts: int, users: int) -> None:
        """Count what the request did read instead of what was taken for it."""
        with self._lock:
            taken_posts, taken_users, day = self._taken
            if day:
                self._spend.add(posts - taken_posts, users - taken_users, day)
            self._taken = (0, 0, "")

    def add(self, posts: int, users: int) -> None:
        """Count what X sent without being asked for each; it is on disk when this returns."""
        with self._lock:
            self._spend.add(posts, users, self._day())

    def check(self) -> None:
        """Raise BudgetReached where nothing is left."""
        if not self.left():
            raise BudgetReached(
                f"this month's budget is used up, ${self.spent():.2f} of ${self.dollars:.2f}: "
                f"raise budget in {SECTION}, or go on next month"
            )

    def _price(self, posts: int, users: int) -> float:
        return round(self._inquiry.price(posts, users), DIGITS)

    def _day(self) -> str:
        return f"{datetime.fromtimestamp(self._clock(), UTC):%Y-%m-%d}"
