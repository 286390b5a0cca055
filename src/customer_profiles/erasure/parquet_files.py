"""Removal from the tables about single people in data/processed; each is replaced atomically."""

from collections.abc import Collection

import pandas as pd

from customer_profiles.privacy.keys.key import Key
from customer_profiles.privacy.sealing import LAYOUTS, PROFILES
from customer_profiles.store import sealed_files
from customer_profiles.store.sealed_files import read_sealed


def erase(
    posts: Collection[str], authors: Collection[str], derived: pd.DataFrame, key: Key
) -> None:
    """Remove `posts` and all data of `authors` (pseudonyms); `derived` are the profiles left.

    Observations are written last: after an interruption they still tell the touched profiles.
    """
    rows = read_sealed("observations")
    erased = rows["_id"].isin(posts) | rows["author"].isin(authors)
    _remove(set(rows.loc[erased, "_id"]), {*authors, *rows.loc[erased, "author"]}, derived, key)


def expire(first: str, derived: pd.DataFrame, key: Key) -> None:
    """Remove posts of days before `first`; `derived` are the profiles left."""
    rows = sealed_files.read("observations", key)
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
    unassigned = touched - set(read_sealed("profiles")["_id"]) if without_profile else touched
    sealed_files.change("assignments", lambda table: table[~table["_id"].isin(unassigned)])
    sealed_files.change("observations", lambda table: table[~table["_id"].isin(posts)])
