"""Profiles, derived from the observations of their authors.

A profile is never incremented but computed anew from its author's observations, so a replay, a
crash or another order of the posts gives an identical profile.
"""

import hashlib
import threading
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
from pymongo.database import Database
from pymongo.errors import OperationFailure

from customer_profiles.posts.observations import ordered
from customer_profiles.project.vocabulary import (
    AUTHOR_COUNTS,
    CLASSES,
    POLARITY_STEPS,
    POST_COUNTS,
    SUBJECTIVITY_STEPS,
    UNFLAGGED,
)
from customer_profiles.store.connection import chunks
from customer_profiles.store.errors import StoreError, refusal
from customer_profiles.store.lease import Lease, LeaseLost, aggregate, leased
from customer_profiles.store.schema import PROFILE

with warnings.catch_warnings():
    # Built against an older pyarrow of the same interface; it says so once per class.
    warnings.filterwarnings("ignore", "pyarrow.lib.* size changed", RuntimeWarning)
    from pymongoarrow.api import Schema, find_pandas_all

# Above it deriving all profiles is faster than to look each author up, and takes no memory here.
MANY = 50_000
STATE = "profiles"
TEXTS = ("_id", "author", "scorer", "origin", "day", "label", "flag", "first_month", "last_month")
FLAGS = ("verified", "protected")


@dataclass(frozen=True)
class Grid:
    """The resolution of a profile: bin edges of the number of posts, steps of the three averages.

    With `exclude_flagged` flagged posts do not count: an author without other posts has no profile.
    """

    posts: Sequence[int]
    polarity_steps: int
    subjectivity_steps: int
    mix_steps: int
    exclude_flagged: bool = False


def read_profiles(database: Database) -> pd.DataFrame:
    """All profiles, sorted by their fields; the pseudonym is the last sort key."""
    return ordered(read(database, "profiles", PROFILE), last=("_id",))


def read(database: Database, collection: str, fields: Sequence[str]) -> pd.DataFrame:
    """`fields` of a whole collection, read through Arrow, in no particular order."""
    kinds = {name: pa.int64() for name in fields}
    kinds |= dict.fromkeys((name for name in fields if name in TEXTS), pa.string())
    kinds |= dict.fromkeys((name for name in fields if name in FLAGS), pa.bool_())
    frame = find_pandas_all(database[collection], {}, schema=Schema(kinds))
    if frame.empty:  # Arrow gives no types for no rows
        return pd.DataFrame({name: [] for name in fields}, dtype=object)
    return frame[list(fields)]


class ProfileUpdater:
    """The profiles of a database, derived anew where observations changed."""

    def __init__(self, database: Database, grid: Grid, lease: Lease):
        self._database, self._lease, self._pipeline = database, lease, _pipeline(grid)
        self._recipe = hashlib.sha256(repr(self._pipeline).encode()).hexdigest()[:16]
        state = database.state.find_one({"_id": STATE}) or {"recipe": "", "stale": True}
        self._every = state["stale"] or state["recipe"] != self._recipe
        self._authors: set[str] = set()
        self._marked = False
        self._lock = threading.Lock()

    def check(self) -> None:
        """Raise LeaseLost when another program may hold the lease now."""
        self._lease.check()

    def touch(self, authors: Iterable[str]) -> None:
        """Record that observations of `authors` are about to be written or removed.

        Until `derive` the profiles are marked as stale in the database, also after a crash. Raises
        LeaseLost.
        """
        self.check()
        authors = set(authors)
        # Held while the mark is written: no other thread may write rows before it is there.
        with self._lock:
            if authors:
                self._mark_once()
            if not self._every:
                self._authors |= authors
                self._every = len(self._authors) > MANY

    def derive(self) -> None:
        """Derive the touched authors' profiles; all if the last writer did not finish this."""
        if not self._every and not self._authors:
            return
        # Also where only the recipe is another one: a crash in here leaves profiles of either.
        self._mark_once()
        if self._every:
            # Takes the place of the former profiles at once, and with it those of the vanished.
            _aggregate(self._database, [*self._pipeline, {"$out": "profiles"}])
        else:
            for part in chunks(sorted(self._authors)):
                self.check()
                _derive(self._database, self._pipeline, part)
        self.check()
        self.mark(stale=False)
        self.check()  # it may have stood still between these two
        self._every, self._marked, self._authors = False, False, set()

    def mark(self, stale: bool) -> None:
        """Store whether the profiles are stale, with the digest of their recipe."""
        row = {"_id": STATE, "recipe": self._recipe, "stale": stale}
        self._database.state.replace_one({"_id": STATE}, row, upsert=True)

    def _mark_once(self) -> None:
        if not self._marked:
            self.mark(stale=True)
            self._marked = True


