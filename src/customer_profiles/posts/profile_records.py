"""Profile records: an author's profile, derived from all observations of the author.

Every sum is one of whole numbers, and every choice a maximum, so that neither the order of the
observations nor repetition changes a digit.
"""

import numpy as np
import pandas as pd

from customer_profiles.privacy.sealing import MILLION, OBSERVATIONS, PROFILES
from customer_profiles.project.vocabulary import (
    AUTHOR_COUNTS,
    CLASSES,
    POST_COUNTS,
    UNFLAGGED,
    UNKNOWN,
)

_UNFLAGGED = OBSERVATIONS.sealed["flag"].index(UNFLAGGED)


def derive(
    authors: np.ndarray, rows: np.ndarray, exclude_flagged: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Authors (m,), sorted, and their profiles (m,), as PROFILES encodes them.

    `authors` (n,) are those of the `rows`, observations as OBSERVATIONS encodes them. With
    `exclude_flagged` flagged posts do not count: an author without other posts has no profile. Of
    counts and marks of the account those of the latest day are taken, on the same day the larger;
    a count is UNKNOWN only where all are. Likes and retweets are means of the known ones.
    """
    if exclude_flagged:
        counted = rows["flag"] == _UNFLAGGED
        authors, rows = authors[counted], rows[counted]
    code, names = pd.factorize(authors)
    order = np.argsort(code, kind="stable")
    rows, code = rows[order], code[order]
    begin = np.flatnonzero(np.diff(code, prepend=-1))
    made = np.zeros(len(names), PROFILES.dtype)
    if not len(names):
        return np.asarray(names), made

    posts = np.diff(begin, append=len(rows))
    made["posts"] = posts
    for name in ("polarity", "subjectivity"):
        made[name] = _sums(rows[name], begin) / (posts * MILLION)
    for number, name in enumerate(CLASSES):
        made[name] = _sums(rows["label"] == number, begin) / posts
    for name in POST_COUNTS:
        known = rows[name] != UNKNOWN
        number = _sums(known, begin)
        mean = _sums(np.where(known, rows[name], 0), begin) / np.maximum(number, 1)
        made[name] = np.where(number, mean, UNKNOWN)
    day = rows["day"].astype("int64")
    for name in (*AUTHOR_COUNTS, "verified", "protected"):
        made[name] = _latest(rows[name].astype("int64"), day, begin, code)
    made["first_month"] = np.minimum.reduceat(rows["day"], begin)
    made["last_month"] = np.maximum.reduceat(rows["day"], begin)
    place = np.argsort(names)
    return np.asarray(names)[place], made[place]


def _sums(values: np.ndarray, begin: np.ndarray) -> np.ndarray:
    return np.add.reduceat(values.astype("int64"), begin)


def _latest(values: np.ndarray, day: np.ndarray, begin: np.ndarray, code: np.ndarray) -> np.ndarray:
    """The largest of each author's `values` on the latest `day` that has a known one."""
    known = values != UNKNOWN
    last = np.maximum.reduceat(np.where(known, day, np.iinfo("int64").min), begin)
    return np.maximum.reduceat(np.where(known & (day == last[code]), values, UNKNOWN), begin)
