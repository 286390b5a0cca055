"""The connection to MongoDB: the server in MONGODB_URI, or the embedded one in data/mongo/."""

import contextlib
import json
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

import pymongo
from pymongo.database import Database
from pymongo.errors import ConfigurationError, ConnectionFailure, OperationFailure, PyMongoError
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_incrementing

from customer_profiles.project import paths
from customer_profiles.store import errors
from customer_profiles.store.errors import FOLDER, ROLES, Gone, StoreError, explained
from customer_profiles.store.mongod import embedded, running

logger = logging.getLogger(__name__)

VARIABLE = "MONGODB_URI"
MANIFEST = "data/raw/manifest.json"
# Copy of the manifest of the archive loaded last. DVC knows nothing of it: a run that fails before
# its load leaves the former archive in use.
LOADED = "data/raw/loaded.json"
TIMEOUT_MS = 5_000
ATTEMPTS = 3
# $jsonSchema is of 3.6, $merge of 4.2; pymongo 4.20 talks to 4.4 and later, and since 5.0 a
# refused row says which of its fields is wrong.
MIN_VERSION = "5.0"
# Documents sent or asked for at once.
CHUNK = 10_000
Result = TypeVar("Result")


@contextmanager
def database(name: str = "") -> Iterator[Database]:
    """The database `name`, on MONGODB_URI or on the embedded server, checked to answer.

    The default is the database of the archive loaded last. Raises StoreError before the first load,
    within seconds when no server answers, and whenever the server fails in the block.
    """
    name = name or audience()
    address = os.environ.get(VARIABLE)
    with contextlib.ExitStack() as stack:
        if not address:
            address = stack.enter_context(embedded(paths.inside(FOLDER)))
        client = stack.enter_context(connect(address, name))
        try:
            yield client[name]
        except PyMongoError as error:
            raise _failure(error) from None


def with_retries(task: Callable[[Database], Result], name: str = "") -> Result:
    """Run `task` on the database `name`, retrying when the connection or the lease is lost.

    An embedded server is restarted. `task` must be idempotent, also after a partial run. Raises
    StoreError after ATTEMPTS losses.
    """
    losses = Retrying(
        retry=retry_if_exception_type(Gone),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_incrementing(start=0, increment=1),
        after=lambda state: logger.warning("%s", state.outcome.exception()),
        reraise=True,
    )
    try:
        for attempt in losses:
            with attempt, database(name) as opened:
                return task(opened)
    except Gone as error:
        raise StoreError(f"{error} (this happened {ATTEMPTS} times)") from None


def chunks(items: Iterable) -> Iterator[list]:
    """Yield `items` in lists of at most CHUNK."""
    left = iter(items)
    while part := list(islice(left, CHUNK)):
        yield part


def audience() -> str:
    """Name of the database of the archive loaded last. Raises StoreError before the first load."""
    return loaded()["audience"]


def loaded() -> dict:
    """Manifest of the archive loaded last.

    Raises StoreError before the first load, ValueError for a damaged file.
    """
    file = paths.inside(LOADED)
    if not file.is_file():
        raise StoreError(f"nothing was loaded yet ({LOADED} is missing); run `make repro`")
    with contextlib.suppress(ValueError, TypeError, KeyError):
        manifest = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(manifest["audience"], str):
            return manifest
    raise ValueError(f"{LOADED} is damaged; run `make repro`, which writes it anew")


@contextmanager
def connect(address: str, name: str) -> Iterator[pymongo.MongoClient]:
    """A client with majority writes; access and the server's version are checked.

    Raises StoreError for a server that does not answer, refuses access or is too old.
    """
    try:
        client = pymongo.MongoClient(
            address, serverSelectionTimeoutMS=TIMEOUT_MS, connectTimeoutMS=TIMEOUT_MS,
            # Acknowledged is what a killed server still has: written to a majority's journals.
            w="majority", journal=True,
        )  # fmt: skip
    except (ConfigurationError, ValueError):
        # The driver's own message repeats a part of the address, which may hold a password.
        raise StoreError(
            f"{VARIABLE} is no MongoDB address; it looks like mongodb://USER:PASSWORD@HOST:PORT, "
            "with :, /, @ and % in user and password written as %3A, %2F, %40 and %25"
        ) from None
    with client:
        try:
            _try(client, name)
        except ConnectionFailure:
            raise StoreError(
                f"no MongoDB answered within {TIMEOUT_MS // 1000} s; check that the server in "
                f"{VARIABLE} is up and can be reached from here"
            ) from None
        except ConfigurationError as error:
            raise StoreError(
                _outdated("older than 4.4")
                if "wire version" in str(error)
                else f"the host or the options in {VARIABLE} are wrong; check how it is written"
            ) from None
        except OperationFailure as error:
            raise StoreError(
                f"MongoDB refused the connection (code {error.code}); check the user and its "
                f"password in {VARIABLE}, and that it has the roles {ROLES} on this database"
            ) from None
        yield client


def outdated(version: str) -> bool:
    """True if a server of `version`, as "6.0.5" or "8.0.0-rc1", is older than MIN_VERSION."""
    return _numbers(version) < _numbers(MIN_VERSION)


def _try(client: pymongo.MongoClient, name: str) -> None:
    """Raise the driver's error, or StoreError, if the server refuses access or is too old."""
    who = client.admin.command("connectionStatus")["authInfo"]["authenticatedUsers"]
    # Every client may ask so far. A known user needs no rights in `admin`: a caller that opens it
    # uses the client only, as the API does, whose audience changes.
    if name != "admin" or not who:
        client[name].list_collection_names()
    version = client.server_info()["version"]
    if outdated(version):
        raise StoreError(_outdated(version))


def _outdated(version: str) -> str:
    return (
        f"this MongoDB is {version}, {MIN_VERSION} or later is needed: set {VARIABLE} to such a "
        "server, or leave it away for the embedded one (Linux x86-64)"
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:2]))


def _failure(error: PyMongoError) -> StoreError:
    """The StoreError that explains a driver's error on a database in use."""
    if os.environ.get(VARIABLE):
        unavailable = f"the server in {VARIABLE} does not answer any more; check that it is up"
        return explained(
            error, VARIABLE, unavailable, f"the disk of the server in {VARIABLE} is full"
        )
    folder = paths.inside(FOLDER)
    unavailable = (
        "the embedded mongod broke off the connection"
        if running(folder)
        else f"the embedded mongod ended while it was in use: {errors.of_the_log(folder)}"
    )
    return explained(error, "the embedded mongod", unavailable, errors.full(folder))
