"""What MongoDB's own files keep of deleted documents, until it is written over."""

import logging

from pymongo.database import Database
from pymongo.errors import OperationFailure

from customer_profiles import paths, vault
from customer_profiles.store import server
from customer_profiles.store.lease import aggregate
from customer_profiles.store.profiles import Following

logger = logging.getLogger(__name__)

ABOUT_PEOPLE = ("observations", "profiles", "assignments")


def audiences(database: Database) -> list[Database]:
    """The other archives' databases on the server of this one, but for the shipped sample's."""
    ours = database.name, vault.demonstration().audience(vault.SAMPLE)
    names = database.client.list_database_names()
    found = sorted(name for name in names if name.startswith("audience_") and name not in ours)
    return [database.client[name] for name in found]


def rewrite(database: Database, people: Following) -> None:
    """Write all that is about single people into new files; the old ones are removed.

    `compact` is not enough: deleted ids still stand in the indexes (tried with MongoDB 6.0).
    Indexes and validators stay. What anybody else wrote meanwhile would be lost: raises LeaseLost
    once `people` may not write any more.
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

    To be called when this process has no database open. A server of one's own is left alone.
    """
    if server.running(paths.inside(server.FOLDER)):
        return False
    with server.database(name) as database:
        database.client.admin.command("fsync")
    return True
