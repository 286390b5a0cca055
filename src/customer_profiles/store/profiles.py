"""Observations made equal to a file, and profiles derived from them.

Profiles are never counted up: each is computed anew from its author's observations, so a replay,
a crash or another order of the same posts gives the same profile.
"""

import hashlib
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd
import pyarrow as pa
from pymongo import ReplaceOne
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import BulkWriteError, OperationFailure
from tqdm import tqdm

from customer_profiles.observations import (
    AUTHOR_COUNTS,
    CLASSES,
    COLUMNS,
    POLARITY_STEPS,
    POST_COUNTS,
    SUBJECTIVITY_STEPS,
    ordered,
)
from customer_profiles.store.schema import PROFILE
from customer_profiles.store.server import CHUNK, StoreError

with warnings.catch_warnings():
    # Built against an older pyarrow of the same interface; it says so once per class.
    warnings.filterwarnings("ignore", "pyarrow.lib.* size changed", RuntimeWarning)
    from pymongoarrow.api import Schema, find_pandas_all

logger = logging.getLogger(__name__)

DUPLICATE = 11000
TEXTS = ("_id", "author", "scorer", "origin", "day", "label", "first_month", "last_month")
FLAGS = ("verified", "protected")


@dataclass(frozen=True)
class Grid:
    """How coarse a profile is: edges of the bins of posts seen, marks of the three averages."""

    post_edges: Sequence[int]
    polarity_steps: int
    subjectivity_steps: int
    mix_steps: int


def update(database: Database, observations: pd.DataFrame, grid: Grid) -> None:
    """Make the archive's rows equal to `observations`, and the profiles equal to what they imply.

    New rows are inserted, rows that differ (another scorer, other counts) replaced, vanished ones
    removed; rows of the live stream stay until the archive holds the same post. Only touched
    authors' profiles are derived, but all of them when the grid changed or an earlier run was
    interrupted. Raises StoreError when a row is refused, naming fields, never their values.
    """
    pipeline = _pipeline(grid)
    recipe = hashlib.sha256(repr(pipeline).encode()).hexdigest()[:16]
    state = database.state.find_one({"_id": "profiles"}) or {"recipe": "", "stale": True}
    every = state["stale"] or state["recipe"] != recipe
    new, changed, gone, touched = _difference(database, observations)
    if not touched and not every:
        return
    # Until they are derived anew the profiles are known to be stale, also after a crash.
    _remember(database, recipe, stale=True)
    rows = database.observations
    steps = [partial(_insert, rows, part) for part in _chunks(new)]
    steps += [partial(_replace, rows, part) for part in _chunks(changed)]
    steps += [partial(_remove, rows, part) for part in _chunks(gone)]
    if every:
        steps.append(partial(_derive_all, database, pipeline))
    else:
        steps += [partial(_derive, database, pipeline, part) for part in _chunks(sorted(touched))]
    _work(steps)
    logger.info("observations: %d new, %d changed, %d gone", len(new), len(changed), len(gone))
    _remember(database, recipe, stale=False)


def read_profiles(database: Database) -> pd.DataFrame:
    """All profiles, sorted by what they hold, pseudonyms last."""
    return ordered(read(database, "profiles", PROFILE), last=("_id",))


def read(database: Database, collection: str, fields: Sequence[str]) -> pd.DataFrame:
    """`fields` of a whole collection, by way of Arrow, in no particular order."""
    kinds = {name: pa.int64() for name in fields}
    kinds |= dict.fromkeys((name for name in fields if name in TEXTS), pa.string())
    kinds |= dict.fromkeys((name for name in fields if name in FLAGS), pa.bool_())
    frame = find_pandas_all(database[collection], {}, schema=Schema(kinds))
    if frame.empty:  # Arrow gives no types for no rows
        return pd.DataFrame({name: [] for name in fields}, dtype=object)
    return frame[list(fields)]


