"""What reading from X has cost, by day, kept on disk: a budget for a month outlives a restart."""

import json
import re
from datetime import UTC, datetime

from customer_profiles import durable, paths

FILE = "data/collect/spend.json"
DIGITS = 6  # of a price: a millionth of a dollar


class Spend:
    """Posts and users read, and their price in dollars, by UTC day."""

    def __init__(self, post: float, user: float):
        """`post` and `user` are the prices of one, in dollars, of what is added from now on.

        Raises ValueError for a file that cannot be read: to begin at 0 again could cost money.
        """
        self._prices = post, user
        self._file = paths.inside(FILE)
        self._days = _read(self._file) if self._file.exists() else {}

    def add(self, posts: int, users: int, day: str) -> None:
        """Count what was read on `day` (YYYY-MM-DD, UTC); it is on disk when this returns.

        A hard budget adds before a request the most it can cost, and the difference, which is
        negative, when its answer is there: a kill between the two counts too much, not too little.
        """
        _check(day)
        held = self._days.get(day, {"posts": 0, "users": 0, "price": 0.0})
        price = held["price"] + posts * self._prices[0] + users * self._prices[1]
        added = {
            "posts": held["posts"] + posts,
            "users": held["users"] + users,
            "price": round(price, DIGITS),
        }
        days = {**self._days, day: added}
        durable.write_json(self._file, days)
        self._days = days

    def total(self, month: str | None = None) -> dict[str, float]:
        """Posts, users and price of a calendar `month` (YYYY-MM); default: this one, UTC."""
        month = month or datetime.now(UTC).strftime("%Y-%m")
        return _total(self._days, month)


def by_month() -> dict[str, dict[str, float]]:
    """Posts, users and price of each calendar month (YYYY-MM) in which anything was read.

    Raises ValueError for a file that cannot be read.
    """
    file = paths.inside(FILE)
    days = _read(file) if file.exists() else {}
    return {month: _total(days, month) for month in sorted({day[:7] for day in days})}


def _total(days: dict[str, dict], month: str) -> dict[str, float]:
    held = [told for day, told in days.items() if day.startswith(f"{month}-")]
    summed = {name: sum(told[name] for told in held) for name in ("posts", "users", "price")}
    return {**summed, "price": round(summed["price"], DIGITS)}


def _read(file) -> dict[str, dict]:
    try:
        days = json.loads(file.read_text(encoding="utf-8"))
        for day, told in days.items():
            _check(day)
            if {type(told["posts"]), type(told["users"])} != {int}:
                raise TypeError
            float(told["price"])
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ValueError(
            f"{FILE} is damaged, so nobody can tell what was spent this month: restore it, or look "
            "it up in X's developer portal and remove the file"
        ) from None
    return days


def _check(day: str) -> None:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", day):
        raise ValueError(f"a day is given as YYYY-MM-DD (UTC), got {day!r}")
