"""How the live stream keeps up: `python -m customer_profiles.bench.live`.

An X of its own on loopback streams invented posts at a fixed rate to the stream as it runs, with
the project's model and an embedded MongoDB of its own; nothing of the project's data is touched.
"""

import json
import logging
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

from customer_profiles import collected, paths, stream
from customer_profiles.reception import Pace
from customer_profiles.store import server

STEADY, STEADY_SECONDS = 50.0, 300.0
FLOOD, FLOOD_SECONDS = 500.0, 20.0
AUTHORS = 5_000
FIRST = 1_900_000_000_000_000_000  # id of a post
TEXTS = (
    "Tindlewick tea again, and it made my whole morning better than it had any right to be",
    "waited an hour at Tindlewick and then they were out of everything I came for, never again",
    "Tindlewick opens at nine on weekdays",
)

logger = logging.getLogger(__name__)


class Source(BaseHTTPRequestHandler):
    """X, as far as a stream needs it: rules, and `number` posts, `rate` a second."""

    rate: ClassVar[float]
    number: ClassVar[int]
    rules: ClassVar[list[dict]]
    stopped: ClassVar[threading.Event]
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.rules += [{**rule, "id": str(FIRST)} for rule in sent["add"]]
        self._whole({"meta": {"sent": "now"}})

    def do_GET(self):
        if not self.path.startswith("/2/tweets/search/stream?"):
            self._whole({"data": self.rules, "meta": {"sent": "now"}})
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        start = time.monotonic()
        for number in range(self.number):
            ahead = start + number / self.rate - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)
            line = json.dumps(post(number)).encode() + b"\r\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        self.stopped.wait()

    def _whole(self, value: dict) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        pass


def measure(rate: stream.Rate, scorer: str) -> dict:
    """Posts lost and doubled, and lag in seconds, at a steady rate and in a flood."""
    return {
        "steady": streamed(rate, scorer, STEADY, STEADY_SECONDS, Pace()),
        "flood": streamed(rate, scorer, FLOOD, FLOOD_SECONDS, Pace()),
    }


def streamed(rate: stream.Rate, scorer: str, a_second: float, seconds: float, pace: Pace) -> dict:
    """What became of `a_second` posts for so many `seconds`.

    `lag_end` and `lag_most` are seconds from receipt to the database, when the last post was sent
    and at worst, `waiting_most` the posts that waited on disk then; `lost` posts were sent and are
    not in the database; `drain_seconds` is the time from the last post until all were. Those are
    this machine's.
    """
    number = int(a_second * seconds)
    with _project(a_second, number):
        stopping, lags, waiting = threading.Event(), [0.0], [0]
        live = stream.Stream(rate, scorer, stopping, pace)
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(live.run)
            while live.reception.received < number and not run.done():
                lags.append(live.reception.backlog.lag)
                waiting.append(live.reception.backlog.waiting)
                time.sleep(0.1)
            lag, sent = live.reception.backlog.lag, time.monotonic()
            stopping.set()
            run.result()
        drained = time.monotonic() - sent
        with server.database(live.database) as held:
            stored = held.observations.count_documents({})
            written = held.observations.count_documents({"origin": "stream"})
        return {
            "posts": number,
            "a_second": a_second,
            "lost": number - stored,
            "doubled": live.scored - written,
            "waiting_most": max(waiting),
            "lag_end": lag,
            "lag_most": max(lags),
            "drain_seconds": drained,
        }


def post(number: int) -> dict:
    """An invented line of the stream."""
    author = str(9_000_900_000 + number * 7919 % AUTHORS)
    counts = {"followers_count": 40, "following_count": 30, "tweet_count": 20, "listed_count": 1}
    return {
        "data": {
            "id": str(FIRST + number),
            "text": f"{TEXTS[number % len(TEXTS)]} {number}",
            "author_id": author,
            "created_at": datetime.now(UTC).isoformat(),
            "public_metrics": {"like_count": 0, "retweet_count": 0},
        },
        "includes": {"users": [{"id": author, "public_metrics": counts}]},
        "matching_rules": [{"id": str(FIRST)}],
    }


@contextmanager
def _project(rate: float, number: int) -> Iterator[None]:
    """A scratch project that asks the loopback X, as the working folder."""
    told = {"rate": rate, "number": number, "rules": [], "stopped": threading.Event()}
    source = ThreadingHTTPServer(("127.0.0.1", 0), type("X", (Source,), told))
    source.daemon_threads = True
    threading.Thread(target=source.serve_forever, daemon=True).start()
    before, environment = Path.cwd(), dict(os.environ)
    text = paths.inside("params.yaml").read_text(encoding="utf-8")
    asked = {
        "handles": "[tindlewick]",
        "host": f"http://127.0.0.1:{source.server_port}",
        "budget": "1.0e+6",
    }
    with tempfile.TemporaryDirectory() as scratch:
        lines = [
            f"  {name}: {asked[name]}"
            if (name := line.partition(":")[0].strip()) in asked
            else line
            for line in text.splitlines()
        ]
        Path(scratch, "params.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        Path(scratch, "dvc.yaml").touch()
        for name in (server.VARIABLE, "CUSTOMER_PROFILES_KEY"):
            os.environ.pop(name, None)
        os.environ["X_BEARER_TOKEN"] = "of-nobody"  # noqa: S105
        os.chdir(scratch)
        try:
            with collected.alone():
                yield
        finally:
            os.chdir(before)
            os.environ.clear()
            os.environ.update(environment)
            told["stopped"].set()
            source.shutdown()
            source.server_close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    logger.info(json.dumps(measure(*stream.model()), indent=2, sort_keys=True))
