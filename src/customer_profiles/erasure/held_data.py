"""The data of an archive, opened for erasure."""

import contextlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from customer_profiles.privacy.keys.key import Key, open_key, reopen_key
from customer_profiles.project import files, params, paths
from customer_profiles.store import connection, removal
from customer_profiles.store.errors import StoreError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Audience:
    """The data of one archive: its folder, its key and the name of its database."""

    archive: str
    key: Key
    name: str


@contextmanager
def exclusive() -> Iterator[None]:
    """Lock for one erasure at a time: two would write pages and tables back over each other."""
    with files.locked(paths.inside(".")):
        yield


def open_audience() -> Audience:
    """The archive loaded last and its key; warns if params.yaml names another archive."""
    manifest, chosen = connection.loaded(), params.stage("pull")["archive"]
    if manifest["archive"] != chosen:
        logger.warning(
            "not reached: the pages in %s (pull.archive), which were never loaded, or not last; "
            "this is about %s, which is loaded",
            chosen, manifest["archive"],
        )  # fmt: skip
    return Audience(manifest["archive"], reopen_key(manifest), manifest["audience"])


def open_loaded_or_chosen() -> Audience:
    """The archive loaded last, or the one in params.yaml if none but the sample is loaded."""
    with contextlib.suppress(StoreError):
        if not connection.loaded()["sample"]:
            return open_audience()
    folder = params.stage("pull")["archive"]
    key = open_key(folder)
    return Audience(folder, key, key.audience(folder))


def close_journal(name: str) -> None:
    if os.environ.get(connection.VARIABLE):
        logger.info(
            "journal, oplog and backups of the server in %s are its operator's", connection.VARIABLE
        )
    elif not removal.empty_journal(name):
        logger.warning(
            "the embedded MongoDB is in use elsewhere (`make serve`?): its journal holds what was "
            "deleted until the last user leaves and the next comes"
        )
