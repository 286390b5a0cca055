"""Removal of observations from the database: expired, erased, or no longer in the archive.

MongoDB's files keep deleted documents until they are overwritten; `rewrite` and `empty_journal`
remove them from the files.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence

from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure

from customer_profiles.privacy.keys.key import SAMPLE, demonstration_key
from customer_profiles.project import paths
from customer_profiles.store import connection, mongod, sealed_days
from customer_profiles.store.connection import chunks
from customer_profiles.store.lease import aggregate
from customer_profiles.store.profiles import ProfileUpdater, Recipe, profile_updates

OWNER = {"author": 1}


logger = logging.getLogger(__name__)
ABOUT_PEOPLE = ("observations", "profiles", "assignments")


def remove(rows: Collection, people: ProfileUpdater, unwanted: Iterable[Mapping]) -> int:
    """Remove the rows whose `_id` and `author` are in `unwanted`; return their number."""
    removed = 0
    for part in chunks(unwanted):
        people.touch(row["author"] for row in part)
        removed += rows.delete_many({"_id": {"$in": [row["_id"] for row in part]}}).deleted_count
    return removed


def remove_before(rows: Collection, people: ProfileUpdater, day: str) -> int:
    """Remove the stream's rows of days before `day`; return their number.

    The archive's rows vanish with its file; only the stream's rows are indexed by month.
    """
    stream = {"origin": "stream"}
    return remove(rows, people, sealed_days.before(rows, people.recipe.key, day, stream))


def authors_by_post(
    database: Database, posts: Sequence[str], authors: Sequence[str]
) -> dict[str, str]:
    """Author by post (pseudonyms), for `posts` and for all posts by `authors`."""
    return {
        row["_id"]: row["author"]
        for match in _matches(posts, authors)
        for row in database.observations.find(match, OWNER)
    }


def with_profile(database: Database, authors: Sequence[str]) -> set[str]:
    """The members of `authors` that have a profile."""
    return {
        row["_id"]
        for part in chunks(authors)
        for row in database.profiles.find({"_id": {"$in": part}}, {"_id": 1})
    }


def erase(database: Database, posts: Sequence[str], authors: Sequence[str], recipe: Recipe) -> None:
    """Remove `posts` and all data of `authors` (pseudonyms), from MongoDB's files too.

    Touched profiles are derived anew or removed. Their assignments are always removed.
    """
    with profile_updates(database, recipe) as people:
        touched = {*authors, *authors_by_post(database, posts, authors).values()}
        people.touch(touched)
        for part in chunks(sorted(touched)):
            database.assignments.delete_many({"_id": {"$in": part}})
        for match in _matches(posts, authors):
            database.observations.delete_many(match)
        people.derive()
        rewrite(database, people)


def expire(database: Database, day: str, recipe: Recipe) -> None:
    """Remove all posts of days before `day`, from MongoDB's files too.

    Touched profiles are derived anew or removed. The assignment of a removed profile is removed
    too.
    """
    rows = database.observations
    with profile_updates(database, recipe) as people:
        remove(rows, people, sealed_days.before(rows, recipe.key, day))
        people.derive()
        for part in chunks(row["_id"] for row in database.assignments.find({}, {"_id": 1})):
            absent = set(part) - with_profile(database, part)
            database.assignments.delete_many({"_id": {"$in": sorted(absent)}})
        rewrite(database, people)


def audiences(database: Database) -> list[Database]:
    """The databases of other archives on the server of `database`, except the shipped sample's."""
    ours = database.name, demonstration_key().audience(SAMPLE)
    names = database.client.list_database_names()
    others = sorted(name for name in names if name.startswith("audience_") and name not in ours)
    return [database.client[name] for name in others]


def rewrite(database: Database, people: ProfileUpdater) -> None:
    """Rewrite all collections about single people into new files; the old files are removed.

    `compact` is not enough: deleted ids remain in the indexes (tried with MongoDB 6.0). Indexes and
    validators stay. Raises LeaseLost once `people` has lost the lease, because another writer's
    changes would be lost.
    """
    for name in ABOUT_PEOPLE:
        people.check()
        try:
            aggregate(database[name], [{"$out": name}])
        except OperationFailure as error:
            logger.warning(
                "MongoDB refused to write %s anew (code %s): its files keep what was deleted until "
                "they are written over",
                name, error.code,
            )  # fmt: skip


def empty_journal(name: str) -> bool:
    """Start and stop the embedded server, which begins a new journal; False if it is in use.

    The caller must have no database open. The server in MONGODB_URI is not restarted.
    """
    if mongod.running(paths.inside(connection.FOLDER)):
        return False
    with connection.database(name) as database:
        database.client.admin.command("fsync")
    return True


def _matches(posts: Sequence[str], authors: Sequence[str]) -> list[dict]:
    named = {"_id": posts, "author": authors}
    return [{key: {"$in": part}} for key, ids in named.items() for part in chunks(ids)]
