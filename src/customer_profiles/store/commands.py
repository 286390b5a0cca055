"""The subcommands of `customer-profiles store`: up, down, status and export."""

import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from pymongo import MongoClient
from pymongo.database import Database

from customer_profiles.privacy.keys.key import Key
from customer_profiles.project import params, paths, vocabulary
from customer_profiles.project.vocabulary import AUTHOR_COUNTS, POST_COUNTS, UNKNOWN
from customer_profiles.publication import briefs
from customer_profiles.store import connection, mongod, publications, schema
from customer_profiles.store.errors import StoreError
from customer_profiles.store.profiles import read, read_profiles

# Where params.yaml does not say otherwise.
K = 10
FOREIGN = f"{connection.VARIABLE} is set: that server is not this project's to start or to stop"


def up() -> str:
    """Start the embedded server, to run until `down`; return the message. Raises StoreError."""
    address = mongod.up(_own())
    return f"MongoDB runs in {connection.FOLDER} until `customer-profiles store down`\n{address}"


def down() -> str:
    """Stop the embedded server; return the message. Raises StoreError while it is in use."""
    there = mongod.down(_own())
    return f"MongoDB in {connection.FOLDER} " + ("is stopped" if there else "was not running")


def status() -> Iterator[str]:
    """Yield lines about the server and its contents; no number of people below k is shown.

    An embedded server that is not running is started for this and stopped afterwards.
    """
    if os.environ.get(connection.VARIABLE):
        yield f"server     the one in {connection.VARIABLE}"
    else:
        folder = paths.inside(connection.FOLDER)
        yield f"server     {connection.FOLDER}, {_how(folder)}"
        if not (folder / "db").is_dir():
            yield "databases  none yet; `make repro` fills one"
            return
        yield f"on disk    {_size(folder) / 1e6:,.0f} MB"
    with connection.database("admin") as database:
        yield f"version    MongoDB {database.client.server_info()['version']}"
        yield from _audiences(database.client)


def table(database: Database, what: str, key: Key | None) -> pd.DataFrame:
    """Profiles (with their cluster), clusters or observations, unsealed by `key`.

    A count that is not known is missing.
    """
    if what == "observations":
        return _known(read(database, what, key))
    if what == "clusters":
        publication = publications.current(database)
        if publication is None:
            raise StoreError("nothing is published yet; run `make repro`")
        return pd.DataFrame([briefs.flat(segment) for segment in publication["segments"]])
    assigned = read(database, "assignments", key)[["_id", "cluster"]]
    joined = _known(read_profiles(database, key)).merge(assigned, on="_id", how="left")
    # Whole numbers also while some authors are not assigned yet.
    return joined.astype({"cluster": "Int64"})


def _known(table: pd.DataFrame) -> pd.DataFrame:
    counts = [*POST_COUNTS, *AUTHOR_COUNTS]
    known = table[counts].convert_dtypes().mask(table[counts] == UNKNOWN)
    return table.assign(**{name: known[name] for name in counts})


def _own() -> Path:
    """Folder of the embedded server. Raises StoreError when another server is used."""
    if os.environ.get(connection.VARIABLE):
        raise StoreError(FOREIGN)
    return paths.inside(connection.FOLDER)


def _how(folder: Path) -> str:
    if not mongod.running(folder):
        return "not running"
    return "running until `down`" if mongod.is_kept(folder) else "running while it is used"


def _size(folder: Path) -> int:
    """Bytes on disk of all files below `folder`."""
    return sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file())


def _audiences(client: MongoClient) -> Iterator[str]:
    sizes = {row["name"]: row["sizeOnDisk"] for row in client.list_databases()}
    names = sorted(name for name in sizes if name.startswith("audience_"))
    yield f"databases  {len(names) or 'none yet; `make repro` fills one'}"
    k = _smallest()
    for name in names:
        yield f"{name}{' (loaded last)' if name == _loaded() else ''}"
        yield from (f"  {line}" for line in _contents(client[name], sizes[name], k))


def _contents(database: Database, size: int, k: int) -> Iterator[str]:
    for name in ("observations", "profiles"):
        yield f"{name:<14}{vocabulary.at_least(database[name].count_documents({}), k)}"
    current = database.current.find_one({"_id": "current"})
    published = current["publication"] if current else "none"
    yield f"{'publications':<14}{database.published.count_documents({})}, current: {published}"
    yield f"{'schema':<14}{schema.version(database)} (this program knows {schema.NEWEST})"
    yield f"{'on disk':<14}{size / 1e6:,.1f} MB"


def _smallest() -> int:
    """Number of people in the smallest group that may be shown (k)."""
    there = paths.inside("params.yaml").is_file()
    return params.shared(["k_anonymity"])["k_anonymity"] if there else K


def _loaded() -> str:
    try:
        return connection.audience()
    except StoreError:
        return ""
