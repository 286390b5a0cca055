"""The data of the archive pulled last, opened for erasure."""

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from customer_profiles.privacy.keys.key import Key, open_key, reopen_key
from customer_profiles.project import files, params, paths
from customer_profiles.store import connection, removal

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


def open_audience(pulled: bool = True) -> Audience:
    """The archive pulled last and its key; without `pulled` also before the first pull."""
    folder = params.stage("pull")["archive"]
    manifest = paths.inside(connection.MANIFEST)
    if not pulled and not manifest.is_file():
        key = open_key(folder)
        return Audience(folder, key, key.audience(folder))
    name = connection.audience()
    key = reopen_key(json.loads(manifest.read_text(encoding="utf-8")))
    if key.audience(folder) != name:
        raise ValueError(
            f"{connection.MANIFEST} is of another archive than pull.archive in params.yaml "
            f"({folder}); run `make repro` with the archive that is meant, then this again"
        )
    return Audience(folder, key, name)


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
