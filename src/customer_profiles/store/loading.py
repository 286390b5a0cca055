"""The load: the archive's observations in the database are made equal to a file.

Rows are inserted, replaced or removed by their id and never incremented, and profiles are derived
from the rows. A load is idempotent: a replay, a crash, another order or several loaders at once
give identical bytes.
"""

import json
import logging
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pymongo import ReplaceOne
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import BulkWriteError
from tqdm import tqdm

from customer_profiles.posts.retention import UNLIMITED, Limits, first_day, last_day, never_erased
from customer_profiles.project import files, paths
from customer_profiles.store import profiles, removal, schema, sealed_days
from customer_profiles.store.connection import LOADED, MANIFEST, chunks, with_retries
from customer_profiles.store.errors import StoreError, refused_fields
from customer_profiles.store.sealed_files import Source, among, documents, opened
from customer_profiles.store.tombstones import united

logger = logging.getLogger(__name__)

DUPLICATE, INVALID = 11000, 121
# Two batches under way keep this program and the server busy at once.
WRITERS = 2
MAX_REFUSED = 0.001
PSEUDONYM = re.compile(schema.PSEUDONYM["pattern"])


@dataclass(frozen=True)
class Change:
    """Row counts of a load.

    `seen` rows were read. `stored` of them are in the database now, including `new` inserted and
    `changed` replaced ones; `refused` were refused because of `fields`, `removed` were removed.
    """

    seen: int = 0
    stored: int = 0
    new: int = 0
    changed: int = 0
    removed: int = 0
    refused: int = 0
    fields: frozenset[str] = frozenset()

    def __add__(self, other: "Change") -> "Change":
        return Change(
            self.seen + other.seen,
            self.stored + other.stored,
            self.new + other.new,
            self.changed + other.changed,
            self.removed + other.removed,
            self.refused + other.refused,
            self.fields | other.fields,
        )


@dataclass(frozen=True)
class Loaded:
    """Result of a load: numbers of observations stored and of rows refused, and the profiles."""

    observations: int
    refused: int
    profiles: pd.DataFrame = field(repr=False)


def load(
    name: str, file: Path, recipe: profiles.Recipe, days: int, as_of: str, today: date
) -> Loaded:
    """Update database `name` as `update` does, retrying when the connection is lost.

    Retained are the posts of the `days` days before `as_of` (`days` 0: all; `as_of` "": the newest
    day of file and stream), except posts dated after tomorrow and posts erased under its key. The
    archive is then the one loaded last. Raises StoreError, before anything is written, unless it is
    still the one pulled last; also raises the errors of `update`.
    """

    def task(database: Database) -> Loaded:
        schema.prepare(database)
        # Checked under the lease: until then another program may erase, or rotate the key.
        key = recipe.key
        with profiles.profile_updates(database, recipe) as people, opened(file, key) as source:
            manifest = _pulled(name)
            marks, last = united(database, key.fingerprint()), last_day(today)
            newest = [source.newest(last), sealed_days.newest(database, key, last)] if days else []
            first = first_day(newest, days, as_of) if days else ""
            limits = Limits(
                first, last, (lambda who: key.mark(who) in marks) if marks else never_erased
            )
            change = _make_equal(database, people, source, limits)
            people.derive()
            stored = database.observations.count_documents({})
            loaded = Loaded(stored, change.refused, people.read())
            _judge(change)
            files.write_json_synced(paths.inside(LOADED), manifest)
        return loaded

    return with_retries(task, name)


def update(
    database: Database, file: Path, recipe: profiles.Recipe, limits: Limits = UNLIMITED
) -> Change:
    """Make the archive's rows equal to those of parquet `file`, and derive the profiles anew.

    New rows are inserted, differing rows (another scorer, other counts) replaced, missing rows
    removed. Rows of the live stream stay until the archive has the post too. Rows that `limits`
    forbid are removed, whatever their origin. Memory does not grow with the rows, except for 16
    bytes each.

    A row that the validator refuses is left out and counted. Raises StoreError, naming fields and
    never values, when more than MAX_REFUSED of the rows were refused, after all other work is done.
    Raises StoreError, before anything is written, when the file lacks a column, contains a post
    twice, or a row that is damaged or sealed with another key.
    """
    with profiles.profile_updates(database, recipe) as people, opened(file, recipe.key) as source:
        change = _make_equal(database, people, source, limits)
    _judge(change)
    return change


def write(
    rows: Collection, people: profiles.ProfileUpdater, source: Source, limits: Limits = UNLIMITED
) -> Change:
    """Insert the new rows of `source` that `limits` allow, and replace those that differ."""
    work = partial(_write, rows, people, limits)
    bar = tqdm(desc="loading observations", total=source.count, unit="post")
    done = Change()
    with ThreadPoolExecutor(WRITERS) as pool, bar:
        for change in _in_turn(pool, work, source.batches()):
            bar.update(change.seen)
            done += change
    return done


def _pulled(name: str) -> dict:
    """Manifest of the archive pulled last. Raises StoreError unless `name` is its database."""
    file = paths.inside(MANIFEST)
    manifest = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    if manifest.get("audience") != name:
        raise StoreError("the archive to load is not the one pulled last; run `make repro`")
    return manifest


