"""Retention rule: the posts that may be stored, by their day and by erasures."""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

logger = logging.getLogger(__name__)


def never_erased(pseudonym: str) -> bool:
    """False: default of `Limits.erased`, for which no `pseudonym` was erased."""
    return False


@dataclass(frozen=True)
class Limits:
    """Limits of the observations that may be stored.

    An observation may be stored if its day lies from `first` ("": no limit) to `last` ("": no
    limit), unless the pseudonym of its post or author is `erased`.
    """

    first: str = ""
    last: str = ""
    erased: Callable[[str], bool] = never_erased

    def late(self, day: str) -> bool:
        """True if `day` lies after `last`."""
        return bool(self.last) and day > self.last

    def hold(self, post: Mapping, day: str) -> bool:
        """True if `post` (`_id`, `author`) of `day` may be stored."""
        return self.first <= day and not self.late(day) and not self.forgets(post)

    def forgets(self, post: Mapping) -> bool:
        """True if `post` or its author was erased."""
        return self.erased(post["_id"]) or self.erased(post["author"])


UNLIMITED = Limits()


def retained(
    posts: pd.DataFrame,
    erased: Collection[str],
    mark: Callable[[str], str],
    days: int,
    as_of: str,
    today: date,
) -> tuple[pd.DataFrame, int]:
    """Posts that may be stored: `without_erased`, then `unexpired`; and how many lay in the future.

    A warning names that number.
    """
    # Before anything is counted: erased authors stay erased, also in an older copy of the pages.
    kept = without_erased(posts, erased, mark)
    future = int(in_future(kept["day"], today).sum())
    if future:
        logger.warning("left out: %d posts dated after tomorrow; a clock is wrong", future)
    return unexpired(kept, days, as_of, today), future


def unexpired(frame: pd.DataFrame, days: int, as_of: str, today: date) -> pd.DataFrame:
    """Rows that are neither in the future nor older than `first_day`.

    Raises ValueError when nothing is left.
    """
    kept = frame[~in_future(frame["day"], today)]
    first = first_day(kept["day"], days, as_of)
    kept = kept[kept["day"] >= first]
    if kept.empty:
        raise ValueError(
            f"no post is left of {len(frame)}: none between {first or 'the first day'} and "
            f"{last_day(today)}; check expire_days and as_of in section shared, and the clock"
        )
    return kept


def in_future(day: pd.Series, today: date) -> pd.Series:
    """Mask of the days after `last_day`: they come from a wrong clock or a broken page.

    Reason: one post of 2099 would otherwise make all other posts too old.
    """
    return day > last_day(today)


def last_day(today: date) -> str:
    """Last day that a post may have: tomorrow, because clocks and time zones differ."""
    return (today + timedelta(days=1)).isoformat()


def first_day(stored: Iterable[str], days: int, as_of: str) -> str:
    """First day to be kept: `days` before `as_of` (default, "": the newest day of `stored`).

    The result is "" if nothing expires: with 0 days, or without a day in `stored`.
    """
    newest = as_of or max(stored, default="")
    if not days or not newest:
        return ""
    try:
        return (date.fromisoformat(newest) - timedelta(days=days)).isoformat()
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"cannot count {days} days back from {newest!r}; as_of is a day like 2026-06-30"
        ) from error


def without_erased(
    frame: pd.DataFrame, erased: Collection[str], mark: Callable[[str], str]
) -> pd.DataFrame:
    """Rows (pseudonyms `_id` and `author`) whose post and author were not erased.

    `erased` holds marks, as `tombstones.read` gives them; `mark` makes a pseudonym's (`Key.mark`).
    """
    if not erased:
        return frame
    authors = {author for author in frame["author"].unique() if mark(author) in erased}
    posts = frame["_id"].map(mark).isin(list(erased))
    return frame[~posts & ~frame["author"].isin(authors)]
