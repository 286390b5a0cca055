"""What is published: one immutable document each, and one pointer to the current one."""

from typing import TYPE_CHECKING

from pymongo.database import Database

from customer_profiles.store.server import CHUNK

if TYPE_CHECKING:  # the API reads publications and starts faster without pandas
    import pandas as pd


def publish(database: Database, publication: dict, assignments: "pd.DataFrame") -> None:
    """Store `publication` (its `_id` is the hash of its content) and make it the current one.

    A reader sees the former publication or this one: the pointer is one document, replaced last.
    `assignments` (columns _id, cluster, cell) take the place of the former ones. Publishing the
    same again changes nothing.
    """
    if current(database) == publication and _same(database, assignments):
        return
    # First, so that a document the validator refuses changes nothing.
    database.published.replace_one({"_id": publication["_id"]}, publication, upsert=True)
    database.assignments.delete_many({})
    rows = assignments.to_dict("records")
    for start in range(0, len(rows), CHUNK):
        database.assignments.insert_many(rows[start : start + CHUNK], ordered=False)
    pointer = {"_id": "current", "publication": publication["_id"]}
    database.current.replace_one({"_id": "current"}, pointer, upsert=True)


def current(database: Database) -> dict | None:
    """The current publication; None before the first."""
    pointer = database.current.find_one({"_id": "current"})
    return pointer and database.published.find_one({"_id": pointer["publication"]})


def _same(database: Database, assignments: "pd.DataFrame") -> bool:
    held = {row["_id"]: row for row in database.assignments.find()}
    return held == {row["_id"]: row for row in assignments.to_dict("records")}
