"""A lease in MongoDB: one writer of observations at a time, across machines.

Profiles are derived from observations, so two programs that write both must not interleave: the
slower one would overwrite a profile with a result of outdated reads. The lease admits one writer
and expires by itself soon after its holder has crashed. Operations that a crashed holder requested
continue on the server ($out and $merge do), so the next writer waits for them too.
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
    """Another program holds the lease now."""


class Lease:
    """The lease: the right to write, as long as `check` raises nothing."""

    def __init__(self, database: Database):
        # By the server's clock: those of two machines may differ.
        until = {"$add": ["$$NOW", int(1000 * SECONDS)]}
        self._leases, self._until = database.leases, until
        self._owner, self._ended = uuid4().hex, threading.Event()
        self._mine = {"_id": NAME, "owner": self._owner}

    def take(self) -> bool:
        """Take the lease if it is free; True if it was."""
        with suppress(DuplicateKeyError):  # each time: its former holder may drop the database
            self._leases.insert_one({"_id": NAME, "owner": "nobody", "until": LONG_AGO})
        free = {"_id": NAME, "$expr": {"$lt": ["$until", "$$NOW"]}}
        taken = [{"$set": {"owner": self._owner, "until": self._until}}]
        return bool(self._leases.update_one(free, taken).matched_count)

    def keep(self) -> None:
        """Renew the lease (heartbeat) until `end` is called; runs in a thread beside the work."""
        while not self._ended.wait(SECONDS / 4):
            # The work itself will notice a server that is gone, and a lease that is lost.
            with suppress(PyMongoError), pymongo.timeout(SECONDS / 4):
                self._renew()

    def check(self) -> None:
        """Raise LeaseLost if another writer took the lease while this program was stalled.

        The server is asked, because after a stall the lease is lost before this program can know.
        """
        if not self._renew():
            raise LeaseLost(
                f"this program stood still for more than {SECONDS:g} s and another one writes "
                "observations now; what was written is whole; run it again"
            )

    def end(self) -> None:
        """Stop the renewal in `keep`."""
        self._ended.set()

    def release(self) -> None:
        """Release the lease for the next writer.

        Note: `keep` must have ended before, because it might renew the lease once more.
        """
        ended = {"$set": {"until": LONG_AGO}}
        # On a server that is lost the lease expires by itself.
        with suppress(PyMongoError), pymongo.timeout(SECONDS / 10):
            self._leases.update_one(self._mine, ended)

    def _renew(self) -> bool:
        """Renew the lease for SECONDS from now; True if it is still held."""
        renewed = self._leases.update_one(self._mine, [{"$set": {"until": self._until}}])
        return bool(renewed.matched_count)


@contextmanager
def leased(database: Database) -> Iterator[Lease]:
    """Wait for the lease of `database` and hold it for the block."""
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
    """Run a `pipeline` that ends in $out or $merge, marked so that the next writer waits for it."""
    rows.aggregate(pipeline, allowDiskUse=True, comment=_comment(rows.database))


def _comment(database: Database) -> str:
    return f"{database.name}: {NAME}"


def _at_work(database: Database) -> bool:
    """True if the server still runs an operation that a former writer requested."""
    condition = {"command.comment": _comment(database)}
    return any(database.client.admin.aggregate([{"$currentOp": {}}, {"$match": condition}]))