def _difference(database: Database, observations: pd.DataFrame):
    """Rows to insert, rows to replace, ids to delete, and the authors of all of them."""
    held = read(database, "observations", COLUMNS).set_index("_id")
    wanted = observations.set_index("_id")[list(held.columns)]
    if not wanted.index.is_unique:
        raise StoreError(
            f"{int(wanted.index.duplicated().sum())} posts stand twice among the observations; "
            "run `dvc repro -f score`"
        )
    new = wanted.loc[wanted.index.difference(held.index)]
    gone = held[(held["origin"] == "archive") & ~held.index.isin(wanted.index)]
    both = wanted.index.intersection(held.index)
    differs = (wanted.loc[both] != held.loc[both]).any(axis=1)
    changed = wanted.loc[both][differs]
    touched = {*new["author"], *changed["author"], *gone["author"]}
    return new, changed, list(gone.index), touched | {*held.loc[changed.index, "author"]}


def _work(steps: Sequence[Callable[[], None]]) -> None:
    try:
        for step in tqdm(steps, desc="loading", unit="batch"):
            step()
    except BulkWriteError as error:
        every = error.details["writeErrors"]
        refused = [item for item in every if item["code"] != DUPLICATE] or every
        raise StoreError(_refusal(f"{len(refused)} observations", refused[0])) from None


def _insert(collection: Collection, new: pd.DataFrame) -> None:
    try:
        collection.insert_many(_documents(new), ordered=False)
    except BulkWriteError as error:
        refused = error.details["writeErrors"]
        if any(item["code"] != DUPLICATE for item in refused):
            raise
        # Another loader was faster; both end with the same rows.
        _replace(collection, new.iloc[[item["index"] for item in refused]])


def _replace(collection: Collection, changed: pd.DataFrame) -> None:
    rows = _documents(changed)
    collection.bulk_write([ReplaceOne({"_id": row["_id"]}, row, True) for row in rows])


def _remove(collection: Collection, ids: list[str]) -> None:
    collection.delete_many({"_id": {"$in": ids}})


def _derive(database: Database, pipeline: list[dict], authors: list[str]) -> None:
    match = {"$match": {"author": {"$in": authors}}}
    _merge(database, [match, *pipeline])
    left = database.observations.aggregate([match, {"$group": _BY_AUTHOR}])
    _remove(database.profiles, sorted(set(authors) - {row["_id"] for row in left}))


def _derive_all(database: Database, pipeline: list[dict]) -> None:
    _merge(database, pipeline)
    held = {row["_id"] for row in database.observations.aggregate([{"$group": _BY_AUTHOR}])}
    known = [row["_id"] for row in database.profiles.find({}, {"_id": 1})]
    for part in _chunks([author for author in known if author not in held]):
        _remove(database.profiles, part)


def _merge(database: Database, pipeline: list[dict]) -> None:
    try:
        database.observations.aggregate(pipeline, allowDiskUse=True)
    except OperationFailure as error:
        # The driver's own message repeats the values.
        raise StoreError(_refusal("a profile", error.details)) from None


_BY_AUTHOR = {"_id": "$author"}


def _pipeline(grid: Grid) -> list[dict]:
    """$group and $merge on integer sums: no rounding depends on the order of the posts."""
    # The latest day wins, on the same day the larger bin: documents compare field by field.
    latest = {name: {"$max": {"day": "$day", "bin": f"${name}"}} for name in AUTHOR_COUNTS + FLAGS}
    group = {
        **_BY_AUTHOR,
        "n": {"$sum": 1},
        **{name: {"$sum": f"${name}"} for name in ("polarity", "subjectivity", *POST_COUNTS)},
        **{name: {"$sum": {"$cond": [{"$eq": ["$label", name]}, 1, 0]}} for name in CLASSES},
        **latest,
        "first_month": {"$min": {"$substrBytes": ["$day", 0, 7]}},
        "last_month": {"$max": {"$substrBytes": ["$day", 0, 7]}},
    }
    profile = {
        "posts": {"$size": {"$filter": {
            "input": list(grid.post_edges), "cond": {"$lte": ["$$this", "$n"]}
        }}},
        "polarity": _mean("polarity", grid.polarity_steps, POLARITY_STEPS),
        "subjectivity": _mean("subjectivity", grid.subjectivity_steps, SUBJECTIVITY_STEPS),
        **{name: _mean(name, 1, 1) for name in POST_COUNTS},
        **{name: _mean(name, grid.mix_steps, 1) for name in CLASSES},
        **{name: f"${name}.bin" for name in latest},
        "first_month": 1,
        "last_month": 1,
    }  # fmt: skip
    return [
        {"$group": group},
        {"$project": profile},
        {"$merge": {"into": "profiles", "whenMatched": "replace", "whenNotMatched": "insert"}},
    ]


