"""The monthly budget for reading from X, a hard limit that also holds across restarts.

Before a request its maximum cost is reserved on disk; after the answer the actual cost replaces the
reservation. A kill in between therefore counts too much, never too little. Streamed posts are
counted on arrival, because their number is not known before. The spending is stored in
data/collect/spend.json, by UTC day.
"""

import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, FiniteFloat, StringConstraints

from customer_profiles.collect.settings import SECTION, CollectSettings
from customer_profiles.project import files, paths

FILE = "data/collect/spend.json"
DIGITS = 6  # of a price: a millionth of a dollar
DAY = r"^\d{4}-\d\d-\d\d$"


class BudgetReached(Exception):
    """The rest of this month's budget does not cover the next request.

    `code` is the exit code of the command.
    """

    code = 3


class Budget:
    """The budget of a collection for this month; `clock` gives seconds since 1970.

    One thread may `take` and `settle`, one request at a time, while others `add`.
    """

    def __init__(self, settings: CollectSettings, clock: Callable[[], float]):
        """Raises ValueError if the spending cannot be read (`Spend`)."""
        self.dollars = settings.budget
        self._settings, self._clock = settings, clock
        self._spend = Spend(*settings.prices)
        self._taken = (0, 0, "")
        self._lock = threading.RLock()

    def spent(self) -> float:
        """Dollars spent this month, including the reservation for the current request."""
        with self._lock:
            return self._spend.total(self._day()[: len("YYYY-MM")])["price"]

    def left(self) -> float:
        """Dollars that may still be spent this month, 0 or more."""
        return max(0.0, round(self.dollars - self.spent(), DIGITS))

    def room(self, size: int, smallest: int, share: float = 1.0) -> int:
        """Reserve the maximum cost of a page of `size` posts, or of fewer; return the page size.

        A page above `smallest` reserves at most a `share` of the remaining budget. Raises
        BudgetReached if not even `smallest` is covered.
        """
        with self._lock:
            most = share * self.left()
            while size > smallest and self._price(*self._settings.most(size)) > most:
                size -= 1
            self.take(*self._settings.most(size))
        return size

    def take(self, posts: int, users: int) -> None:
        """Reserve the cost of reading `posts` and `users`. Raises BudgetReached."""
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
        """Replace the reservation by the posts and users that the request did read."""
        with self._lock:
            taken_posts, taken_users, day = self._taken
            if day:
                self._spend.add(posts - taken_posts, users - taken_users, day)
            self._taken = (0, 0, "")

    def add(self, posts: int, users: int) -> None:
        """Count posts and users that X streamed; on disk when this returns."""
        with self._lock:
            self._spend.add(posts, users, self._day())

    def check(self) -> None:
        """Raise BudgetReached if nothing is left."""
        if not self.left():
            raise BudgetReached(
                f"this month's budget is used up, ${self.spent():.2f} of ${self.dollars:.2f}: "
                f"raise budget in {SECTION}, or continue next month"
            )

    def _price(self, posts: int, users: int) -> float:
        return round(self._settings.price(posts, users), DIGITS)

    def _day(self) -> str:
        return f"{datetime.fromtimestamp(self._clock(), UTC):%Y-%m-%d}"


class Reading(BaseModel):
    """Posts and users read on one day, and their price in dollars."""

    model_config = ConfigDict(extra="forbid")

    posts: int
    users: int
    price: FiniteFloat


class Spend:
    """The content of FILE: posts and users read, and their price in dollars, by UTC day."""

    def __init__(self, post: float, user: float):
        """`post` and `user` are the dollar prices of one post and one user added from now on.

        Raises ValueError for a file that cannot be read: a restart at 0 could cost money.
        """
        self._prices = post, user
        self._file = paths.inside(FILE)
        self._days = _read(self._file)

    def add(self, posts: int, users: int, day: str) -> None:
        """Count posts and users read on `day` (YYYY-MM-DD, UTC); on disk when this returns.

        `Budget` adds the maximum of a request before it, and after the answer the difference, which
        is negative: a kill between the two counts too much, not too little.
        """
        if not re.fullmatch(DAY, day):
            raise ValueError(f"a day is given as YYYY-MM-DD (UTC), got {day!r}")
        before = self._days.get(day, Reading(posts=0, users=0, price=0.0))
        price = before.price + posts * self._prices[0] + users * self._prices[1]
        after = Reading(
            posts=before.posts + posts, users=before.users + users, price=round(price, DIGITS)
        )
        days = {**self._days, day: after}
        files.write_json_synced(self._file, {day: read.model_dump() for day, read in days.items()})
        self._days = days

    def total(self, month: str | None = None) -> dict[str, float]:
        """Posts, users and price of a calendar `month` (YYYY-MM); default: this one, UTC."""
        month = month or datetime.now(UTC).strftime("%Y-%m")
        return _total(self._days, month)


def by_month() -> dict[str, dict[str, float]]:
    """Posts, users and price of each calendar month (YYYY-MM) in which anything was read.

    Raises ValueError for a file that cannot be read.
    """
    days = _read(paths.inside(FILE))
    return {month: _total(days, month) for month in sorted({day[:7] for day in days})}


def _total(days: dict[str, Reading], month: str) -> dict[str, float]:
    of_month = [reading for day, reading in days.items() if day.startswith(f"{month}-")]
    total = {name: sum(getattr(day, name) for day in of_month) for name in Reading.model_fields}
    return {**total, "price": round(total["price"], DIGITS)}


def _read(file: Path) -> dict[str, Reading]:
    if not file.exists():
        return {}
    damaged = (
        f"{FILE} is damaged, so nobody can tell what was spent this month: restore it, or look it "
        "up in X's developer portal and remove the file"
    )
    days = dict[Annotated[str, StringConstraints(pattern=DAY)], Reading]
    return files.read_model(file.read_bytes(), days, damaged)
