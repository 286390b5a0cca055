"""Scored posts as they are stored: pseudonymous, generalised, without text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from customer_profiles import privacy

# In order of polarity.
CLASSES = ("negative", "neutral", "positive")
POLARITY_STEPS = 20
SUBJECTIVITY_STEPS = 10
# Counts that are binned: of the post, and of its author.
POST_COUNTS = ("favorites", "retweets")
AUTHOR_COUNTS = ("followers", "following", "listed", "account_posts", "account_age")
COLUMNS = (
    "_id", "author", "scorer", "origin", "day", "label", "polarity", "subjectivity",
    *POST_COUNTS, *AUTHOR_COUNTS, "verified", "protected",
)  # fmt: skip

# What readers call the fields.
TITLES = {
    "polarity": "polarity",
    "subjectivity": "subjectivity",
    "favorites": "likes a post",
    "retweets": "retweets a post",
    "posts": "posts about the brand",
    "followers": "followers",
    "following": "accounts followed",
    "listed": "lists it is on",
    "account_posts": "posts of the account",
    "account_age": "years on X",
    "verified": "verified",
    "protected": "protected",
}


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
) -> pd.DataFrame:
    """One row per post, sorted by all columns but the pseudonyms first, which break ties.

    `posts` and `authors` as `pages.collect` gives them, `ids` the posts' pseudonyms in order,
    `author_ids` from author id to pseudonym, `edges` the bins of each count.

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


def unexpired(frame: pd.DataFrame, days: int, as_of: str) -> pd.DataFrame:
    """Rows of the last `days` days before `as_of` (default, "": the newest day held).

    0 days keeps all. Raises ValueError when nothing is left.
    """
    if not days:
        return frame
    newest = pd.Timestamp(as_of or frame["day"].max())
    kept = frame[pd.to_datetime(frame["day"]) >= newest - pd.Timedelta(days=days)]
    if kept.empty:
        raise ValueError(
            f"no post is younger than {days} days at {newest.date()}; check expire_days and as_of "
            "in section score"
        )
    return kept


def ordered(frame: pd.DataFrame, last: Sequence[str]) -> pd.DataFrame:
    """`frame` sorted by all its columns, those in `last` only to break ties."""
    columns = [name for name in frame.columns if name not in last]
    return frame.sort_values([*columns, *last], kind="stable").reset_index(drop=True)