def _make_equal(
    database: Database, people: profiles.ProfileUpdater, source: Source, limits: Limits
) -> Change:
    """Make the rows equal as `update` does, without deriving the profiles."""
    rows, ids = database.observations, source.ids(limits)
    done = write(rows, people, source, limits)
    removed = removal.remove_before(rows, people, limits.first)
    removed += removal.remove(rows, people, _vanished(rows, ids, done.stored))
    if limits.erased is not never_erased:
        streamed = rows.find({"origin": "stream"}, removal.OWNER)
        removed += removal.remove(rows, people, filter(limits.forgets, streamed))
    logger.info("observations: %d new, %d changed, %d gone", done.new, done.changed, removed)
    return done + Change(removed=removed)


def _in_turn(
    pool: ThreadPoolExecutor, work: Callable[[pa.RecordBatch], Change], batches: Iterable
) -> Iterator[Change]:
    """Yield the result of `work` for each batch; batches are read only as they are worked on."""
    under_way = deque()
    for batch in batches:
        under_way.append(pool.submit(work, batch))
        if len(under_way) > WRITERS:
            yield under_way.popleft().result()
    while under_way:
        yield under_way.popleft().result()


def _write(
    rows: Collection, people: profiles.ProfileUpdater, limits: Limits, batch: pa.RecordBatch
) -> Change:
    return write_posts(rows, people, documents(batch), limits)


def write_posts(
    rows: Collection,
    people: profiles.ProfileUpdater,
    posts: list[dict],
    limits: Limits = UNLIMITED,
    keep: str = "",
) -> Change:
    """Insert the new `posts` (sealed) that `limits` allow, and replace those that differ.

    Stored rows of the origin `keep` are not replaced. The authors are marked as touched before.
    """
    dated = list(zip(posts, sealed_days.of(posts, people.recipe.key), strict=True))
    faults = [_faults(post, day, limits) for post, day in dated]
    wrong = [fields for fields in faults if fields]
    wanted = [
        post
        for (post, day), fields in zip(dated, faults, strict=True)
        if not fields and limits.hold(post, day)
    ]
    stored = {row["_id"]: row for row in rows.find({"_id": {"$in": [p["_id"] for p in wanted]}})}
    known = {number for number, row in stored.items() if row["origin"] == keep}
    wanted = [post for post in wanted if post["_id"] not in known]
    new = [post for post in wanted if post["_id"] not in stored]
    changed = [post for post in wanted if stored.get(post["_id"], post) != post]
    former = [stored[post["_id"]] for post in changed]
    people.touch(post["author"] for post in new + changed + former)
    refused = _put(_insert, rows, new), _put(_replace, rows, changed)
    return Change(
        seen=len(posts),
        stored=len(wanted) - sum(map(len, refused)),
        new=len(new) - len(refused[0]),
        changed=len(changed) - len(refused[1]),
        refused=len(wrong) + sum(map(len, refused)),
        fields=frozenset().union(
            *wrong, *(refused_fields(error) for errors in refused for error in errors)
        ),
    )


def _faults(post: Mapping, day: str, limits: Limits) -> set[str]:
    """The fields for which `post` is refused before it is sent to the server.

    A value that is no pseudonym may be an id or a handle, and the server's log may keep it.
    """
    wrong = {name for name in ("_id", "author") if not PSEUDONYM.match(str(post[name]))}
    return wrong | {"day"} if limits.late(day) else wrong


def _put(put: Callable, rows: Collection, posts: list[dict]) -> list[dict]:
    """Write `posts` with `put`; return the errors of the rows that the validator refused."""
    try:
        if posts:
            put(rows, posts)
    except BulkWriteError as error:
        errors = error.details["writeErrors"]
        others = {item["code"] for item in errors} - {INVALID, DUPLICATE}
        if others or error.details["writeConcernErrors"]:
            # The driver's own message repeats the rows.
            raise StoreError(
                f"MongoDB could not write (codes {sorted(others)}); see its log"
            ) from None
        # A row that is there already was written by a batch that was sent twice: put it again.
        there = [posts[item["index"]] for item in errors if item["code"] == DUPLICATE]
        return [item for item in errors if item["code"] == INVALID] + _put(_replace, rows, there)
    return []


def _insert(rows: Collection, posts: list[dict]) -> None:
    rows.insert_many(posts, ordered=False)


def _replace(rows: Collection, posts: list[dict]) -> None:
    rows.bulk_write([ReplaceOne({"_id": post["_id"]}, post, True) for post in posts], ordered=False)


def _vanished(rows: Collection, ids: np.ndarray, loaded: int) -> Iterator[dict]:
    """Yield the archive's rows in the database whose digest is not in the sorted `ids`.

    `loaded` rows of the file are in the database. If it has no other rows of the archive, nothing
    is searched.
    """
    archive = {"origin": "archive"}
    if rows.count_documents(archive) == loaded:
        return
    for part in chunks(rows.find(archive, removal.OWNER)):
        known = among(ids, (row["_id"] for row in part))
        yield from (row for row, stays in zip(part, known, strict=True) if not stays)


def _judge(change: Change) -> None:
    if not change.refused:
        return
    message = (
        f"{change.refused} of {change.seen} observations were refused and left out, fields: "
        f"{', '.join(sorted(change.fields)) or 'unknown'}; see store/schema.py"
    )
    if change.refused > MAX_REFUSED * change.seen:
        raise StoreError(
            f"{message}; more than {MAX_REFUSED:.1%} of the rows point to a fault in score"
        )
    logger.warning("%s", message)
