"""The tables about single people in data/processed, made smaller: each whole or as it was."""

from collections.abc import Callable, Collection
from pathlib import Path

import pandas as pd

from customer_profiles.project import files, paths

FOLDER = "data/processed"
NAMES = ("observations", "profiles", "assignments")
KEYS = ("_id", "author", "day")


def path(name: str) -> Path:
    """Where the table `name` lies, if it is there."""
    return paths.inside(FOLDER, f"{name}.parquet")


def read(name: str) -> pd.DataFrame:
    """The table `name`; one without rows, with the columns KEYS, where there is none."""
    if not path(name).is_file():
        return pd.DataFrame(columns=list(KEYS), dtype="str")
    return pd.read_parquet(path(name))


def erase(posts: Collection[str], authors: Collection[str], derived: pd.DataFrame) -> None:
    """Remove these posts and all of these authors (pseudonyms); `derived` are the profiles left.

    Observations last: they tell whose profile was touched, should this be interrupted.
    """
    rows = read("observations")
    gone = rows["_id"].isin(posts) | rows["author"].isin(authors)
    touched = {*authors, *rows.loc[gone, "author"]}
    _write("assignments", lambda held: held[~held["_id"].isin(touched)])
    _write_profiles(derived, touched)
    _write("observations", lambda held: held[~gone])


def expire(first: str, derived: pd.DataFrame) -> None:
    """Remove posts of days before `first`; `derived` are the profiles left."""
    rows = read("observations")
    _write_profiles(derived, set(rows.loc[rows["day"] < first, "author"]))
    people = set(read("profiles")["_id"])
    _write("assignments", lambda held: held[held["_id"].isin(people)])
    _write("observations", lambda held: held[held["day"] >= first])


def remove() -> None:
    """Remove all of them."""
    for name in NAMES:
        path(name).unlink(missing_ok=True)


def _write_profiles(derived: pd.DataFrame, touched: set[str]) -> None:
    """As the database has them; where it was emptied, those that were not touched."""
    if derived.empty:
        _write("profiles", lambda held: held[~held["_id"].isin(touched)])
    else:
        _write("profiles", lambda held: derived)


def _write(name: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    if path(name).is_file():
        held = read(name)
        changed = change(held).reset_index(drop=True)
        if not changed.equals(held):
            files.write_parquet(path(name), changed)
