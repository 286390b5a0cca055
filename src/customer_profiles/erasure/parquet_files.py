"""Removal from the tables about single people in data/processed; each is replaced atomically."""

from collections.abc import Collection

import pandas as pd

from customer_profiles.privacy.keys.key import Key
from customer_profiles.privacy.sealing import LAYOUTS, PROFILES
from customer_profiles.store import sealed_files

KEYS = ("_id", "author", "day")


def names(name: str) -> pd.DataFrame:
    """Readable fields of the table `name`; without rows if it does not exist."""
    if not sealed_files.path(name).is_file():
        return pd.DataFrame(columns=list(LAYOUTS[name].readable), dtype="str")
    return sealed_files.read_sealed(name)


def days(key: Key) -> pd.DataFrame:
    """KEYS of the observations; without rows if there are none."""
    if not sealed_files.path("observations").is_file():
        return pd.DataFrame(columns=list(KEYS), dtype="str")
    return sealed_files.read("observations", key)[list(KEYS)]


def erase(
    posts: Collection[str], authors: Collection[str], derived: pd.DataFrame, key: Key
) -> None:
    """Remove `posts` and all data of `authors` (pseudonyms); `derived` are the profiles left.

    Observations are written last: after an interruption they still tell the touched profiles.
    """
    rows = names("observations")
    erased = rows["_id"].isin(posts) | rows["author"].isin(authors)
    _remove(set(rows.loc[erased, "_id"]), {*authors, *rows.loc[erased, "author"]}, derived, key)


def expire(first: str, derived: pd.DataFrame, key: Key) -> None:
    """Remove posts of days before `first`; `derived` are the profiles left."""
    rows = days(key)
    old = rows[rows["day"] < first]
    _remove(set(old["_id"]), set(old["author"]), derived, key, without_profile=True)


def remove() -> None:
    """Remove all tables."""
    for name in LAYOUTS:
        sealed_files.path(name).unlink(missing_ok=True)


def _remove(
    posts: set[str],
    touched: set[str],
    derived: pd.DataFrame,
    key: Key,
    without_profile: bool = False,
) -> None:
    """Remove `posts`, and the profiles and assignments of their authors, `touched`.

    If there are none `derived`, profiles of those who were not touched stay. With
    `without_profile` the assignments of touched authors stay where a profile is left.
    """
    if derived.empty:
        sealed_files.change("profiles", lambda table: table[~table["_id"].isin(touched)])
    else:
        sealed_files.change("profiles", lambda table: PROFILES.seal(derived, key))
    unassigned = touched - set(names("profiles")["_id"]) if without_profile else touched
    sealed_files.change("assignments", lambda table: table[~table["_id"].isin(unassigned)])
    sealed_files.change("observations", lambda table: table[~table["_id"].isin(posts)])
