"""The archive's observations made equal to a file.

A row is inserted, replaced or removed by its own id and never counted up, and the profiles follow
from the rows: a replay, a crash, another order or several loaders at once end in the same bytes.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pymongo import ReplaceOne
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import BulkWriteError
from tqdm import tqdm

from customer_profiles.observations import COLUMNS, first_day, last_day
from customer_profiles.store import profiles, removal, schema
from customer_profiles.store.server import CHUNK, StoreError, lasting
from customer_profiles.store.tombstones import united
from customer_profiles.vault import Vault

logger = logging.getLogger(__name__)

DUPLICATE, INVALID = 11000, 121
# Two batches under way keep this program and the server busy at once.
WRITERS = 2
MAX_REFUSED = 0.001


def nobody(pseudonym: str) -> bool:
    """Whether `pseudonym` was erased, where nothing was."""
    return False


@dataclass(frozen=True)
class Limits:
    """Which observations may be held.

    Those from day `first` ("": all) to day `last` ("": all), unless the pseudonym of post or
    author is `erased`.
    """

    first: str = ""
    last: str = ""
    erased: Callable[[str], bool] = nobody

    def late(self, post: Mapping) -> bool:
        """Whether the day of `post` has not come yet."""
        # A missing day is left to the validator, which says so.
        return bool(self.last) and str(post["day"]) > self.last

    def hold(self, post: Mapping) -> bool:
        """Whether `post` may be held."""
        due = self.first <= str(post["day"]) and not self.late(post)
        return due and not self.forgets(post)

    def forgets(self, post: Mapping) -> bool:
        """Whether `post` or its author was erased."""
        return self.erased(post["_id"]) or self.erased(post["author"])


@dataclass(frozen=True)
class Change:
    """What a load did, in rows.

    Of those `seen` in the file `held` are in the database now, `new` and `changed` of them
    written, and others `refused` because of `fields`. `gone` were removed.
    """

    seen: int = 0
    held: int = 0
    new: int = 0
    changed: int = 0
    gone: int = 0
    refused: int = 0
    fields: frozenset[str] = frozenset()

    def __add__(self, other: "Change") -> "Change":
        return Change(
            self.seen + other.seen,
            self.held + other.held,
            self.new + other.new,
            self.changed + other.changed,
            self.gone + other.gone,
            self.refused + other.refused,
            self.fields | other.fields,
        )


@dataclass(frozen=True)
class Loaded:
    """What the database holds after a load, and how many rows of the file it refused."""

    observations: int
    refused: int
    profiles: pd.DataFrame = field(repr=False)


def load(
    name: str, file: Path, grid: profiles.Grid, key: Vault, days: int, as_of: str, today: date
) -> Loaded:
    """Make database `name` what `update` says, also when the server goes away for a moment.

    Held are the posts of the `days` days before `as_of` (0: all; "": the newest day held), none
    of after tomorrow, and none that was erased under `key`.
    """

    def task(database: Database) -> Loaded:
        schema.prepare(database)
        marks, last = united(database, key.fingerprint()), last_day(today)
        first = first_day(_newest(database, file, last), days, as_of) if days else ""
        limits = Limits(first, last, (lambda who: key.mark(who) in marks) if marks else nobody)
        change = update(database, file, grid, limits)
        people = profiles.read_profiles(database)
        return Loaded(database.observations.count_documents({}), change.refused, people)

    return lasting(task, name)


def update(
    database: Database, file: Path, grid: profiles.Grid, limits: Limits = Limits()
) -> Change:
    """Make the archive's rows equal to those of parquet `file`, and let the profiles follow.

    New rows are inserted, rows that differ (another scorer, other counts) replaced, vanished ones
    removed; rows of the live stream stay until the archive holds the same post. What `limits`
    forbid goes, whatever its origin. Memory does not grow with the rows, but for 16 bytes each.

    A row that the validator refuses is left out and counted. Raises StoreError, naming fields and
    never values, when more than MAX_REFUSED of the rows were refused, after all else was done;
    and before anything is written when the file lacks a column or a post stands in it twice.
    """
    ids = _look_through(file, limits)
    with profiles.following(database, grid) as people:
        rows = database.observations
        done = write(rows, people, file, limits)
        gone = removal.before(rows, people, limits.first)
        gone += removal.remove(rows, people, _vanished(rows, ids, done.held))
        if limits.erased is not nobody:
            streamed = rows.find({"origin": "stream"}, removal.OWNER)
            gone += removal.remove(rows, people, filter(limits.forgets, streamed))
    logger.info("observations: %d new, %d changed, %d gone", done.new, done.changed, gone)
    _judge(done)
    return done + Change(gone=gone)


def write(
    rows: Collection,
    people: profiles.Following,
    file: Path,
    limits: Limits = Limits(),
) -> Change:
    """Insert what of parquet `file` is new and may be held, replace what differs."""
    source = pq.ParquetFile(file)
    work = partial(_write, rows, people, limits)
    batches = -(-source.metadata.num_rows // CHUNK)
    with ThreadPoolExecutor(WRITERS) as pool:
        changes = _in_turn(pool, work, source.iter_batches(CHUNK))
        return sum(tqdm(changes, "loading", batches, unit="batch"), Change())


def _in_turn(
    pool: ThreadPoolExecutor, work: Callable[[pa.RecordBatch], Change], batches: Iterable
) -> Iterator[Change]:
    """What `work` says of each batch; no more are read than are worked on."""
    under_way = deque()
    for batch in batches:
        under_way.append(pool.submit(work, batch))
        if len(under_way) > WRITERS:
            yield under_way.popleft().result()
    while under_way:
        yield under_way.popleft().result()


def _newest(database: Database, file: Path, last: str) -> Iterator[str]:
    """The newest days up to `last`, of each batch of `file` and of the live stream."""
    for batch in pq.ParquetFile(file).iter_batches(CHUNK, columns=["day"]):
        yield max((day for day in batch.to_pydict()["day"] if day and day <= last), default="")
    streamed = {"origin": "stream", "day": {"$lte": last}}
    for row in database.observations.find(streamed, {"day": 1}).sort("day", -1).limit(1):
        yield row["day"]


def _look_through(file: Path, limits: Limits) -> np.ndarray:
    """Digests of the ids that may be held, sorted (16 bytes each)."""
    source = pq.ParquetFile(file)
    names = set(source.schema_arrow.names)
    if names != set(COLUMNS):
        missing, unknown = (sorted(set(COLUMNS) - names), sorted(names - set(COLUMNS)))
        raise StoreError(
            f"the observations lack the columns {missing or 'none'} and have unknown ones: "
            f"{unknown or 'none'}; run `dvc repro -f score`"
        )
    digests = [_digests([])]
    for batch in source.iter_batches(CHUNK, columns=["_id", "author", "day"]):
        digests.append(_digests(post["_id"] for post in _posts(batch) if limits.hold(post)))
    ids = np.sort(np.concatenate(digests))
    if twice := len(ids) - len(np.unique(ids)):
        raise StoreError(
            f"{twice} posts stand twice among the observations; run `dvc repro -f score`"
        )
    return ids


def _posts(batch: pa.RecordBatch) -> list[dict]:
    columns = batch.to_pydict()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _digests(ids: Iterable[str]) -> np.ndarray:
    digests = (blake2b(str(name).encode(), digest_size=16).digest() for name in ids)
    return np.frombuffer(b"".join(digests), dtype="V16")


def _write(
    rows: Collection, people: profiles.Following, limits: Limits, batch: pa.RecordBatch
) -> Change:
    """Write what is new or differs in one batch, its authors marked before."""
    posts = _posts(batch)
    late = sum(map(limits.late, posts))
    wanted = [post for post in posts if limits.hold(post)]
    held = {row["_id"]: row for row in rows.find({"_id": {"$in": [p["_id"] for p in wanted]}})}
    new = [post for post in wanted if post["_id"] not in held]
    changed = [post for post in wanted if held.get(post["_id"], post) != post]
    people.touch(post["author"] for post in new + changed)
    people.touch(held[post["_id"]]["author"] for post in changed)
    refused = _put(_insert, rows, new), _put(_replace, rows, changed)
    return Change(
        seen=len(posts),
        held=len(wanted) - sum(map(len, refused)),
        new=len(new) - len(refused[0]),
        changed=len(changed) - len(refused[1]),
        refused=late + sum(map(len, refused)),
        fields=frozenset(["day"] if late else []).union(
            *(profiles.refused_fields(error) for errors in refused for error in errors)
        ),
    )


def _put(put: Callable, rows: Collection, posts: list[dict]) -> list[dict]:
    """The errors of the rows that broke the validator's rules; the others are written."""
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


def _vanished(rows: Collection, ids: np.ndarray, held: int) -> Iterator[dict]:
    """The archive's rows in the database whose digest is not among `ids`, sorted.

    `held` of the file are in the database: when it has no others, there is nothing to look for.
    """
    archive = {"origin": "archive"}
    if rows.count_documents(archive) == held:
        return
    for part in profiles.chunks(rows.find(archive, removal.OWNER)):
        digests = _digests(row["_id"] for row in part)
        places = np.minimum(np.searchsorted(ids, digests), len(ids) - 1)
        known = ids[places] == digests if len(ids) else np.zeros(len(part), bool)
        yield from (row for row, stays in zip(part, known, strict=True) if not stays)


def _judge(change: Change) -> None:
    if not change.refused:
        return
    told = (
        f"{change.refused} of {change.seen} observations were refused and left out, fields: "
        f"{', '.join(sorted(change.fields)) or 'unknown'}; see store/schema.py"
    )
    if change.refused > MAX_REFUSED * change.seen:
        raise StoreError(
            f"{told}; more than {MAX_REFUSED:.1%} of the rows point to a fault in score"
        )
    logger.warning("%s", told)