@contextmanager
def profile_updates(database: Database, grid: Grid) -> Iterator[ProfileUpdater]:
    """Hold the lease to write observations, and derive the profiles at the end of the block."""
    with leased(database) as lease:
        people = ProfileUpdater(database, grid, lease)
        try:
            yield people
            people.derive()
        except LeaseLost:
            # The next writer may be done already; what was written since is not in its profiles.
            people.mark(stale=True)
            raise


def _derive(database: Database, pipeline: list[dict], authors: list[str]) -> None:
    match = {"$match": {"author": {"$in": authors}}}
    into = {"into": "profiles", "whenMatched": "replace", "whenNotMatched": "insert"}
    _aggregate(database, [match, *pipeline, {"$merge": into}])
    left = database.observations.aggregate([match, *pipeline, {"$project": {"_id": 1}}])
    vanished = sorted(set(authors) - {row["_id"] for row in left})
    database.profiles.delete_many({"_id": {"$in": vanished}})


def _aggregate(database: Database, pipeline: list[dict]) -> None:
    try:
        aggregate(database.observations, pipeline)
    except OperationFailure as error:
        raise StoreError(refusal("a profile", error.details)) from None


def _pipeline(grid: Grid) -> list[dict]:
    """The aggregation of profiles from integer sums: no rounding depends on the order of posts."""
    # The latest day wins, on the same day the larger bin: documents compare field by field.
    latest = {name: {"$max": {"day": "$day", "bin": f"${name}"}} for name in AUTHOR_COUNTS + FLAGS}
    group = {
        "_id": "$author",
        "n": {"$sum": 1},
        **{name: {"$sum": f"${name}"} for name in ("polarity", "subjectivity", *POST_COUNTS)},
        **{name: {"$sum": {"$cond": [{"$eq": ["$label", name]}, 1, 0]}} for name in CLASSES},
        **latest,
        "first_month": {"$min": {"$substrBytes": ["$day", 0, 7]}},
        "last_month": {"$max": {"$substrBytes": ["$day", 0, 7]}},
    }
    profile = {
        "posts": {"$size": {"$filter": {
            "input": list(grid.posts), "cond": {"$lte": ["$$this", "$n"]}
        }}},
        "polarity": _mean("polarity", grid.polarity_steps, POLARITY_STEPS),
        "subjectivity": _mean("subjectivity", grid.subjectivity_steps, SUBJECTIVITY_STEPS),
        **{name: _mean(name, 1, 1) for name in POST_COUNTS},
        **{name: _mean(name, grid.mix_steps, 1) for name in CLASSES},
        **{name: f"${name}.bin" for name in latest},
        "first_month": 1,
        "last_month": 1,
    }  # fmt: skip
    counted = [{"$match": {"flag": UNFLAGGED}}] if grid.exclude_flagged else []
    return [*counted, {"$group": group}, {"$project": profile}]


def _mean(name: str, steps: int, of_steps: int) -> dict:
    """Mean of `name` over the posts, converted from a grid of `of_steps` to one of `steps`."""
    doubled = {"$multiply": [f"${name}", 2 * steps]}
    half = {"$multiply": ["$n", of_steps]}
    ratio = {"$divide": [{"$add": [doubled, half]}, {"$multiply": ["$n", 2 * of_steps]}]}
    return {"$toInt": {"$floor": ratio}}
