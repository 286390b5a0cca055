"""Removal from the tables about single people in data/processed; each is replaced atomically."""

from collections.abc import Callable, Collection
from pathlib import Path

import pandas as pd

from customer_profiles.project import files, paths

FOLDER = "data/processed"
NAMES = ("observations", "profiles", "assignments")
KEYS = ("_id", "author", "day")


def path(name: str) -> Path:
    """Path of the table `name`, which may not exist."""
    return paths.inside(FOLDER, f"{name}.parquet")


def read(name: str) -> pd.DataFrame:
    """The table `name`; an empty one with the columns KEYS if it does not exist."""
    if not path(name).is_file():
        return pd.DataFrame(columns=list(KEYS), dtype="str")
    return pd.read_parquet(path(name))


def erase(posts: Collection[str], authors: Collection[str], derived: pd.DataFrame) -> None:
    """Remove `posts` and all data of `authors` (pseudonyms); `derived` are the profiles left.

    Observations are written last: after an interruption they still tell the touched profiles.
    """
    rows = read("observations")
    erased = rows["_id"].isin(posts) | rows["author"].isin(authors)
    touched = {*authors, *rows.loc[erased, "author"]}
    _write("assignments", lambda table: table[~table["_id"].isin(touched)])
    _write_profiles(derived, touched)
    _write("observations", lambda table: table[~erased])


def expire(first: str, derived: pd.DataFrame) -> None:
    """Remove posts of days before `first`; `derived` are the profiles left."""
    rows = read("observations")
    _write_profiles(derived, set(rows.loc[rows["day"] < first, "author"]))
    people = set(read("profiles")["_id"])
    _write("assignments", lambda table: table[table["_id"].isin(people)])
    _write("observations", lambda table: table[table["day"] >= first])


def remove() -> None:
    """Remove all tables."""
    for name in NAMES:
        path(name).unlink(missing_ok=True)


def _write_profiles(derived: pd.DataFrame, touched: set[str]) -> None:
    """Write the `derived` profiles; if there are none, keep the profiles that were not touched."""
    if derived.empty:
        _write("profiles", lambda table: table[~table["_id"].isin(touched)])
    else:
        _write("profiles", lambda table: derived)


def _write(name: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    if path(name).is_file():
        stored = read(name)
        changed = change(stored).reset_index(drop=True)
        if not changed.equals(stored):
            files.write_parquet(path(name), changed)
