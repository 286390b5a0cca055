"""One writer of observations at a time, on whatever machine it runs.

Profiles follow from observations, so two programs that write both must not do it in turns: the
slower would overwrite a profile with what it read too early. A lease in the database lets one in;
it ends by itself soon after its holder has crashed. What such a holder had asked the server for
goes on without it ($out and $merge do), so the next one waits for that too.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from uuid import uuid4

import pymongo
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, PyMongoError

from customer_profiles.store.errors import Gone

logger = logging.getLogger(__name__)

SECONDS = 10.0
WAIT_SECONDS = 0.1
NAME = "observations"
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class LeaseLost(Gone):
    """Another program writes now."""


class Lease:
    """The right to write, as long as `check` raises nothing."""

    def __init__(self, database: Database):
        # By the server's clock: those of two machines may differ.
        until = {"$add": ["$$NOW", int(1000 * SECONDS)]}
        self._leases, self._until = database.leases, until
        self._owner, self._ended = uuid4().hex, threading.Event()
        self._mine = {"_id": NAME, "owner": self._owner}

    def take(self) -> bool:
        """Whether nobody else held it."""
        with suppress(DuplicateKeyError):  # each time: whoever held it may drop the database
            self._leases.insert_one({"_id": NAME, "owner": "nobody", "until": LONG_AGO})
        free = {"_id": NAME, "$expr": {"$lt": ["$until", "$$NOW"]}}
        taken = [{"$set": {"owner": self._owner, "until": self._until}}]
        return bool(self._leases.update_one(free, taken).matched_count)

    def keep(self) -> None:
        """Renew until `release`; to be run beside the work."""
        while not self._ended.wait(SECONDS / 4):
            # The work itself will notice a server that is gone, and a lease that is lost.
            with suppress(PyMongoError), pymongo.timeout(SECONDS / 4):
                self._renew()

    def check(self) -> None:
        """Raise LeaseLost when another writer has taken over, because this one stood still.

        Asks the server: after a standstill the lease is lost before this program can know.
        """
        if not self._renew():
            raise LeaseLost(
                f"this program stood still for more than {SECONDS:g} s and another one writes "
                "observations now; what was written is whole; run it again"
            )

    def end(self) -> None:
        """Make `keep` come to its end."""
        self._ended.set()

    def release(self) -> None:
        """Let the next one in; not before `keep` has ended, which might renew once more."""
        ended = {"$set": {"until": LONG_AGO}}
        # From a server that is gone it will be had when it has ended by itself.
        with suppress(PyMongoError), pymongo.timeout(SECONDS / 10):
            self._leases.update_one(self._mine, ended)

    def _renew(self) -> bool:
        """Whether it is still held, for SECONDS from now."""
        renewed = self._leases.update_one(self._mine, [{"$set": {"until": self._until}}])
        return bool(renewed.matched_count)


@contextmanager
def leased(database: Database) -> Iterator[Lease]:
    """The lease of `database`, once nobody else holds it."""
    lease = Lease(database)
    if not lease.take():
        logger.info("another program writes observations; waiting for it")
        while not lease.take():
            time.sleep(WAIT_SECONDS)
    keeper = threading.Thread(target=lease.keep, daemon=True)
    keeper.start()
    try:
        while _at_work(database):
            time.sleep(WAIT_SECONDS)
        yield lease
    finally:
        lease.end()
        keeper.join()
        lease.release()


def aggregate(rows: Collection, pipeline: list[dict]) -> None:
    """Carry out a `pipeline` that ends in $out or $merge, so that the next writer waits for it."""
    rows.aggregate(pipeline, allowDiskUse=True, comment=_comment(rows.database))


def _comment(database: Database) -> str:
    return f"{database.name}: {NAME}"


def _at_work(database: Database) -> bool:
    """Whether the server still carries out what a writer asked for that is gone."""
    asked = {"command.comment": _comment(database)}
    return any(database.client.admin.aggregate([{"$currentOp": {}}, {"$match": asked}]))
