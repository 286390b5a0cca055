"""The rule which posts may be held: by their day, and by what was erased."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd


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
    """Which days lie after `last_day`: a broken clock or page, and no measure of age.

    One post of 2099 would otherwise make all others old.
    """
    return day > last_day(today)


def last_day(today: date) -> str:
    """The last day a post may be of: tomorrow, for clocks and zones differ."""
    return (today + timedelta(days=1)).isoformat()


def first_day(held: Iterable[str], days: int, as_of: str) -> str:
    """The day `days` before `as_of` (default, "": the newest day `held`): the first to be kept.

    "" where nothing expires: with 0 days, or nothing held.
    """
    newest = as_of or max(held, default="")
    if not days or not newest:
        return ""
    try:
        return (date.fromisoformat(newest) - timedelta(days=days)).isoformat()
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"cannot count {days} days back from {newest!r}; as_of is a day like 2026-06-30"
        ) from error


def living(
    frame: pd.DataFrame, erased: Collection[str], mark: Callable[[str], str]
) -> pd.DataFrame:
    """Rows (pseudonyms `_id` and `author`) that are not erased, nor is their author.

    `erased` holds marks, as `tombstones.read` gives them, `mark` makes them (`Key.mark`).
    """
    if not erased:
        return frame
    authors = {author for author in frame["author"].unique() if mark(author) in erased}
    posts = frame["_id"].map(mark).isin(list(erased))
    return frame[~posts & ~frame["author"].isin(authors)]
