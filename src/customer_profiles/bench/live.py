"""Lag of the live stream, and its losses when X fails or the stream is killed.

A loopback server for X streams invented posts to the real stream, with an embedded MongoDB of its
own. The project's data are not touched.
"""

import contextlib
import itertools
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from customer_profiles.bench import scenarios
from customer_profiles.bench.loopback.faults import FAULTS, TOKEN
from customer_profiles.bench.loopback.stream import BREAKS, REFUSALS, XStream, fresh
from customer_profiles.bench.process import size
from customer_profiles.bench.scenarios import HANDLE, KEY, RUNS, TEXT, Scenario
from customer_profiles.collect.stream import stream
from customer_profiles.collect.stream.receiver import Pace
from customer_profiles.collect.x_api.errors import XError
from customer_profiles.privacy.keys.key import Key
from customer_profiles.project import files, params
from customer_profiles.store import connection

STEADY, STEADY_SECONDS = 50.0, size(300, 6)
FLOOD, FLOOD_SECONDS = 500.0, size(20, 2)
TEXTS = (
    f"@{HANDLE} tea again, and it made my whole morning better than it had any right to be",
    f"waited an hour at @{HANDLE} and then they were out of everything I came for, never again",
    f"@{HANDLE} opens at nine on weekdays",
)
PART = 30  # posts streamed before a fault, during it, and behind it
KILLS, KILLED_POSTS, EACH = size(10, 1), 150, 0.02  # seconds from one of those posts to the next
LONGEST = 8.0  # seconds of a run of a scenario
QUICK = Pace(posts=20, seconds=0.05, silence=0.3, overlap=1.0, settle=0.1)
# Faults that a search for a gap does not meet: their time is spent in `recent`; they take a post
# away; or they are about pages that follow.
NOT_IN_GAPS = ("hang", "trickle", "endless headers", "no text", "repeated ")


class Hurried(threading.Event):
    """An event with waits of at most 0.05 seconds, so that back-off takes no time."""

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(None if timeout is None else min(timeout, 0.05))


def measure(model: stream.Model) -> dict:
    """Posts lost and duplicated, and lag in seconds, at a steady rate and in a flood."""
    return {
        "steady": streamed(model, STEADY, STEADY_SECONDS, Pace()),
        "flood": streamed(model, FLOOD, FLOOD_SECONDS, Pace()),
    }


def disturbed() -> list[Scenario]:
    """Scenarios: connections that X refuses or breaks, gaps whose search fails, kills."""
    searched = [name for name in sorted(FAULTS) if not name.startswith(NOT_IN_GAPS)]
    moments = random.Random(7)  # noqa: S311
    return [
        *(Scenario("stream", f"{name}, connecting", _disturbed, ("close", name, None))
          for name in sorted(REFUSALS)),
        *(Scenario("stream", name, _disturbed, (name, None, None)) for name in sorted(BREAKS)),
        *(Scenario("stream", f"{name}, in a gap", _disturbed, ("close", None, name))
          for name in searched),
        *(Scenario("stream", f"killed ({n})", _killed, (moments.random(),)) for n in range(KILLS)),
    ]  # fmt: skip


def streamed(model: stream.Model, a_second: float, seconds: float, pace: Pace) -> dict:
    """Stream `a_second` posts a second for `seconds` seconds; return losses, duplicates and lag.

    `lag_end` and `lag_most` are seconds from receipt to the database, when the last post was sent
    and at most; `waiting_most` is the maximum number of posts waiting on disk. `lost` posts were
    sent and are not in the database. `drain_seconds` is the time from the last post until all are
    stored. Times are this machine's.
    """
    number = int(a_second * seconds)
    with _temporary_project() as x:
        stopping, lags, waiting = threading.Event(), [0.0], [0]
        live = stream.Stream(model, stopping, pace)
        x.when(
            1, lambda: _write(x, (fresh(1, TEXTS[n % 3 :]) for n in range(number)), 1 / a_second)
        )
        with ThreadPoolExecutor(1) as pool:
            run, end = pool.submit(live.run), time.monotonic() + 2 * seconds + 60
            while live.receiver.received < number and time.monotonic() < end and not run.done():
                lags.append(live.receiver.backlog.lag)
                waiting.append(live.receiver.backlog.waiting)
                time.sleep(0.1)
            lag, sent = live.receiver.backlog.lag, time.monotonic()
            stopping.set()
            run.result()
        drained = time.monotonic() - sent
        lost, doubled = _compared(live.database, [post["id"] for post in x.posts])
    return {
        "posts": number,
        "a_second": a_second,
        "lost": lost,
        "duplicated": doubled,
        "waiting_most": max(waiting),
        "lag_end": lag,
        "lag_most": max(lags),
        "drain_seconds": drained,
    }


