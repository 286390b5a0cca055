"""Publications: one immutable document each, and one pointer to the current one.

An earlier publication stays beside the current one only if a comparison of the two cannot single
out a person (`cells.together`). It is deleted unless that is known.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from pymongo.database import Database

from customer_profiles.store.connection import chunks
from customer_profiles.store.errors import StoreError
from customer_profiles.store.lease import leased

if TYPE_CHECKING:  # the API reads publications and starts faster without pandas
    import pandas as pd

    from customer_profiles.privacy.keys.key import Key

# What is said of a segment, and of the whole, that follows from who is in it, by the assignments,
# or that is a text; and what of the whole is made of other figures. The evidence for the clusters
# is neither: it is computed from all profiles.
BY_MEMBERS = ("customers", "share", "name", "brief")
OF_OTHERS = ("authors", "posts", "first_day", "last_day")


def publish(database: Database, publication: dict, assignments: "pd.DataFrame", key: "Key") -> None:
    """Store `publication` (its `_id` is the hash of its content) and make it the current one.

    `assignments` (columns _id, cluster, cell) replace the former ones, sealed with `key`. Of the
    earlier publications only the previous one may stay, if `_beside` allows it. A reader sees
    either the former publication or this one. After a crash the next call, with this publication or
    another, restores consistency. `publish` is idempotent.

    Raises StoreError when an author is no longer stored: the author was erased meanwhile and must
    not come back.
    """
    # An erasure writes `assignments` anew: what is written meanwhile would be lost.
    with leased(database):
        _publish(database, publication, assignments, key)


def publish_next(
    database: Database,
    publication: dict,
    assignments: "pd.DataFrame",
    key: "Key",
    continue_from: Callable[[dict | None, dict], dict],
) -> dict:
    """Publish the successor of the current publication, as `publish` does, and return it.

    `continue_from` makes the successor from the current publication (None before the first) and
    from `publication`, which has no `_id` yet. It returns the current one if that is to stay
    (`continuity.successor`).
    """
    with leased(database):
        successor = continue_from(current(database), publication)
        _publish(database, successor, assignments, key)
    return successor


def writes(
    database: Database, publication: dict, assignments: "pd.DataFrame", key: "Key"
) -> list[Callable[[], object]]:
    """The writes of `publish`, in order; a crash may come after any of them.

    The assignments are deleted before the pointer changes and inserted last: while they are
    incomplete, `_beside` keeps no earlier publication and `_finished` is false.
    """
    published, pointers = database.published, database.current
    beside = _beside(database, publication, assignments, key)
    pointer = {"_id": "current", "publication": publication["_id"], "beside": beside}
    others = {"_id": {"$nin": [publication["_id"], *beside]}}
    return [
        # First, so that a document the validator refuses changes nothing.
        partial(published.replace_one, {"_id": publication["_id"]}, publication, upsert=True),
        partial(database.assignments.delete_many, {}),
        partial(pointers.replace_one, {"_id": "current"}, pointer, upsert=True),
        partial(published.delete_many, others),
        *(
            partial(database.assignments.insert_many, part, ordered=False)
            for part in chunks(_sealed(assignments, key))
        ),
    ]


def withdraw(database: Database) -> None:
    """Delete all publications: readers see none until the next is published.

    An erasure calls this, because figures of a publication may tell of the erased person.
    """
    with leased(database):
        database.current.delete_many({})
        database.published.delete_many({})


def current(database: Database) -> dict | None:
    """The current publication; None before the first."""
    pointer = None
    # Between the two questions the publication may have been replaced and deleted.
    while (latest := database.current.find_one({"_id": "current"})) != pointer:
        pointer = latest
        publication = database.published.find_one({"_id": pointer["publication"]})
        if publication:
            return publication
    return None


def listed(database: Database) -> list[dict]:
    """A summary of each readable publication, the current one first."""
    latest = current(database)
    if latest is None:
        return []
    pointer = database.current.find_one({"_id": "current"}) or {}
    if pointer.get("publication") != latest["_id"]:
        return listed(database)  # it has been replaced meanwhile
    beside = database.published.find({"_id": {"$in": pointer["beside"]}})
    return [
        {
            "id": row["_id"],
            "current": row["_id"] == latest["_id"],
            "authors": row["summary"]["authors"],
            "segments": len(row["segments"]),
            "verdict": row["summary"]["clusters"]["verdict"],
            "first_day": row["summary"]["first_day"],
            "last_day": row["summary"]["last_day"],
        }
        for row in (latest, *beside)
    ]


def _publish(
    database: Database, publication: dict, assignments: "pd.DataFrame", key: "Key"
) -> None:
    _all_held(database, assignments["_id"])
    if not _finished(database, publication, assignments, key):
        for write in writes(database, publication, assignments, key):
            write()


def _all_held(database: Database, authors: "pd.Series") -> None:
    for part in chunks(authors):
        if database.profiles.count_documents({"_id": {"$in": part}}) < len(part):
            raise StoreError(
                "authors were erased, or have expired, since they were clustered: nothing was "
                "published; run `make repro`"
            )


def _finished(
    database: Database, publication: dict, assignments: "pd.DataFrame", key: "Key"
) -> bool:
    pointer = database.current.find_one({"_id": "current"}) or {}
    expected = {pointer.get("publication"), *pointer.get("beside", [])}
    return (
        current(database) == publication
        and {row["_id"] for row in database.published.find({}, {"_id": 1})} == expected
        and _by_id(database.assignments.find()) == _by_id(_sealed(assignments, key))
    )


def _beside(
    database: Database, publication: dict, assignments: "pd.DataFrame", key: "Key"
) -> list[str]:
    """The id of the current publication, in a list, if `publication` may be read beside it.

    The groups of the current publication are known from the stored assignments. They are unknown if
    the assignments are incomplete (an author was erased since, a publication was interrupted), and
    for any older publication.
    """
    # Here, because the API imports this module and starts faster without pandas.
    from customer_profiles.privacy import cells
    from customer_profiles.store import profiles

    former = current(database)
    if former is None or former["_id"] == publication["_id"]:
        return []
    assigned = profiles.read(database, "assignments", key)
    complete = len(assigned) == former["summary"]["authors"]
    if not complete or not _elsewhere(former).items() <= _elsewhere(publication).items():
        return []
    bounds = [one["certificate"]["published"]["k"] for one in (former, publication)]
    earlier, later = (
        cells.atoms(table.set_index("_id")["cell"], k)
        for table, k in zip((assigned, assignments), bounds, strict=True)
    )
    return [former["_id"]] if cells.together(earlier, later, max(bounds)) else []


def _elsewhere(publication: dict) -> dict:
    """Figures that do not follow from the assignments: of days, of segments, of the whole.

    Two publications that differ in one of these figures could differ by a single person.
    """
    summary = publication["summary"]
    days = {row["day"]: (row["posts"], row["avg_polarity"]) for row in publication["mood_daily"]}
    segments = {
        row["id"]: {name: value for name, value in row.items() if name not in BY_MEMBERS}
        for row in publication["segments"]
    }
    return {
        **days,
        **segments,
        **{name: value for name, value in summary.items() if name not in OF_OTHERS},
        "posts of other days": summary["posts"] - sum(posts for posts, _ in days.values()),
    }


def _sealed(assignments: "pd.DataFrame", key: "Key") -> list[dict]:
    from customer_profiles.privacy.sealing import ASSIGNMENTS

    return ASSIGNMENTS.seal(assignments, key).to_dict("records")


def _by_id(rows: Iterable[dict]) -> dict[str, dict]:
    return {row["_id"]: row for row in rows}
