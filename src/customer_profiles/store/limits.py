"""Which observations a load may hold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


def nobody(pseudonym: str) -> bool:
    """Whether `pseudonym` was erased, where nothing was."""
    return False


@dataclass(frozen=True)
class Limits:
    """Which observations may be held.

    Those from day `first` ("": all) to day `last` ("": all), unless the pseudonym of post or
    author is `erased`.
    """

    first: str = ""
    last: str = ""
    erased: Callable[[str], bool] = nobody

    def late(self, post: Mapping) -> bool:
        """Whether the day of `post` has not come yet."""
        # A missing day is left to the validator, which says so.
        return bool(self.last) and str(post["day"]) > self.last

    def hold(self, post: Mapping) -> bool:
        """Whether `post` may be held."""
        due = self.first <= str(post["day"]) and not self.late(post)
        return due and not self.forgets(post)

    def forgets(self, post: Mapping) -> bool:
        """Whether `post` or its author was erased."""
        return self.erased(post["_id"]) or self.erased(post["author"])


UNLIMITED = Limits()
