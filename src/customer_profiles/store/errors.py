"""Errors of the database; no message holds a value, an address or a password.

The reason why the embedded mongod cannot be used is read from its log, its folder and its disk.
"""

import errno
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from pymongo.errors import BulkWriteError, ConnectionFailure, OperationFailure, PyMongoError

UNAUTHORIZED = 13
DISK_FULL = 14031
# To read and write; and to change a rule that the database has already (collMod).
ROLES = "readWrite and dbAdmin"
FOLDER = "data/mongo"
LOG = "mongod.log"
LOOK = f"the last lines of {FOLDER}/{LOG} say why"
# Below this many bytes mongod cannot even write its log.
SCARCE = 1_000_000
FULL = (errno.ENOSPC, errno.EDQUOT)
NEWER = (
    f"the data in {FOLDER} were written by another version of MongoDB, which this mongod cannot "
    "read: use that version, or move the folder away and `make repro` fills a new one"
)
FORBIDDEN = (
    f"{FOLDER} may not be written: make it writable, keep the project on another disk, or set "
    "MONGODB_URI to a server"
)
TAKEN = f"another mongod, not started by this project, has the data in {FOLDER} open: stop it"
# What a log says, in this order: a version that is not known is reported as a permission, too.
MEANINGS = (
    (r"unsupported WiredTiger|featureCompatibilityVersion|FeatureCompatibilityVersion", NEWER),
    (r"DBPathInUse", TAKEN),
    (r"Read-only file system|Permission denied|Operation not permitted", FORBIDDEN),
)


class StoreError(Exception):
    """The database cannot be used; the message says why and what to do."""


class Gone(StoreError):
    """The server or the write lease was lost; the operation may be retried."""


def explained(error: PyMongoError, place: str, unavailable: str, full: str) -> StoreError:
    """The StoreError for `error` of a database in use, without the driver's message.

    The driver's message repeats values and addresses. `place` names the server, `unavailable`
    says why it does not answer, `full` that its disk is full.
    """
    if isinstance(error, ConnectionFailure):
        return Gone(f"{unavailable}; what was written so far is kept: run the same again")
    code, name = _code(error)
    if code == UNAUTHORIZED:
        return StoreError(
            f"the user in {place} may not do this (code {code}): it needs the roles {ROLES} on "
            "this database"
        )
    if code == DISK_FULL:
        return StoreError(full)
    return StoreError(f"{place} refused to go on ({name}, code {code})")


def refused_fields(error: Mapping) -> set[str]:
    """The fields that broke a validator's rules."""
    rules = error.get("errInfo", {}).get("details", {}).get("schemaRulesNotSatisfied", [])
    unsatisfied = {item.get("propertyName") for rule in rules
             for item in rule.get("propertiesNotSatisfied", [])}  # fmt: skip
    named = {name for rule in rules for name in rule.get("missingProperties", [])}
    named |= {name for rule in rules for name in rule.get("additionalProperties", [])}
    return {name for name in unsatisfied | named if name}


def of_the_log(folder: Path) -> str:
    """The reason why the mongod of `folder` ended or did not start, and the remedy.

    No line of the log is quoted.
    """
    log = "\n".join(_errors(folder / LOG))
    if re.search(r'"error(_code)?": ?(28|122)\b|No space left|quota exceeded', log) or (
        shutil.disk_usage(folder).free < SCARCE
    ):
        return full(folder)
    for pattern, meaning in MEANINGS:
        if re.search(pattern, log):
            return meaning
    return LOOK if log else f"it was killed, or its memory ran out; {LOOK}"


def full(folder: Path) -> str:
    """A message that the disk of `folder` is full, with the megabytes that are free."""
    free = shutil.disk_usage(folder).free / 1e6
    return f"the disk of {FOLDER} is full, {free:.1f} MB are free: make room there and try again"


@contextmanager
def of_the_folder(folder: Path) -> Iterator[None]:
    """Convert an OSError in the block to a StoreError that says what is wrong with `folder`."""
    try:
        yield
    except OSError as error:
        there = next(path for path in (folder, *folder.parents) if path.exists())
        if error.errno in FULL:
            raise StoreError(full(there)) from None
        owner = there.stat().st_uid
        if error.errno in (errno.EACCES, errno.EPERM) and owner != os.geteuid():
            raise StoreError(
                f"{FOLDER} belongs to another user (number {owner}, this is {os.geteuid()}): work "
                "as that user, have the folder given to this one, or set MONGODB_URI to a server"
            ) from None
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise StoreError(FORBIDDEN) from None
        raise StoreError(f"{FOLDER} cannot be used: {error.strerror}") from None


def _errors(log: Path) -> Iterator[str]:
    """Yield the error lines of mongod's `log`; none without a log."""
    if not log.is_file():
        return
    with log.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            with suppress(json.JSONDecodeError):  # the line it was writing when it died
                if json.loads(line).get("s") in ("E", "F"):
                    yield line


def _code(error: PyMongoError) -> tuple[int | None, str]:
    """Code and name of the server's error."""
    if isinstance(error, BulkWriteError):
        refused = error.details.get("writeErrors") or error.details.get("writeConcernErrors")
        return refused[0]["code"] if refused else error.code, type(error).__name__
    if isinstance(error, OperationFailure):
        return error.code, (error.details or {}).get("codeName", type(error).__name__)
    return None, type(error).__name__
