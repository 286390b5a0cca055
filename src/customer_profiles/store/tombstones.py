"""Tombstones in the database, synchronised with those in data/tombstones: either may be lost."""

from collections.abc import Mapping

from pymongo import UpdateOne
from pymongo.database import Database

from customer_profiles.privacy.keys import tombstones


def united(database: Database, fingerprint: str) -> dict[str, str]:
    """Merge both stores of tombstones; return the kind by mark of all erased under this key."""
    stored = {row["_id"]: row["kind"] for row in database.tombstones.find()}
    kept = tombstones.read(fingerprint)
    tombstones.add(fingerprint, stored)
    _add(database, {mark: kind for mark, kind in kept.items() if mark not in stored})
    return {**stored, **kept}


def _add(database: Database, marks: Mapping[str, str]) -> None:
    if marks:
        database.tombstones.bulk_write(
            [
                UpdateOne({"_id": mark}, {"$set": {"kind": kind}}, upsert=True)
                for mark, kind in marks.items()
            ],
            ordered=False,
        )
