"""Compliance jobs: X's check of which posts and users still exist, for lists of ids of any length.

X takes one job of a kind at a time: `create`, `upload`, `finished`, then `verdicts`.
"""

import json
import logging
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Literal, NamedTuple

from customer_profiles.collect.x_api import answers, errors
from customer_profiles.collect.x_api.client import Client, Page
from customer_profiles.collect.x_api.storage import Lines, Storage

logger = logging.getLogger(__name__)

PATH = "/2/compliance/jobs"
NAME = "customer-profiles"  # what it is called in X's list of jobs
Kind = Literal["tweets", "users"]
STATES = ("created", "in_progress", "complete", "failed", "expired")
# Seconds between two looks at a job, a half more each time, and until it is given up.
FIRST_LOOK = 5.0
LONGEST_LOOK = 300.0
PATIENCE = 3 * 3600.0
BLOCK = 1000  # verdicts that are asked for again when the line breaks


class Job(NamedTuple):
    """A compliance job. Its signed addresses grant access, so they are not in its `repr`."""

    number: str
    kind: Kind
    status: str
    upload: str
    download: str

    def __repr__(self) -> str:
        return f"Job({self.kind}, {self.status})"


class Verdict(NamedTuple):
    """X's action for an id, and the reason, in X's own words, which are not in its `repr`."""

    number: str
    action: str
    reason: str

    def __repr__(self) -> str:
        return "Verdict()"


def create(client: Client, kind: Kind) -> Job:
    """Create a job for ids of posts ("tweets") or users, or reuse one that waits for its upload.

    Raises errors.Conflict while X works on another job of this kind, and other errors.XError.
    """
    try:
        data = client.post(PATH, {"type": kind, "name": NAME}).body.get("data")
    except errors.Conflict:
        # Made by a run that was killed, or that never got the answer, as this one may have.
        jobs = answers.objects(client.get(PATH, {"type": kind, "status": "created"}).body, "data")
        waiting = [job for job in jobs if job.get("name") == NAME]
        if not waiting:
            raise
        data = waiting[0]
    return _job(data, kind)


def upload(client: Client, storage: Storage, job: Job, ids: Iterable[str]) -> None:
    """Upload `ids`, which are iterated anew for each attempt and never all in memory.

    Raises errors.XError.
    """
    lines = Lines(ids)
    client.retry(lambda: storage.put(job.upload, lines))


def finished(client: Client, job: Job, patience: float = PATIENCE) -> Job:
    """Poll `job` until it is complete, and return it.

    Raises errors.JobFailed, also after `patience` seconds.
    """
    look, waited, kind = FIRST_LOOK, 0.0, job.kind

    def check(page: Page) -> None:
        _job(page.body.get("data"), kind)

    while True:
        page = client.get(f"{PATH}/{job.number}", {}, check)
        job = _job(page.body.get("data"), kind)
        if job.status == "complete":
            return job
        if job.status in ("failed", "expired"):
            raise errors.JobFailed(
                f"X ended the compliance job about {_called(job)} without a result "
                f"({job.status}); nothing was erased, run this again"
            )
        if waited + look > patience:
            raise errors.JobFailed(
                f"X has not finished the compliance job about {_called(job)} in "
                f"{waited / 60:.0f} minutes; nothing was erased, run this again in some hours"
            )
        logger.info("X works on %s; looking again in %.0f s", _called(job), look)
        client.sleep(look)
        look, waited = min(look * 1.5, LONGEST_LOOK), waited + look


def verdicts(client: Client, storage: Storage, job: Job) -> Iterator[Verdict]:
    """Yield X's verdicts on the ids of a `finished` job; most ids have none.

    Each verdict comes once, also after a lost connection, because results do not change. Raises
    errors.XError.
    """
    read, lines = 0, None

    def block() -> list[Verdict | None]:
        nonlocal lines
        try:
            if lines is None:
                lines = islice(storage.lines(job.download), read, None)
            return [_verdict(line) for line in islice(lines, BLOCK)]
        except errors.TryAgain:
            lines = None
            raise

    while batch := client.retry(block):
        read += len(batch)
        yield from (verdict for verdict in batch if verdict)


def _called(job: Job) -> str:
    return {"tweets": "posts", "users": "users"}[job.kind]


def _job(data: object, kind: Kind) -> Job:
    data = data if isinstance(data, dict) else {}
    fields = [data.get(name) for name in ("id", "status", "upload_url", "download_url")]
    # The id becomes a part of an address.
    if not all(isinstance(value, str) for value in fields) or not _is_id(fields[0]):
        raise errors.BrokenAnswer("X's answer is broken: it describes no compliance job")
    number, status, up, down = fields
    if status not in STATES:
        raise errors.BrokenAnswer("X's answer is broken: it gives a job a state that there is not")
    return Job(number, kind, status, up, down)


def _verdict(line: bytes) -> Verdict | None:
    """The verdict on a line; None for an empty line."""
    if not line.strip():
        return None
    try:
        value = json.loads(line)
        verdict = Verdict(str(value["id"]), str(value["action"]), str(value.get("reason", "")))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        verdict = None
    if verdict is None or not _is_id(verdict.number):
        # To pass over it could keep what has to go.
        raise errors.BrokenAnswer("X's results are broken: a line of them cannot be read")
    return verdict


def _is_id(text: str) -> bool:
    return re.fullmatch(r"[1-9][0-9]{0,18}", text) is not None