def _mean(name: str, steps: int, of_steps: int) -> dict:
    """Mean of `name` over the posts, moved from a grid of `of_steps` to one of `steps`."""
    doubled = {"$multiply": [f"${name}", 2 * steps]}
    half = {"$multiply": ["$n", of_steps]}
    ratio = {"$divide": [{"$add": [doubled, half]}, {"$multiply": ["$n", 2 * of_steps]}]}
    return {"$toInt": {"$floor": ratio}}


def _remember(database: Database, recipe: str, stale: bool) -> None:
    row = {"_id": "profiles", "recipe": recipe, "stale": stale}
    database.state.replace_one({"_id": row["_id"]}, row, upsert=True)


def _documents(frame: pd.DataFrame) -> list[dict]:
    return frame.reset_index().to_dict("records")


def _refusal(what: str, error: dict) -> str:
    rules = error.get("errInfo", {}).get("details", {}).get("schemaRulesNotSatisfied", [])
    fields = {item.get("propertyName") for rule in rules
              for item in rule.get("propertiesNotSatisfied", [])}  # fmt: skip
    return (
        f"MongoDB refused {what} (code {error['code']}), fields: "
        f"{', '.join(sorted(filter(None, fields))) or 'unknown'}; see store/schema.py"
    )


def _chunks(items: list | pd.DataFrame) -> Iterator:
    return (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))


def found(database: Database, posts: list[str], authors: list[str]) -> dict[str, str]:
    """Author by post (pseudonyms) of these posts and of all posts by these authors."""
    return {
        row["_id"]: row["author"]
        for match in _matches(posts, authors)
        for row in database.observations.find(match, {"author": 1})
    }


def known(database: Database, authors: list[str]) -> set[str]:
    """Those of `authors` that have a profile."""
    return {
        row["_id"]
        for part in _chunks(authors)
        for row in database.profiles.find({"_id": {"$in": part}}, {"_id": 1})
    }


def erase(database: Database, posts: list[str], authors: list[str], grid: Grid) -> None:
    """Remove these posts, and of these authors everything (pseudonyms).

    Touched profiles are derived anew or removed, their assignments removed in any case.
    """
    touched = sorted({*authors, *found(database, posts, authors).values()})
    for part in _chunks(touched):
        _remove(database.assignments, part)
    _reduce(database, _matches(posts, authors), touched, grid)


def expire(database: Database, before: str, grid: Grid) -> None:
    """Remove the posts of days `before` this one.

    Touched profiles are derived anew or removed, and with a removed one its assignment.
    """
    old = {"day": {"$lt": before}}
    # Not `distinct`: its answer is one document, of at most 16 MB.
    groups = database.observations.aggregate([{"$match": old}, {"$group": _BY_AUTHOR}])
    _reduce(database, [old], sorted(row["_id"] for row in groups), grid)
    left = {row["_id"] for row in database.profiles.find({}, {"_id": 1})}
    assigned = [row["_id"] for row in database.assignments.find({}, {"_id": 1})]
    for part in _chunks([author for author in assigned if author not in left]):
        _remove(database.assignments, part)


def _matches(posts: list[str], authors: list[str]) -> list[dict]:
    named = {"_id": posts, "author": authors}
    return [{key: {"$in": part}} for key, ids in named.items() for part in _chunks(ids)]


def _reduce(database: Database, matches: list[dict], touched: list[str], grid: Grid) -> None:
    pipeline = _pipeline(grid)
    recipe = hashlib.sha256(repr(pipeline).encode()).hexdigest()[:16]
    state = database.state.find_one({"_id": "profiles"}) or {"recipe": recipe, "stale": False}
    every = state["stale"] or state["recipe"] != recipe
    _remember(database, recipe, stale=True)
    for match in matches:
        database.observations.delete_many(match)
    if every:
        _derive_all(database, pipeline)
    else:
        for part in _chunks(touched):
            _derive(database, pipeline, part)
    _remember(database, recipe, stale=False)
