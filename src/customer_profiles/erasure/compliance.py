"""Deletion as X's rules require it: `customer-profiles comply`.

X is asked about every post and user on the stored pages, in two compliance jobs. Posts and users
that X reports as deleted are erased everywhere, at once, when both jobs are complete: a run that is
interrupted before has changed nothing.
"""

import logging
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from customer_profiles.collect.folder import PAGES, PagesFolder
from customer_profiles.collect.x_api import compliance as jobs
from customer_profiles.collect.x_api import errors
from customer_profiles.collect.x_api.client import Client
from customer_profiles.collect.x_api.compliance import Verdict
from customer_profiles.collect.x_api.storage import Storage
from customer_profiles.erasure import erasing, redaction
from customer_profiles.erasure.held_data import Audience, open_audience
from customer_profiles.posts import archive, places
from customer_profiles.privacy.keys.key import is_sample
from customer_profiles.project import params, paths, vocabulary

logger = logging.getLogger(__name__)

KINDS: dict[str, jobs.Kind] = {"post": "tweets", "author": "users"}
CALLED = {"post": "posts", "author": "users"}
# Why X says "delete", and whether that erases. X's policy is to keep nothing that is not, or no
# longer, there for everybody to read; who comes back later stays out, for what they wrote was gone.
ERASES = {
    "deleted": True,  # the post, or the whole account, by whose it was
    "deactivated": True,  # the account, by whose it was; X deletes it within weeks
    "suspended": True,  # the account, by X: its posts are shown to no user
    "protected": True,  # the account, by whose it is: only for those they let in
    "bounced": True,  # the post, by a check of X's
    "scrub_geo": False,  # only the place goes, which is never asked for and held nowhere
}
# A reason that X may invent: it says "delete" all the same.
OTHER = "another reason"
CHUNK = 100_000


class Ids:
    """A set of X's ids in 8 bytes each: those of millions of posts fit into little memory."""

    def __init__(self):
        self._sorted = np.array([], dtype=np.uint64)
        self._fresh: set[int] = set()

    def add(self, name: str) -> None:
        """Add `name` if it is an id."""
        if re.fullmatch(r"[1-9][0-9]{0,18}", name):
            self._fresh.add(int(name))
        if len(self._fresh) == CHUNK:
            self._all()

    def __len__(self) -> int:
        return len(self._all())

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), CHUNK):
            yield from map(str, self._sorted[start : start + CHUNK].tolist())

    def __contains__(self, name: str) -> bool:
        numbers, number = self._all(), np.uint64(int(name))
        place = np.searchsorted(numbers, number)
        return bool(place < len(numbers) and numbers[place] == number)

    def _all(self) -> np.ndarray:
        if self._fresh:
            fresh = np.array(sorted(self._fresh), dtype=np.uint64)
            self._sorted = np.union1d(self._sorted, fresh)
            self._fresh.clear()
        return self._sorted


def comply(
    connect: Callable[[], Client | None],
    storage: Storage,
    folder: Path | None = None,
    dry_run: bool = False,
) -> None:
    """Ask X about all ids on the pages in `folder`, and erase the posts and users it deleted.

    `folder` is by default all stored pages: pull.archive and the collected ones. A dry run asks X
    too and erases nothing. X is not asked if `connect`, which is called late, returns None. Raises
    ValueError for the shipped sample, errors.XError, and the errors of erasure.
    """
    audience = open_audience()
    if any(is_sample(place) for place in (audience.archive, folder) if place):
        raise ValueError(
            f"the people of the shipped sample are invented, X knows none of them: set "
            f"pull.archive to real pages (make repro X_ARCHIVE={PAGES}), then run this"
        )
    files = archive.files(paths.inside(folder)) if folder else erasing.page_files(audience)
    k = params.shared(["k_anonymity"])["k_anonymity"]
    ids = _ids_on(audience, files)
    counts = ", ".join(f"{CALLED[kind]}: {vocabulary.at_least(len(ids[kind]), k)}" for kind in ids)
    logger.info("on the pages held, to ask X about: %s", counts)
    client = connect()
    if client is None:
        logger.info("X was not asked: %s is not set", errors.VARIABLE)
        return
    deleted = _run_jobs(client, storage, ids, k)
    if not any(deleted.values()):
        logger.info("X reports none of them as deleted; nothing was erased")
        return
    if open_audience().name != audience.name:
        raise ValueError("another archive was loaded meanwhile; nothing was erased, run it anew")
    # Stored files may have been added or removed meanwhile.
    erasing.purge_all(deleted, dry_run, files if folder else ())


def _ids_on(audience: Audience, files: Iterable[Path]) -> dict[str, Ids]:
    """Ids of each kind on the pages in `files`."""
    ids = {kind: Ids() for kind in KINDS}
    columns = params.stage("pull")["columns"]
    files = list(files)
    with PagesFolder().exclusive():
        owners = places.owners_in(files)
        for file in files:
            for place in places.of_file(file, audience.key.unseal, columns, owners):
                for kind, name in redaction.standing(place):
                    ids[kind].add(name)
    return ids


def _run_jobs(
    client: Client, storage: Storage, ids: Mapping[str, Ids], k: int
) -> dict[str, list[str]]:
    """Run the compliance jobs; return the ids of each kind to erase."""
    begun = {}
    for kind in ids:
        if len(ids[kind]):
            begun[kind] = jobs.create(client, KINDS[kind])
            # At once: the address for the upload is good for a quarter of an hour.
            jobs.upload(client, storage, begun[kind], ids[kind])
    ended = {kind: jobs.finished(client, job) for kind, job in begun.items()}
    return {
        kind: _ids_to_erase(jobs.verdicts(client, storage, job), kind, ids[kind], k)
        for kind, job in ended.items()
    }


def _ids_to_erase(verdicts: Iterable[Verdict], kind: str, ids: Ids, k: int) -> list[str]:
    """The `ids` to erase by X's verdicts; logs their number for each reason."""
    deleted, reasons, strangers, unknown = set(), Counter(), 0, 0
    for verdict in verdicts:
        if verdict.number not in ids:
            strangers += 1
        elif verdict.action != "delete":
            unknown += 1
        else:
            reason = verdict.reason if verdict.reason in ERASES else OTHER
            reasons[reason] += 1
            if ERASES.get(reason, True):
                deleted.add(verdict.number)
    counts = (
        f"{reason} {vocabulary.at_least(count, k)}" for reason, count in sorted(reasons.items())
    )
    logger.info("%s that X says are to be deleted: %s", CALLED[kind], ", ".join(counts) or "none")
    if strangers:
        logger.warning(
            "left out: verdicts on %s that X was not asked about, %s",
            CALLED[kind], vocabulary.at_least(strangers, k),
        )  # fmt: skip
    if unknown:
        logger.warning(
            "left out: verdicts on %s with another action than delete, %s",
            CALLED[kind], vocabulary.at_least(unknown, k),
        )  # fmt: skip
    return sorted(deleted)


def command(pages: Path | None, dry_run: bool) -> None:
    """Run `comply` with the token of the environment and the host of section collect."""

    def connect() -> Client | None:
        section, token = params.stage("collect"), os.environ.get(errors.VARIABLE)
        if dry_run and not token:
            return None
        return Client(token, section["host"], fields=section["fields"])

    comply(connect, Storage(), pages, dry_run)
