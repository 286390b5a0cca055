"""Collections, their validators, which refuse every other field, and their indexes."""

import time
from collections.abc import Mapping

from pymongo import IndexModel
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, OperationFailure

from customer_profiles.project import vocabulary
from customer_profiles.project.vocabulary import AUTHOR_COUNTS, CLASSES, POST_COUNTS
from customer_profiles.publication import document
from customer_profiles.store.errors import StoreError

# The server's numbers for a collection that is there already, and for one being indexed.
EXISTS, INDEXING = 48, 12587
# MongoDB's defaults.
STRICT = {"validationLevel": "strict", "validationAction": "error"}

PSEUDONYM = {"bsonType": "string", "pattern": "^[0-9a-f]{32}$"}
DAY = {"bsonType": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
MONTH = {"bsonType": "string", "pattern": "^[0-9]{4}-[0-9]{2}$"}
FLAG = {"bsonType": "bool"}
TEXT = {"bsonType": "string", "maxLength": 200}
BIN = {"bsonType": ["int", "long"], "minimum": 0, "maximum": 20}

OBSERVATION = {
    "_id": PSEUDONYM,
    "author": PSEUDONYM,
    "scorer": {"bsonType": "string", "pattern": "^[0-9a-f]{16}$"},
    "origin": {"enum": ["archive", "stream"]},
    "day": DAY,
    "label": {"enum": list(CLASSES)},
    "flag": {"enum": [vocabulary.UNFLAGGED, *vocabulary.FLAGS]},
    "polarity": BIN,
    "subjectivity": {**BIN, "maximum": 10},
    **dict.fromkeys(POST_COUNTS + AUTHOR_COUNTS, BIN),
    "verified": FLAG,
    "protected": FLAG,
}
PROFILE = {
    "_id": PSEUDONYM,
    **dict.fromkeys(("posts", "polarity", "subjectivity", *CLASSES), BIN),
    **dict.fromkeys(POST_COUNTS + AUTHOR_COUNTS, BIN),
    "verified": FLAG,
    "protected": FLAG,
    "first_month": MONTH,
    "last_month": MONTH,
}
# `cell` names the published cell an author was counted in: "0/2/1" is segment 0, tiers 2 and 1.
ASSIGNMENT = {
    "_id": PSEUDONYM,
    "cluster": BIN,
    "cell": {"bsonType": "string", "pattern": "^[0-9]+(/[0-9]+)*$"},
}
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
    # By day the stream's rows alone, which expire here: an index of all rows would make inserting
    # 12 % slower, and what expires of the archive vanishes from the file that `load` reads.
    "observations": [
        IndexModel("author"),
        IndexModel("day", partialFilterExpression={"origin": "stream"}),
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
        _make(database, name, fields, there.get(name))
        if name in INDEXES:
            database[name].create_indexes(INDEXES[name])
    for number in range(current + 1, NEWEST + 1):
        MIGRATIONS[number](database)
        _remember(database, number)


def version(database: Database) -> int:
    """Schema version of the rows; 1 if none is stored, as before versions were introduced."""
    row = database["schema"].find_one({"_id": "schema"})
    return row["version"] if row else 1


def _make(database: Database, name: str, fields: dict, there: Mapping | None) -> None:
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
        _change(database, name, wanted)


def _change(database: Database, name: str, wanted: dict) -> None:
    while True:
        try:
            database.command("collMod", name, **wanted)
        except OperationFailure as error:
            if error.code != INDEXING:
                raise
            time.sleep(0.05)  # another program is building an index of it
        else:
            return


def _forget_assignments_without_cell(database: Database) -> None:
    """Delete assignments without the published cell; `publish` writes them anew."""
    database["assignments"].delete_many({"cell": {"$exists": False}})


def _forget_publications_of_before(database: Database) -> None:
    """Delete publications without `continuity`; `publish` writes one anew."""
    _forget_publications(database, {"continuity": {"$exists": False}})


def _flag_nothing_of_before(database: Database) -> None:
    """Mark observations without a flag as unflagged, and delete publications without flag counts.

    `load` sets the flags of the archive's rows, and `publish` counts them.
    """
    unflagged = {"$set": {"flag": vocabulary.UNFLAGGED}}
    database["observations"].update_many({"flag": {"$exists": False}}, unflagged)
    _forget_publications(database, {"summary.flagged": {"$exists": False}})


def _forget_flows_of_before(database: Database) -> None:
    """Remove from publications the numbers of authors who moved between segments."""
    condition = {"continuity.flows": {"$exists": True}}
    database["published"].update_many(condition, {"$unset": {"continuity.flows": ""}})


def _forget_verdicts_of_before(database: Database) -> None:
    """Delete publications whose verdict knew no groups by degree; `publish` writes one anew."""
    _forget_publications(database, {"summary.clusters.by_hand": {"$exists": True}})


def _forget_publications(database: Database, before: Mapping) -> None:
    ids = [row["_id"] for row in database["published"].find(before, {"_id": 1})]
    database["current"].delete_many({"publication": {"$in": ids}})
    database["published"].delete_many({"_id": {"$in": ids}})


# From the version before to this one. Each is done again when it was stopped, or by two at once,
# also while rows of the new kind are being written.
MIGRATIONS = {
    2: _forget_assignments_without_cell,
    3: _forget_publications_of_before,
    4: _flag_nothing_of_before,
    5: _forget_flows_of_before,
    6: _forget_verdicts_of_before,
}
NEWEST = max(MIGRATIONS)


def _remember(database: Database, number: int) -> None:
    row, largest = {"_id": "schema"}, {"$max": {"version": number}}
    try:
        database["schema"].update_one(row, largest, upsert=True)
    except DuplicateKeyError:  # another program was first: now there is a row to update
        database["schema"].update_one(row, largest)
