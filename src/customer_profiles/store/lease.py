"""One writer of observations at a time, on whatever machine it runs.

Profiles follow from observations, so two programs that write both must not do it in turns: the
slower would overwrite a profile with what it read too early. A lease in the database lets one in;
it ends by itself soon after its holder has crashed.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from uuid import uuid4

import pymongo
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, PyMongoError

from customer_profiles.store.server import StoreError

logger = logging.getLogger(__name__)

SECONDS = 10.0
WAIT_SECONDS = 0.1
NAME = "observations"
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class LeaseLost(StoreError):
    """Another program writes now."""


class Lease:
    """The right to write, as long as `check` says nothing."""

    def __init__(self, database: Database):
        # By the server's clock: those of two machines may differ.
        until = {"$add": ["$$NOW", int(1000 * SECONDS)]}
        self._leases, self._until = database.leases, until
        self._owner, self._ended, self._lost = uuid4().hex, threading.Event(), False

    def take(self) -> bool:
        """Whether nobody else held it."""
        free = {"_id": NAME, "$expr": {"$lt": ["$until", "$$NOW"]}}
        taken = [{"$set": {"owner": self._owner, "until": self._until}}]
        return bool(self._leases.update_one(free, taken).matched_count)

    def keep(self) -> None:
        """Renew until `release`; to be run beside the work."""
        mine = {"_id": NAME, "owner": self._owner}
        while not self._ended.wait(SECONDS / 4):
            try:
                with pymongo.timeout(SECONDS / 4):
                    renewed = self._leases.update_one(mine, [{"$set": {"until": self._until}}])
            except PyMongoError:
                continue  # the work itself will notice a server that is gone
            self._lost = self._lost or not renewed.matched_count

    def check(self) -> None:
        """Raise LeaseLost when another writer has taken over, because this one stood still."""
        if self._lost:
            raise LeaseLost(
                f"this program stood still for more than {SECONDS:g} s and another one writes "
                "observations now; what was written is whole; run it again"
            )

    def release(self) -> None:
        """Let the next one in."""
        self._ended.set()
        ended = {"$set": {"until": LONG_AGO}}
        # From a server that is gone it will be had when it has ended by itself.
        with suppress(PyMongoError), pymongo.timeout(SECONDS / 10):
            self._leases.update_one({"_id": NAME, "owner": self._owner}, ended)


@contextmanager
def leased(database: Database) -> Iterator[Lease]:
    """The lease of `database`, once nobody else holds it."""
    lease = Lease(database)
    with suppress(DuplicateKeyError):
        database.leases.insert_one({"_id": NAME, "owner": "nobody", "until": LONG_AGO})
    if not lease.take():
        logger.info("another program writes observations; waiting for it")
        while not lease.take():
            time.sleep(WAIT_SECONDS)
    keeper = threading.Thread(target=lease.keep, daemon=True)
    keeper.start()
    try:
        yield lease
    finally:
        lease.release()
        keeper.join()
