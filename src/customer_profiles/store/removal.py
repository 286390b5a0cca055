"""Observations taken out of the database: expired, erased, or no longer in the archive."""

from collections.abc import Iterable, Mapping

from pymongo.collection import Collection

from customer_profiles.store.profiles import Following, chunks

OWNER = {"author": 1}


def remove(rows: Collection, people: Following, unwanted: Iterable[Mapping]) -> int:
    """Remove the rows of which `unwanted` gives `_id` and `author`; how many they were."""
    gone = 0
    for part in chunks(unwanted):
        people.touch(row["author"] for row in part)
        gone += rows.delete_many({"_id": {"$in": [row["_id"] for row in part]}}).deleted_count
    return gone


def before(rows: Collection, people: Following, day: str) -> int:
    """Remove the stream's rows of days before `day`; how many they were.

    The archive's vanish with its file; only the stream's are indexed by day.
    """
    old = {"origin": "stream", "day": {"$lt": day}}
    return remove(rows, people, rows.find(old, OWNER)) if day else 0
