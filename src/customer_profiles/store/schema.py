"""Collections, their validators and indexes: what may be in the database, and nothing else."""

from pymongo import IndexModel
from pymongo.database import Database

from customer_profiles.observations import AUTHOR_COUNTS, CLASSES, POST_COUNTS

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
PUBLICATION = {
    "_id": {"bsonType": "string", "pattern": "^[0-9a-f]{16}$"},
    "summary": {"bsonType": "object"},
    "segments": {"bsonType": "array"},
    "cells": {"bsonType": "array"},
    "mood_daily": {"bsonType": "array"},
    "certificate": {"bsonType": "object"},
    "provenance": {"bsonType": "object"},
}
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
    "observations": [IndexModel("author")],
    "api_tokens": [IndexModel("sha256", unique=True)],
}


def prepare(database: Database) -> None:
    """Make collections, validators and indexes as they should be; changes nothing twice."""
    there = set(database.list_collection_names())
    for name, fields in COLLECTIONS.items():
        validator = {
            "$jsonSchema": {
                "bsonType": "object",
                "required": list(fields),
                "properties": fields,
                "additionalProperties": False,
            }
        }
        if name in there:
            database.command("collMod", name, validator=validator)
        else:
            database.create_collection(name, validator=validator)
        if name in INDEXES:
            database[name].create_indexes(INDEXES[name])
