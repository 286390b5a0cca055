"""Profiles, derived from the observations of their authors.

A profile is never incremented but computed anew from its author's observations, so a replay, a
crash or another order of the posts gives an identical profile. Both are sealed: the server stores
them and finds them, and this program alone reads them.
"""

import hashlib
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pandas as pd
from pymongo import ReplaceOne
from pymongo.database import Database

from customer_profiles.posts import profile_records
from customer_profiles.privacy.keys.key import AnotherKey, Damaged, Key
from customer_profiles.privacy.sealing import LAYOUTS, OBSERVATIONS, PROFILES, Layout
from customer_profiles.store import schema
from customer_profiles.store.connection import CHUNK, chunks
from customer_profiles.store.errors import StoreError
from customer_profiles.store.lease import Lease, LeaseLost, leased

# Above it deriving all profiles is faster than to look each author up.
MANY = 50_000
# Observations that are unsealed at once, where all profiles are derived.
ROWS = 250_000
# Rows that are unsealed to see whether the key is the database's.
TRIED = 5
STATE = "profiles"
# Where all profiles are derived anew, until they take the place of the former ones.
FRESH = "profiles_new"


@dataclass(frozen=True)
class Recipe:
    """How profiles are derived: the `key` of both kinds of rows, and which posts count.

    With `exclude_flagged` flagged posts do not count: an author without other posts has no profile.
    """

    key: Key
    exclude_flagged: bool = True

    @property
    def digest(self) -> str:
        """16 hex digits, others for profiles that would be others."""
        parts = (PROFILES.dtype, OBSERVATIONS.dtype, self.exclude_flagged, self.key.fingerprint())
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

    def derive(self, observations: pd.DataFrame) -> pd.DataFrame:
        """Sealed profiles of the authors of sealed `observations`."""
        authors = observations["author"].to_numpy(dtype=object)
        values = OBSERVATIONS.values(observations, self.key)
        names, made = profile_records.derive(authors, values, self.exclude_flagged)
        return PROFILES.seal_values(pd.DataFrame({"_id": names}), made, self.key)


def read_profiles(database: Database, key: Key) -> pd.DataFrame:
    """All profiles, sorted by their values; the pseudonym is the last sort key."""
    return read(database, "profiles", key)


def read(database: Database, collection: str, key: Key) -> pd.DataFrame:
    """A whole collection of sealed rows (one of LAYOUTS), unsealed and sorted by their values."""
    return LAYOUTS[collection].unseal(read_sealed(database, LAYOUTS[collection]), key)


def read_sealed(database: Database, layout: Layout, condition: dict | None = None) -> pd.DataFrame:
    """The rows of `layout` that meet `condition`, as they are stored.

    Column by column: a list of documents would take twice the memory.
    """
    columns = {name: [] for name in layout.fields}
    for row in database[layout.what].find(condition or {}, batch_size=CHUNK):
        for name, column in columns.items():
            column.append(row.get(name))
    return pd.DataFrame(columns, dtype=object)


class ProfileUpdater:
    """The profiles of a database, derived anew where observations changed."""

    def __init__(self, database: Database, recipe: Recipe, lease: Lease):
        self._database, self._lease, self.recipe = database, lease, recipe
        state = database.state.find_one({"_id": STATE}) or {"recipe": "", "stale": True}
        self._every = state["stale"] or state["recipe"] != recipe.digest
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
            self._derive_all()
        else:
            for part in chunks(sorted(self._authors)):
                self.check()
                self._derive(part)
        self.check()
        self.mark(stale=False)
        self.check()  # it may have stood still between these two
        self._every, self._marked, self._authors = False, False, set()

    def read(self) -> pd.DataFrame:
        """As `read_profiles`; if one of them is damaged, all are derived anew before."""
        try:
            return read_profiles(self._database, self.recipe.key)
        except Damaged:
            self._every = True
            self.derive()
            return read_profiles(self._database, self.recipe.key)

    def mark(self, stale: bool) -> None:
        """Store whether the profiles are stale, with the digest of their recipe."""
        row = {"_id": STATE, "recipe": self.recipe.digest, "stale": stale}
        self._database.state.replace_one({"_id": STATE}, row, upsert=True)

    def _mark_once(self) -> None:
        if not self._marked:
            self.mark(stale=True)
            self._marked = True

    def _derive(self, authors: list[str]) -> None:
        rows = self._database.observations.find({"author": {"$in": authors}})
        table = pd.DataFrame(rows, columns=list(OBSERVATIONS.fields))
        derived = self.recipe.derive(table).to_dict("records")
        if derived:
            writes = [ReplaceOne({"_id": row["_id"]}, row, True) for row in derived]
            self._database.profiles.bulk_write(writes, ordered=False)
        vanished = sorted(set(authors) - {row["_id"] for row in derived})
        self._database.profiles.delete_many({"_id": {"$in": vanished}})

    def _derive_all(self) -> None:
        """Derive all profiles; they take the place of the former ones, and the vanished, at once.

        At most about ROWS observations are in memory: authors are taken in ranges of pseudonyms.
        """
        self._database.drop_collection(FRESH)  # of a writer that crashed
        schema.make(self._database, FRESH, schema.PROFILE)
        fresh = self._database[FRESH]
        for authors in _ranges(self._database.observations.estimated_document_count()):
            derived = self.recipe.derive(read_sealed(self._database, OBSERVATIONS, authors))
            for part in chunks(derived.to_dict("records")):
                self.check()
                fresh.insert_many(part, ordered=False)
        self.check()
        fresh.rename("profiles", dropTarget=True)


def _ranges(rows: int) -> list[dict]:
    """Conditions on `author` that part `rows` observations into ranges of about ROWS."""
    digits = 0
    while 16**digits * ROWS < rows:
        digits += 1
    starts = [f"{number:0{digits}x}" for number in range(16**digits)] if digits else []
    if not starts:
        return [{}]
    ends = [{"$lt": end} for end in starts[1:]] + [{}]
    return [{"author": {"$gte": at, **end}} for at, end in zip(starts, ends, strict=True)]


@contextmanager
def profile_updates(database: Database, recipe: Recipe) -> Iterator[ProfileUpdater]:
    """Hold the lease to write observations, and derive the profiles at the end of the block.

    Raises StoreError, before anything is written, where rows are sealed with another key.
    """
    with leased(database) as lease:
        _check_key(database, recipe.key)
        people = ProfileUpdater(database, recipe, lease)
        try:
            yield people
            people.derive()
        except LeaseLost:
            # The next writer may be done already; what was written since is not in its profiles.
            people.mark(stale=True)
            raise


def _check_key(database: Database, key: Key) -> None:
    """Raise StoreError if none of a few rows is of `key`; one alone may be damaged."""
    wrong = []
    for row in database.observations.find().limit(TRIED):
        try:
            OBSERVATIONS.values(pd.DataFrame([row]), key)
        except AnotherKey as error:
            wrong.append(error)
        except Damaged:  # `load` replaces it, or reading it says so
            pass
        else:
            return
    if wrong:
        raise StoreError(f"the rows of this database cannot be read: {wrong[0]}")
