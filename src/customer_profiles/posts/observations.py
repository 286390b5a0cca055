"""Observations: scored posts as they are stored, pseudonymous, generalised and without text."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import pandas as pd

from customer_profiles.privacy import generalisation
from customer_profiles.privacy.generalisation import years_between
from customer_profiles.project import vocabulary
from customer_profiles.project.vocabulary import (
    AUTHOR_COUNTS,
    POLARITY_STEPS,
    POST_COUNTS,
    SUBJECTIVITY_STEPS,
)

COLUMNS = (
    "_id", "author", "scorer", "origin", "day", "label", "flag", "polarity", "subjectivity",
    *POST_COUNTS, *AUTHOR_COUNTS, "verified", "protected",
)  # fmt: skip


class Pseudonymiser(Protocol):
    """Protocol of the part of a key that this module needs."""

    def pseudonyms(self, kind: str, identifiers: Iterable[str]) -> list[str]:
        """The pseudonym of each id of a `kind`, "post" or "author"."""


def pseudonymous(posts: pd.DataFrame, key: Pseudonymiser) -> pd.DataFrame:
    """`posts`, as `pages.collect` gives them, with the pseudonyms `_id` and `author`."""
    authors = posts["author_id"].unique()
    names = dict(zip(authors, key.pseudonyms("author", authors), strict=True))
    return posts.assign(
        _id=key.pseudonyms("post", posts["post_id"]), author=posts["author_id"].map(names)
    )


def build(
    posts: pd.DataFrame,
    authors: pd.DataFrame,
    scores: pd.DataFrame,
    edges: Mapping[str, Sequence[int]],
    scorer: str,
    flags: Sequence[str] | str = vocabulary.UNFLAGGED,
) -> pd.DataFrame:
    """Observations, one row per post, sorted by all columns; the pseudonyms only break ties.

    `posts` as `pseudonymous` gives them and `authors` as `pages.collect` does. `scores` are in the
    order of the posts: `polarity` and `subjectivity` in [0, 1], `label`. `edges` are the bin edges
    of each count. `flags` are the flags of the posts, as `spam.flags` gives them, or one flag for
    all.

    Note: sorting by pseudonym would make later results depend on the key.
    """
    joined = posts.merge(authors, on="author_id", how="left", validate="many_to_one")
    joined["account_age"] = years_between(joined["created"], joined["day"])
    frame = pd.DataFrame({
        "_id": joined["_id"],
        "author": joined["author"],
        "scorer": scorer,
        "origin": "archive",
        "day": joined["day"],
        "label": scores["label"].to_numpy(),
        "flag": flags if isinstance(flags, str) else list(flags),
        "polarity": generalisation.gridded(scores["polarity"], POLARITY_STEPS),
        "subjectivity": generalisation.gridded(scores["subjectivity"], SUBJECTIVITY_STEPS),
        **{
            name: generalisation.binned(joined[name], edges[name])
            for name in POST_COUNTS + AUTHOR_COUNTS
        },
        "verified": joined["verified"].astype(bool),
        "protected": joined["protected"].astype(bool),
    })  # fmt: skip
    return ordered(frame[list(COLUMNS)], last=("author", "_id"))


def without_flagged(frame: pd.DataFrame, exclude_flagged: bool) -> pd.DataFrame:
    """Rows of `frame` that profiles are derived from: with `exclude_flagged` those without a flag.

    Raises ValueError when nothing is left.
    """
    kept = frame[frame["flag"] == vocabulary.UNFLAGGED] if exclude_flagged else frame
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
