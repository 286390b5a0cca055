"""Collections, their validators and indexes: what may be in the database, and nothing else."""

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
# What MongoDB does without being told.
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
# `beside` names earlier publications that nobody is singled out by comparing with this one.
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
# Who writes observations, and until when nobody else may.
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
    """Make collections, validators and indexes as they should be, and rows of former versions too.

    Changes nothing twice; several may do it at once, and the next one goes on where one was
    stopped. Raises StoreError for a database of a newer program, which stays as it is.
    """
    held = version(database)
    if held > NEWEST:
        raise StoreError(
            f"this database was written by a newer version of this program (schema {held}, this "
            f"one knows {NEWEST}): update the program, or use another database"
        )
    there = {row["name"]: row.get("options", {}) for row in database.list_collections()}
    for name, fields in COLLECTIONS.items():
        _make(database, name, fields, there.get(name))
        if name in INDEXES:
            database[name].create_indexes(INDEXES[name])
    for number in range(held + 1, NEWEST + 1):
        MIGRATIONS[number](database)
        _remember(database, number)


def version(database: Database) -> int:
    """Version of the schema that the rows have; 1 is that of before versions were kept."""
    row = database["schema"].find_one({"_id": "schema"})
    return row["version"] if row else 1


def _make(database: Database, name: str, fields: dict, there: Mapping | None) -> None:
    """Make the collection, or its validator, what it should be; `there` are its options."""
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
            there = database[name].options()  # somebody else was faster
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
            time.sleep(0.05)  # somebody else builds an index of it: that ends
        else:
            return


def _forget_assignments_without_cell(database: Database) -> None:
    """Assignments name the published cell; `publish` writes them anew."""
    database["assignments"].delete_many({"cell": {"$exists": False}})


def _forget_publications_of_before(database: Database) -> None:
    """Publications say more now; `publish` writes one anew."""
    _forget_publications(database, {"continuity": {"$exists": False}})


def _flag_nothing_of_before(database: Database) -> None:
    """Flags came later: `load` gives the archive's rows theirs, and `publish` counts them."""
    unflagged = {"$set": {"flag": vocabulary.UNFLAGGED}}
    database["observations"].update_many({"flag": {"$exists": False}}, unflagged)
    _forget_publications(database, {"summary.flagged": {"$exists": False}})


def _forget_flows_of_before(database: Database) -> None:
    """Publications told how many authors went from segment to segment; they stay without that."""
    told = {"continuity.flows": {"$exists": True}}
    database["published"].update_many(told, {"$unset": {"continuity.flows": ""}})


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
}
NEWEST = max(MIGRATIONS)


def _remember(database: Database, number: int) -> None:
    row, largest = {"_id": "schema"}, {"$max": {"version": number}}
    try:
        database["schema"].update_one(row, largest, upsert=True)
    except DuplicateKeyError:  # somebody else's was first: now there is one to update
        database["schema"].update_one(row, largest)
