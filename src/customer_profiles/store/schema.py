"""Collections, their validators, which refuse every other field, and their indexes."""

import logging
import time
from collections.abc import Mapping

from pymongo import IndexModel
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, OperationFailure

from customer_profiles.project.vocabulary import VERDICTS
from customer_profiles.publication import document
from customer_profiles.store.errors import StoreError

logger = logging.getLogger(__name__)

# The server's numbers for a collection that is there already, for an index that is not there, and
# for a collection being indexed.
EXISTS, NO_INDEX, INDEXING = 48, 27, 12587
# MongoDB's defaults.
STRICT = {"validationLevel": "strict", "validationAction": "error"}

PSEUDONYM = {"bsonType": "string", "pattern": "^[0-9a-f]{32}$"}
DAY = {"bsonType": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
MONTH = {"bsonType": "string", "pattern": "^[0-9]{4}-[0-9]{2}$"}
FLAG = {"bsonType": "bool"}
TEXT = {"bsonType": "string", "maxLength": 200}
# All exact values of a row, encrypted (`privacy.sealing`).
SEALED = {"bsonType": "binData"}

OBSERVATION = {
    "_id": PSEUDONYM,
    "author": PSEUDONYM,
    "scorer": {"bsonType": "string", "pattern": "^[0-9a-f]{16}$"},
    "origin": {"enum": ["archive", "stream"]},
    "month": MONTH,
    "sealed": SEALED,
}
PROFILE = {"_id": PSEUDONYM, "sealed": SEALED}
ASSIGNMENT = {"_id": PSEUDONYM, "sealed": SEALED}
PUBLICATION = document.for_mongodb(document.PUBLICATION)["properties"]
# `beside` names earlier publications whose comparison with this one singles out no person.
CURRENT = {
    "_id": {"enum": ["current"]},
    "publication": PUBLICATION["_id"],
    "beside": {"bsonType": "array", "items": PUBLICATION["_id"]},
}
TOKEN = {
    "_id": TEXT,
    "sha256": {"bsonType": "string", "pattern": "^[0-9a-f]{64}$"},
    "created": DAY,
    "expires": DAY,
}
STATE = {"_id": {"enum": ["profiles"]}, "recipe": TEXT, "stale": FLAG}
TOMBSTONE = {"_id": PSEUDONYM, "kind": {"enum": ["author", "post"]}}
SCHEMA = {"_id": {"enum": ["schema"]}, "version": {"bsonType": ["int", "long"], "minimum": 1}}
# The writer of observations, and the time at which its lease expires.
LEASE = {"_id": {"enum": ["observations"]}, "owner": TEXT, "until": {"bsonType": "date"}}

COLLECTIONS = {
    "observations": OBSERVATION,
    "profiles": PROFILE,
    "assignments": ASSIGNMENT,
    "published": PUBLICATION,
    "current": CURRENT,
    "api_tokens": TOKEN,
    "state": STATE,
    "tombstones": TOMBSTONE,
    "schema": SCHEMA,
    "leases": LEASE,
}
INDEXES = {
    # By month the stream's rows alone, which expire here: an index of all rows would make inserting
    # 12 % slower, and what expires of the archive vanishes from the file that `load` reads.
    "observations": [
        IndexModel("author"),
        IndexModel("month", partialFilterExpression={"origin": "stream"}),
    ],
    "api_tokens": [IndexModel("sha256", unique=True)],
}


def prepare(database: Database) -> None:
    """Create or update collections, validators and indexes, and migrate rows of former versions.

    Idempotent and safe to run concurrently; the next call resumes an interrupted one. Raises
    StoreError for a database of a newer program, which stays unchanged.
    """
    current = version(database)
    if current > NEWEST:
        raise StoreError(
            f"this database was written by a newer version of this program (schema {current}, this "
            f"one knows {NEWEST}): update the program, or use another database"
        )
    there = {row["name"]: row.get("options", {}) for row in database.list_collections()}
    for name, fields in COLLECTIONS.items():
        make(database, name, fields, there.get(name))
        if name in INDEXES:
            database[name].create_indexes(INDEXES[name])
    for number in range(current + 1, NEWEST + 1):
        MIGRATIONS[number](database)
        _remember(database, number)


def version(database: Database) -> int:
    """Schema version of the rows; 1 if none is stored, as before versions were introduced."""
    row = database["schema"].find_one({"_id": "schema"})
    return row["version"] if row else 1


def make(database: Database, name: str, fields: dict, there: Mapping | None = None) -> None:
    """Create the collection or update its validator; `there` are its options, None without it."""
    rule = {
        "bsonType": "object",
        "required": list(fields),
        "properties": fields,
        "additionalProperties": False,
    }
    wanted = {"validator": {"$jsonSchema": rule}, **STRICT}
    if there is None:
        try:
            database.create_collection(name, check_exists=False, **wanted)
        except OperationFailure as error:
            if error.code != EXISTS:
                raise
            there = database[name].options()  # another program was faster
    # Not without need: it takes a right more than to read and write.
    if there is not None and {**STRICT, **there} != wanted:
        _command(database, "collMod", name, **wanted)


def _command(database: Database, command: str, name: str, **options: object) -> None:
    while True:
        try:
            database.command(command, name, **options)
        except OperationFailure as error:
            if error.code != INDEXING:
                raise
            time.sleep(0.05)  # another program is building an index of it
        else:
            return


def _forget_assignments_without_cell(database: Database) -> None:
    """Delete assignments without the published cell; `publish` writes them anew."""
    bare = {"cell": {"$exists": False}, "sealed": {"$exists": False}}
    database["assignments"].delete_many(bare)


def _forget_publications_of_before(database: Database) -> None:
    """Delete publications without `continuity`; `publish` writes one anew."""
    _forget_publications(database, {"continuity": {"$exists": False}})


def _forget_unflagged_of_before(database: Database) -> None:
    """Delete publications without flag counts; `publish` writes one anew."""
    _forget_publications(database, {"summary.flagged": {"$exists": False}})


def _forget_flows_of_before(database: Database) -> None:
    """Remove from publications the numbers of authors who moved between segments."""
    condition = {"continuity.flows": {"$exists": True}}
    database["published"].update_many(condition, {"$unset": {"continuity.flows": ""}})


def _forget_verdicts_of_before(database: Database) -> None:
    """Delete publications whose verdict knew no groups by degree; `publish` writes one anew."""
    _forget_publications(database, {"summary.clusters.by_hand": {"$exists": True}})


def _forget_rows_of_before(database: Database) -> None:
    """Delete rows that are not sealed, and publications of which the verdict has another name.

    Also those that do not say what the model did not read.

    Nothing exact can be had from the bins of before: `load` and `publish` write the archive's rows
    anew, and those of the stream end. A warning says how many.
    """
    bare = {"sealed": {"$exists": False}}
    streamed = database["observations"].count_documents({**bare, "origin": "stream"})
    if streamed:
        logger.warning(
            "%d posts of the live stream were stored in bins by a former version, and are removed: "
            "nothing exact can be had from them; score their pages by `make repro "
            "X_ARCHIVE=data/collect/pages`, as far as they are held",
            streamed,
        )
    for name in ("observations", "profiles", "assignments"):
        database[name].delete_many(bare)
    former = database["observations"].index_information()
    for name in (name for name, index in former.items() if index["key"][0][0] == "day"):
        try:
            _command(database, "dropIndexes", "observations", index=name)
        except OperationFailure as error:
            if error.code != NO_INDEX:  # another program was faster
                raise
    _forget_publications(database, {"summary.clusters.verdict": {"$nin": list(VERDICTS)}})
    _forget_publications(database, {"summary.unread": {"$exists": False}})


def _forget_publications_without_caution(database: Database) -> None:
    """Delete publications that do not say whether to trust the model; `publish` writes one anew."""
    _forget_publications(database, {"summary.caution": {"$exists": False}})


def _forget_publications(database: Database, before: Mapping) -> None:
    ids = [row["_id"] for row in database["published"].find(before, {"_id": 1})]
    database["current"].delete_many({"publication": {"$in": ids}})
    database["published"].delete_many({"_id": {"$in": ids}})


# From the version before to this one. Each is done again when it was stopped, or by two at once,
# also while rows of the new kind are being written.
MIGRATIONS = {
    2: _forget_assignments_without_cell,
    3: _forget_publications_of_before,
    4: _forget_unflagged_of_before,
    5: _forget_flows_of_before,
    6: _forget_verdicts_of_before,
    7: _forget_rows_of_before,
    8: _forget_publications_without_caution,
}
NEWEST = max(MIGRATIONS)


def _remember(database: Database, number: int) -> None:
    row, largest = {"_id": "schema"}, {"$max": {"version": number}}
    try:
        database["schema"].update_one(row, largest, upsert=True)
    except DuplicateKeyError:  # another program was first: now there is a row to update
        database["schema"].update_one(row, largest)
