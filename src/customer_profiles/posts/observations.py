"""Observations: scored posts as they are stored, pseudonymous and without text."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import pandas as pd

from customer_profiles.privacy import cells
from customer_profiles.privacy.generalisation import months_between
from customer_profiles.privacy.sealing import OBSERVATIONS, ordered
from customer_profiles.project import vocabulary
from customer_profiles.project.vocabulary import AUTHOR_COUNTS, CLASSES, POST_COUNTS

COLUMNS = OBSERVATIONS.columns


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
    scorer: str,
    flags: Sequence[str] | str = vocabulary.UNFLAGGED,
) -> pd.DataFrame:
    """Observations, one row per post, sorted by all columns; the pseudonyms only break ties.

    `posts` as `pseudonymous` gives them and `authors` as `pages.collect` does. `scores` are in the
    order of the posts: `polarity` and `subjectivity` in [0, 1], `label`. `flags` are the flags of
    the posts, as `spam.flags` gives them, or one flag for all. `account_age` is in months, from the
    account's creation to the post.

    Note: sorting by pseudonym would make later results depend on the key.
    """
    joined = posts.merge(authors, on="author_id", how="left", validate="many_to_one")
    joined["account_age"] = months_between(joined["created"], joined["day"])
    frame = pd.DataFrame({
        "_id": joined["_id"],
        "author": joined["author"],
        "scorer": scorer,
        "origin": "archive",
        "day": joined["day"],
        "label": scores["label"].to_numpy(),
        "flag": flags if isinstance(flags, str) else list(flags),
        "polarity": scores["polarity"].to_numpy(dtype=float).round(6),
        "subjectivity": scores["subjectivity"].to_numpy(dtype=float).round(6),
        **{name: joined[name] for name in POST_COUNTS + AUTHOR_COUNTS},
        "verified": joined["verified"].astype(bool),
        "protected": joined["protected"].astype(bool),
    })  # fmt: skip
    return ordered(frame[list(COLUMNS)], last=("author", "_id"))


def report(
    rows: pd.DataFrame,
    scores: pd.DataFrame,
    in_future: int,
    flags: Mapping,
    unread: pd.Series,
    k: int,
) -> dict:
    """Figures of the observations `rows` and their exact `scores`, for data/reports/score.json.

    `unread` are the shares of the posts that the model does not read (`languages.share`). The share
    of a class of fewer than `k` authors is None, see `cells.shares`.
    """
    labels = cells.shares(rows["label"], rows["author"], CLASSES, k).round(2).astype(object)
    return {
        "posts": len(rows),
        "posts_in_future": in_future,
        # Shares: counts less the bars of the figures would tell of those left out of these.
        "labels": labels.where(labels.notna(), None).to_dict(),
        "polarity": round(float(scores["polarity"].to_numpy().mean()), 2),
        "subjectivity": round(float(scores["subjectivity"].to_numpy().mean()), 2),
        "flags": dict(flags),
        "unread": unread.to_dict(),
    }


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
