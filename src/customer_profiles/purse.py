"""A month's budget for reading from X, shared by threads that read at the same time."""

import threading
from datetime import UTC, datetime

from customer_profiles.spending import Spend


class UsedUp(ValueError):
    """The month's budget is spent."""


class Purse:
    """`budget` dollars a calendar month, of which `spend` says what is gone.

    `post` and `user` are prices, in dollars.
    """

    def __init__(self, budget: float, post: float, user: float):
        self._budget, self._prices = budget, (post, user)
        self._spend, self._lock = Spend(post, user), threading.Lock()

    @property
    def spent(self) -> float:
        """Dollars spent this month."""
        with self._lock:
            return self._spend.total()["price"]

    def add(self, posts: int, users: int) -> None:
        """Count what was read, or, before it is asked for, what may be; on disk when this returns.

        What was not read after all is taken back by negative numbers.
        """
        with self._lock:
            self._spend.add(posts, users, datetime.now(UTC).date().isoformat())

    def check(self, posts: int = 0) -> None:
        """Raise UsedUp unless something is left, and enough for `posts` with their authors."""
        spent = self.spent
        if spent >= self._budget or spent + posts * sum(self._prices) > self._budget:
            raise UsedUp(
                f"this month's budget is used up, ${spent:.2f} of ${self._budget:.2f}: raise "
                "budget in section collect of params.yaml, or go on next month"
            )

    def affords(self, share: float = 1.0) -> int:
        """Number of posts with their authors that a `share` of what is left pays for."""
        left = max(self._budget - self.spent, 0.0)
        return int(share * left / max(sum(self._prices), 1e-9))
