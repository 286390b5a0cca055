"""Scored posts as they are stored: pseudonymous, generalised, without text."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from customer_profiles import privacy, words

POLARITY_STEPS = 20
SUBJECTIVITY_STEPS = 10
# Counts that are binned: of the post, and of its author.
POST_COUNTS = ("favorites", "retweets")
AUTHOR_COUNTS = ("followers", "following", "listed", "account_posts", "account_age")
COLUMNS = (
    "_id", "author", "scorer", "origin", "day", "label", "flag", "polarity", "subjectivity",
    *POST_COUNTS, *AUTHOR_COUNTS, "verified", "protected",
)  # fmt: skip
CLASSES = words.CLASSES
TITLES = words.FIELDS


@dataclass(frozen=True)
class Scores:
    """What the models say of n posts: polarity and subjectivity float (n,), label names (n,)."""

    polarity: np.ndarray
    subjectivity: np.ndarray
    label: np.ndarray


def build(
    posts: pd.DataFrame,
    authors: pd.DataFrame,
    scores: Scores,
    ids: Sequence[str],
    author_ids: Mapping[str, str],
    edges: Mapping[str, Sequence[int]],
    scorer: str,
    flags: Sequence[str] | str = words.UNFLAGGED,
) -> pd.DataFrame:
    """One row per post, sorted by all columns but the pseudonyms first, which break ties.

    `posts` and `authors` as `pages.collect` gives them, `ids` the posts' pseudonyms in order,
    `author_ids` from author id to pseudonym, `edges` the bins of each count,
    `flags` of each post, as `spam.flags` gives them, or one for all.

    Sorting by pseudonym would make later results depend on the key.
    """
    joined = posts.merge(authors, on="author_id", how="left", validate="many_to_one")
    joined["account_age"] = years_between(joined["created"], joined["day"])
    frame = pd.DataFrame({
        "_id": list(ids),
        "author": joined["author_id"].map(author_ids),
        "scorer": scorer,
        "origin": "archive",
        "day": joined["day"],
        "label": scores.label,
        "flag": flags if isinstance(flags, str) else list(flags),
        "polarity": privacy.gridded(scores.polarity, POLARITY_STEPS),
        "subjectivity": privacy.gridded(scores.subjectivity, SUBJECTIVITY_STEPS),
        **{name: privacy.binned(joined[name], edges[name]) for name in POST_COUNTS + AUTHOR_COUNTS},
        "verified": joined["verified"].astype(bool),
        "protected": joined["protected"].astype(bool),
    })  # fmt: skip
    return ordered(frame[list(COLUMNS)], last=("author", "_id"))


def years_between(created: pd.Series, day: pd.Series) -> pd.Series:
    """Whole years from the month `created` to `day`; 0 where the month is unknown."""
    start, end = pd.to_datetime(created, format="%Y-%m").dt, pd.to_datetime(day).dt
    # Counted in months: years of 365.25 days miss the anniversary itself.
    months = 12 * (end.year - start.year) + (end.month - start.month)
    return (months // 12).fillna(0).clip(lower=0).astype(int)


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

    `erased` holds marks, as `tombstones.read` gives them, `mark` makes them (`Vault.mark`).
    """
    if not erased:
        return frame
    authors = {author for author in frame["author"].unique() if mark(author) in erased}
    posts = frame["_id"].map(mark).isin(list(erased))
    return frame[~posts & ~frame["author"].isin(authors)]


def counted(frame: pd.DataFrame, exclude_flagged: bool) -> pd.DataFrame:
    """Rows of `frame` that profiles are derived from: with `exclude_flagged` those without a flag.

    Raises ValueError when nothing is left.
    """
    kept = frame[frame["flag"] == words.UNFLAGGED] if exclude_flagged else frame
    if kept.empty:
        raise ValueError(
            f"all {len(frame)} posts are flagged as copies, bursts or links, so nobody is left to "
            "look at: set exclude_flagged to false in section load, or other bounds of flags in "
            "section shared"
        )
    return kept


def ordered(frame: pd.DataFrame, last: Sequence[str]) -> pd.DataFrame:
    """`frame` sorted by all its columns, those in `last` only to break ties."""
    columns = [name for name in frame.columns if name not in last]
    return frame.sort_values([*columns, *last], kind="stable").reset_index(drop=True)
