"""What is published: one immutable document each, and one pointer to the current one.

An earlier publication may stay beside the current one only where nobody can be singled out by
comparing the two (`cells.together`). Whatever is not known to be so is deleted.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from pymongo.database import Database

from customer_profiles.store.connection import chunks
from customer_profiles.store.errors import StoreError
from customer_profiles.store.lease import leased

if TYPE_CHECKING:  # the API reads publications and starts faster without pandas
    import pandas as pd

# What is said of a segment, and of the whole, that follows from who is in it, by the assignments,
# or that is a text; and what of the whole is made of other figures. The evidence for the clusters
# is neither: it is computed from all profiles.
BY_MEMBERS = ("customers", "share", "name", "brief")
OF_OTHERS = ("authors", "posts", "first_day", "last_day")


def publish(database: Database, publication: dict, assignments: "pd.DataFrame") -> None:
    """Store `publication` (its `_id` is the hash of its content) and make it the current one.

    `assignments` (columns _id, cluster, cell) take the place of the former ones. Of the earlier
    publications only the one before this may stay, if `_beside` lets it. A reader sees the former
    publication or this one. After a crash the next publication, the same or another, puts all in
    order. Publishing the same again changes nothing.

    Raises StoreError when an author is not held any more: it was erased since, and would come back.
    """
    # An erasure writes `assignments` anew: what is written meanwhile would be lost.
    with leased(database):
        _publish(database, publication, assignments)


def publish_next(
    database: Database,
    publication: dict,
    assignments: "pd.DataFrame",
    continue_from: Callable[[dict | None, dict], dict],
) -> dict:
    """Publish, as `publish` does, what follows on the current publication; what that is.

    `continue_from` makes it of the current one (None before the first) and of `publication`, which
    has no `_id` yet: the current one itself, if it is to stay (`continuity.following`).
    """
    with leased(database):
        following = continue_from(current(database), publication)
        _publish(database, following, assignments)
    return following


def writes(
    database: Database, publication: dict, assignments: "pd.DataFrame"
) -> list[Callable[[], object]]:
    """What `publish` does, step by step; a crash may come after any of them.

    The assignments go first and come back last: while they are not all there, nothing is known
    about the earlier publications, and a repetition knows that it is one.
    """
    published, pointers = database.published, database.current
    beside = _beside(database, publication, assignments)
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
            for part in chunks(assignments.to_dict("records"))
        ),
    ]


def current(database: Database) -> dict | None:
    """The current publication; None before the first."""
    pointer = None
    # Between the two questions the publication may have been replaced and deleted.
    while (latest := database.current.find_one({"_id": "current"})) != pointer:
        pointer = latest
        found = database.published.find_one({"_id": pointer["publication"]})
        if found:
            return found
    return None


def listed(database: Database) -> list[dict]:
    """The publications that can be read, each in a few words, the current one first."""
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


def _publish(database: Database, publication: dict, assignments: "pd.DataFrame") -> None:
    _all_held(database, assignments["_id"])
    if not _finished(database, publication, assignments):
        for write in writes(database, publication, assignments):
            write()


def _all_held(database: Database, authors: "pd.Series") -> None:
    for part in chunks(authors):
        if database.profiles.count_documents({"_id": {"$in": part}}) < len(part):
            raise StoreError(
                "authors were erased, or have expired, since they were clustered: nothing was "
                "published; run `make repro`"
            )


def _finished(database: Database, publication: dict, assignments: "pd.DataFrame") -> bool:
    pointer = database.current.find_one({"_id": "current"}) or {}
    expected = {pointer.get("publication"), *pointer.get("beside", [])}
    return (
        current(database) == publication
        and {row["_id"] for row in database.published.find({}, {"_id": 1})} == expected
        and _assigned(database) == {row["_id"]: row for row in assignments.to_dict("records")}
    )


def _beside(database: Database, publication: dict, assignments: "pd.DataFrame") -> list[str]:
    """The id of the current publication, if `publication` may be read beside it.

    Its groups are known from the assignments held. Where these are not complete (an author was
    erased since, a publication was interrupted), and of any older publication, they are not.
    """
    former = current(database)
    if former is None or former["_id"] == publication["_id"]:
        return []
    cell_of = {author: row["cell"] for author, row in _assigned(database).items()}
    complete = len(cell_of) == former["summary"]["authors"]
    if not complete or not _elsewhere(former).items() <= _elsewhere(publication).items():
        return []
    # Here, because the API imports this module and starts faster without pandas.
    import pandas as pd

    from customer_profiles.privacy import cells

    bounds = [told["certificate"]["published"]["k"] for told in (former, publication)]
    earlier = cells.atoms(pd.Series(cell_of, dtype=object), bounds[0])
    later = cells.atoms(assignments.set_index("_id")["cell"], bounds[1])
    return [former["_id"]] if cells.together(earlier, later, max(bounds)) else []


def _elsewhere(publication: dict) -> dict:
    """Figures that the assignments do not tell: of days, of segments, of the whole.

    Two publications that differ in one of them could differ by a single person.
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


def _assigned(database: Database) -> dict[str, dict]:
    return {row["_id"]: row for row in database.assignments.find()}