def agreeing(texts: Sequence[str]) -> pd.DataFrame:
    """Scores of a stub model that rates every post alike."""
    same = {"polarity": 0.9, "subjectivity": 0.8, "label": "positive"}
    return pd.DataFrame([same] * len(texts), columns=list(same))


# A stub, with the digest of a model that there is not.
MODEL = stream.Model(agreeing, "0" * 16, ["en"])


def run() -> int:
    """Run the command with the stub model, in the process that a scenario kills."""
    return stream.command(lambda: MODEL, QUICK)


@contextlib.contextmanager
def _temporary_project() -> Iterator[XStream]:
    """Run a loopback X, and change to a temporary project whose params.yaml names it."""
    values = params.read()
    before, environment = Path.cwd(), dict(os.environ)
    with XStream() as x, tempfile.TemporaryDirectory() as scratch:
        Path(scratch, "dvc.yaml").touch()
        os.chdir(scratch)
        os.environ |= scenarios.secrets(TOKEN)
        os.environ.pop(connection.VARIABLE, None)
        try:
            files.write_json(Path("params.yaml"), values, digits=8)
            scenarios.ask("recent", x.address)
            yield x
        finally:
            os.chdir(before)
            os.environ.clear()
            os.environ.update(environment)


def _write(x, posts: Iterator[list[dict]], each: float) -> None:
    """Publish `posts` on the loopback X, one every `each` seconds."""
    start = time.monotonic()
    for number, post in enumerate(posts):
        time.sleep(max(0.0, start + number * each - time.monotonic()))
        x.write(*post)


def _disturbed(line: str, refusal: str | None, fault: str | None) -> tuple[int, int]:
    """End the connection as `line` names; X refuses the next one, or fails a search for the gap."""
    with _temporary_project() as x:
        x.refusals = [None, *([refusal] if refusal else [])]

        def fail():
            x.write(*fresh(PART, [TEXT]))
            x.cut_off(line)
            x.faults = [fault] if fault else []
            x.write(*fresh(PART, [TEXT]))
            x.wait(2)
            x.write(*fresh(PART, [TEXT]))

        x.when(1, fail)
        outcome = _survived(x, 3 * PART)
        if x.refusals or x.faults:
            raise RuntimeError(f"the fault {refusal or fault!r} was never met")
    return outcome


def _killed(part: float) -> tuple[int, int]:
    """Kill the command after `part` of the time in which posts are published, and run it again."""
    with _temporary_project() as x:
        with subprocess.Popen(
            [sys.executable, "-c", "from customer_profiles.bench import live; live.run()"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            while not x.requests and process.poll() is None:
                time.sleep(0.001)
            posts = (fresh(1, [TEXT]) for _ in range(KILLED_POSTS))
            alive = int(part * KILLED_POSTS)
            _write(x, itertools.islice(posts, alive), EACH)
            process.kill()
        if not x.requests:
            raise RuntimeError("the command ended before it asked anything")
        x.write(*itertools.chain(*posts))
        return _survived(x, KILLED_POSTS)


def _survived(x, number: int) -> tuple[int, int]:
    """Run the stream, repeatedly if it ends, until `number` posts are stored, at most RUNS times.

    Returns the numbers of posts lost and duplicated.
    """
    for _ in range(RUNS):
        stopping = Hurried()
        live = stream.Stream(MODEL, stopping, QUICK)
        with connection.database(live.database) as database, ThreadPoolExecutor(1) as pool:
            running, end = pool.submit(live.run), time.monotonic() + LONGEST
            while not running.done() and time.monotonic() < end:
                if database.observations.count_documents({}) >= number:
                    break
                time.sleep(0.05)
            stopping.set()
            with contextlib.suppress(XError):
                running.result()
            if database.observations.count_documents({}) >= number:
                break
    return _compared(live.database, [post["id"] for post in x.posts])


def _compared(name: str, wanted: Sequence[str]) -> tuple[int, int]:
    """Number of posts of `wanted` missing in the database `name`, and of rows beyond them."""
    sought = set(Key(KEY).pseudonyms("post", wanted))
    with connection.database(name) as database:
        stored = [row["_id"] for row in database.observations.find({}, {"_id": 1})]
    return len(sought - set(stored)), len(stored) - len(sought & set(stored))
