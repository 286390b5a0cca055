"""The process's one connection to the database: shared by its threads, replaced when lost."""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any

import pymongo
from pymongo.database import Database
from pymongo.errors import PyMongoError

from customer_profiles.store.connection import FOLDER, TIMEOUT_MS, VARIABLE, audience, database
from customer_profiles.store.errors import StoreError

logger = logging.getLogger(__name__)

RETRY_SECONDS = 1.0


class Away(StoreError):
    """The database does not answer."""

    def __init__(self):
        uri = os.environ.get(VARIABLE)
        place = f"the server in {VARIABLE}" if uri else f"the embedded mongod in {FOLDER}"
        super().__init__(f"the database ({place}) does not answer; the log says why; try again")


class Unpublished(StoreError):
    """There is nothing to serve yet."""

    def __init__(self):
        super().__init__("nothing is published yet; run `make repro`")


def _audience() -> str:
    try:
        return audience()
    except StoreError:
        raise Unpublished from None


class Connection:
    """A database connection, opened by the first read and kept until `close`."""

    def __init__(self):
        self._lock = threading.Lock()
        self._stack = contextlib.ExitStack()
        self._client: pymongo.MongoClient | None = None
        self._retry_at = 0.0

    def read(self, question: Callable[[Database], Any]) -> Any:
        """Run `question` on the database of the archive loaded last, and return its result.

        Raises Away within seconds when the server is lost (a later read reconnects), and
        Unpublished before an archive was loaded.
        """
        try:
            client = self._answering()
            with pymongo.timeout(TIMEOUT_MS / 1000):
                return question(client[_audience()])
        except PyMongoError as error:
            # The driver's own message repeats the address, which may hold a password.
            logger.error("reading the database failed: %s", type(error).__name__)
            raise Away from None

    def close(self) -> None:
        """Close the connection; an embedded server without other users stops."""
        with self._lock:
            self._client = None
            self._stack.close()

    def _answering(self) -> pymongo.MongoClient:
        with self._lock:
            if self._client and self._client.topology_description.has_readable_server():
                return self._client
            # A thread that waited here while an attempt failed does not wait for another one.
            if time.monotonic() < self._retry_at:
                raise Away
            with contextlib.ExitStack() as fresh:
                try:
                    # Only its client is used: the audience may change during serving.
                    client = fresh.enter_context(database("admin")).client
                except (StoreError, OSError) as error:
                    self._retry_at = time.monotonic() + RETRY_SECONDS
                    logger.error("the database does not answer: %s", error)
                    raise Away from None
                # Not earlier: the last to leave a server that was killed would wait for its end.
                self._stack.close()
                self._stack, self._client = fresh.pop_all(), client
            return client


connection = Connection()
