"""Latency of the API with fifty clients that send a hundred requests a second in all.

The clients follow a schedule that does not wait for answers, and latency counts from the scheduled
time, so that a stalled server does not look fast. The clients run in a process of their own; the
server is the real one, on a MongoDB of its own. No request sends If-None-Match.
"""

import http.client
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from customer_profiles.bench.process import in_own_process, program, size
from customer_profiles.bench.scenarios import KEY
from customer_profiles.privacy.keys.key import Key
from customer_profiles.project import files
from customer_profiles.publication import document
from customer_profiles.store import connection, mongod, publications, schema, tokens

CLIENTS = 50
PER_SECOND = 100
SECONDS = size(20, 5)
NAME = "audience_bench"
SEGMENTS, CELLS, DAYS, CURVES = 8, 200, 180, 9
PATHS = (
    "segments/", "segments/1/", "segments/1/cells/", "segments/1/brief/", "summary/",
    "mood/daily/?page_size=100", "continuity/", "publications/", "privacy/",
    "segments/?format=csv", "segments/1/brief/?format=md",
)  # fmt: skip
# The least that a server in Python does: the same threads, an answer of a usual size.
BARE = """\
import waitress
def answer(environ, start):
    start("200 OK", [("Content-Type", "application/json"), ("Content-Length", "2000")])
    return [b" " * 2000]
server = waitress.create_server(answer, host="127.0.0.1", port=0, threads=8)
print(f"http://127.0.0.1:{server.effective_port}/", flush=True)
server.run()
"""


def measure() -> dict:
    """Latency in milliseconds, compared with a server that returns a constant answer."""
    with tempfile.TemporaryDirectory() as scratch, mongod.embedded(
        Path(scratch, connection.FOLDER)
    ) as address:  # fmt: skip
        token = _published(address, Path(scratch))
        serve = [program(), "serve", "--port", "0"]
        with _started(serve, scratch) as base:
            ours = in_own_process(_ask, base, PATHS, token)
        with _started([sys.executable, "-c", BARE], scratch) as base:
            bare = in_own_process(_ask, base, ("",), token)
    p50, p95 = (float(np.percentile(ours["ms"], part)) for part in (50, 95))
    plain = float(np.percentile(bare["ms"], 95))
    return {
        "p95_to_bare": p95 / plain,
        "errors": ours["errors"],
        "requests": len(ours["ms"]),
        # Of one machine, as is the limit that is asked for.
        "p50_ms": p50,
        "p95_ms": p95,
        "bare_p95_ms": plain,
    }


def _published(address: str, root: Path) -> str:
    """Make `root` a project with a publication; return a token for its API."""
    (root / "dvc.yaml").touch()
    files.write_json(root / connection.LOADED, {"audience": NAME})
    with connection.connect(address, NAME) as client:
        database = client[NAME]
        schema.prepare(database)
        nobody = pd.DataFrame(columns=["_id", "cluster", "cell"])
        publications.publish(database, _publication(), nobody, Key(KEY))
        return tokens.create(database, "bench", 1, datetime.now(UTC).date())


def _publication() -> dict:
    """The example publication, extended to the size of one of some thousands of authors."""
    whole = document.example(document.PUBLICATION)
    (segment,), (cell,), (day,) = (whole[name] for name in ("segments", "cells", "mood_daily"))
    curves = whole["summary"]["clusters"]["curves"]
    curves *= CURVES
    dates = pd.date_range("2026-01-01", periods=DAYS).strftime("%Y-%m-%d")
    return whole | {
        "segments": [segment | {"id": number} for number in range(SEGMENTS)],
        "cells": [cell | {"segment": number % SEGMENTS} for number in range(CELLS)],
        "mood_daily": [day | {"day": date} for date in dates],
    }


@contextmanager
def _started(command: Sequence[str], folder: str) -> Iterator[str]:
    """Run a server of `command` for the block; yield the base address that it prints."""
    environment = {**os.environ, "API_RATE": f"{10**6}/min"}
    environment.pop(connection.VARIABLE, None)
    with subprocess.Popen(  # noqa: S603
        command, cwd=folder, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        try:
            line = process.stdout.readline()
            if "http://" not in line:
                raise RuntimeError(f"the server did not start: {line}{process.stdout.read()}")
            yield line.split()[-1]
        finally:
            process.terminate()


def _ask(base: str, paths: Sequence[str], token: str) -> dict:
    """Milliseconds of each answer, and the number of failed requests."""
    host, _, prefix = base.removeprefix("http://").partition("/")
    headers = {"Authorization": f"Bearer {token}"}
    begin = time.monotonic() + 1
    taken, failed = [], []

    def client(place: int) -> None:
        connection = http.client.HTTPConnection(host, timeout=30)
        for number in range(place, PER_SECOND * SECONDS, CLIENTS):
            due = begin + number / PER_SECOND
            time.sleep(max(0, due - time.monotonic()))
            try:
                connection.request("GET", f"/{prefix}{paths[number % len(paths)]}", headers=headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status != http.client.OK:
                    failed.append(answer.status)
            except (OSError, http.client.HTTPException) as error:
                failed.append(type(error).__name__)
                connection.close()  # the next request opens it again
            taken.append(1000 * (time.monotonic() - due))

    clients = [threading.Thread(target=client, args=(place,)) for place in range(CLIENTS)]
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    return {"ms": taken, "errors": len(failed)}
