"""What collecting from X loses, doubles and takes: `python -m customer_profiles.bench.collection`.

X is the tests' own, on loopback: it answers wrongly, late or not at all, and the collector is
killed. Each scenario compares the posts then held with those of a run that nothing disturbed.
"""

import base64
import contextlib
import importlib
import json
import logging
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing import TimeoutError as TooLate
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from customer_profiles import (
    archive,
    collected,
    collecting,
    inquiry,
    keyfile,
    outputs,
    params,
    paths,
)
from customer_profiles.bench.process import alone, peak_gib
from customer_profiles.vault import Vault
from customer_profiles.x_api import errors
from customer_profiles.x_api.client import Client
from customer_profiles.x_api.transport import TIMEOUTS

POSTS = 250  # of a scenario: three pages
KILLS = 10  # of each way to ask
FEW, MANY = 20_000, 200_000
RUNS = 5  # until a scenario has everything: what X refuses ends a run
WAYS = ("recent", "mentions")
TEXT = "@tindlewick your tea is fine"
KEY = bytes(range(32))

logger = logging.getLogger(__name__)


class Scenario(NamedTuple):
    """What goes wrong, and what it is done by: a function that is given `tests`, then `arguments`.

    It runs in an empty project and a process of its own, and returns how many posts were lost and
    doubled. `tests` is the folder of the loopback X; after `patience` seconds it counts as hanging.
    """

    name: str
    work: Callable[..., tuple[int, int]]
    arguments: tuple
    patience: float = 120.0


class Loopback(NamedTuple):
    """Modules of the loopback X, which lie with the tests."""

    faults: object
    posts: object
    server: object
    ways: object


def measure() -> dict:
    """Posts lost and doubled over all scenarios, how many hang, speed, and growth of memory."""
    return disturbed(scenarios()) | undisturbed(FEW, MANY)


def scenarios() -> list[Scenario]:
    """Every scenario; another way to collect adds its own here."""
    faults = sorted(_loopback(paths.inside("tests")).faults.FAULTS)
    moments = random.Random(7)  # noqa: S311
    return [
        *(Scenario(f"{way}: {fault}", _faulty, (way, fault)) for way in WAYS for fault in faults),
        *(
            Scenario(f"{way}: killed ({n})", _killed, (way, moments.random()))
            for way in WAYS
            for n in range(KILLS)
        ),
    ]


def disturbed(chosen: list[Scenario]) -> dict:
    """What `chosen` scenarios lose, double, and how many of them never end."""
    tests = paths.inside("tests")
    found = {"scenarios": len(chosen), "lost": 0, "duplicated": 0, "hangs": 0}
    for scenario in chosen:
        with tempfile.TemporaryDirectory() as root, get_context("spawn").Pool(1) as pool:
            begun = pool.apply_async(_inside, (root, scenario.work, tests, *scenario.arguments))
            try:
                lost, doubled = begun.get(scenario.patience)
            except TooLate:
                lost, doubled, found["hangs"] = 0, 0, found["hangs"] + 1
                logger.warning("%s: hangs", scenario.name)
        if lost or doubled:
            logger.warning("%s: %d posts lost, %d doubled", scenario.name, lost, doubled)
        found["lost"] += lost
        found["duplicated"] += doubled
    return found


def undisturbed(few: int, many: int) -> dict:
    """Posts a second of `many`, and the most memory beside that of `few`; X takes none of it."""
    tests = paths.inside("tests")
    small, large = (_timed(tests, number) for number in (few, many))
    return {
        "posts_per_second": many / large["seconds"],
        "memory": {
            "growth": large["peak_gib"] / small["peak_gib"],
            f"peak_{few // 1000}k_gib": small["peak_gib"],
            f"peak_{many // 1000}k_gib": large["peak_gib"],
        },
    }


def _loopback(tests: Path) -> Loopback:
    if str(tests) not in sys.path:
        sys.path.append(str(tests))
    return Loopback(
        *(importlib.import_module(f"x_{name}") for name in ("faults", "posts", "server", "ways"))
    )


def _inside(root: str, work: Callable, *arguments):
    """What `work` returns in a project at `root` that holds nothing."""
    Path(root, "dvc.yaml").touch()
    os.chdir(root)
    return work(*arguments)


def _section(scope: str, host: str) -> dict:
    prices = {"post_price": 0.005, "user_price": 0.01, "mention_price": 0.001}
    asked = {"handles": ["tindlewick"], "keywords": [], "language": "", "retweets": False}
    kept = {"budget": 10.0**8, "keep_days": 30, "fields": "tweet", "host": host, "start": ""}
    return {"scope": scope, **asked, **prices, **kept}


def _collect(x, scope: str, token: str, timeouts=TIMEOUTS) -> None:
    """Collect without a wait, again and again until everything is there."""
    asked = inquiry.read(_section(scope, x.address))
    for _ in range(RUNS):
        client = Client(token, x.address, timeouts, sleep=lambda seconds: None)
        if collecting.run(asked, client, Vault(KEY)).stopped is None:
            return


def _compared(wanted: list[str]) -> tuple[int, int]:
    """How many posts of `wanted` are lost, and how many doubled; on one page X itself doubles."""
    held = []
    for file in archive.files(paths.inside(collected.PAGES)):
        for line in archive.read_lines(file, Vault(KEY).unseal):
            held += {post["id"] for post in json.loads(line)["data"]}
    return len(set(wanted) - set(held)), len(held) - len(set(held))


def _faulty(tests: Path, scope: str, fault: str) -> tuple[int, int]:
    """X does `fault` once, in the middle of a run."""
    loopback = _loopback(tests)
    posts = loopback.posts.invented(POSTS, time.time(), [TEXT], every=60)
    timeouts = loopback.ways.BOUNDS.get(fault, TIMEOUTS)
    # Of mentions, the first thing that is asked is whose.
    before = [None] * (1 + (scope == "mentions"))
    with loopback.server.XServer(posts, [*before, fault]) as x:
        _collect(x, scope, loopback.faults.TOKEN, timeouts)
        if x.faults:
            raise RuntimeError(f"the fault {fault!r} was never met")
    return _compared([post["id"] for post in posts])


def _killed(tests: Path, scope: str, part: float) -> tuple[int, int]:
    """The command is killed after `part` of the time that it takes, and run again."""
    loopback = _loopback(tests)
    posts = loopback.posts.invented(POSTS, time.time(), [TEXT], every=60)
    token = loopback.faults.TOKEN
    with loopback.server.XServer(posts) as x:
        with tempfile.TemporaryDirectory() as other, contextlib.chdir(other):
            Path("dvc.yaml").touch()
            start = time.perf_counter()
            _collect(x, scope, token)
            taken = time.perf_counter() - start
        x.requests.clear()
        values = {"profile": params.PROFILES[0], "collect": _section(scope, x.address)}
        outputs.write_json(Path("params.yaml"), values)
        secrets = {
            errors.VARIABLE: token,
            keyfile.VARIABLE: base64.urlsafe_b64encode(KEY).decode(),
        }
        with subprocess.Popen(
            [sys.executable, "-m", "customer_profiles.collect"], env=os.environ | secrets,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            while not x.requests and process.poll() is None:
                time.sleep(0.001)
            time.sleep(part * taken)
            process.kill()
        if not x.requests:
            raise RuntimeError("the command ended before it asked anything")
        _collect(x, scope, token)
    return _compared([post["id"] for post in posts])


def _timed(tests: Path, number: int) -> dict[str, float]:
    """Seconds and memory to collect `number` posts, in a process of its own."""
    loopback = _loopback(tests)
    now = time.time()

    class Endless(loopback.server.XServer):
        """Makes each page when it is asked for: it holds no posts."""

        def _routed(self, path, asked, body):
            place, size = int(asked.pop("next_token", 0)), int(asked["max_results"])
            count = min(size + 1, number - place)
            posts = loopback.posts.invented(count, now - 3 * place, [TEXT], every=3)
            body = self._page(posts, asked, "next_token", size, size)
            if count > size:
                body["meta"]["next_token"] = str(place + size)
            self.requests.clear()
            return body

    with Endless() as x, tempfile.TemporaryDirectory() as root:
        return alone(_inside, root, _collect_all, x.address, loopback.faults.TOKEN, number)


def _collect_all(address: str, token: str, number: int) -> dict[str, float]:
    client = Client(token, address, sleep=lambda seconds: None)
    start = time.perf_counter()
    done = collecting.run(inquiry.read(_section("recent", address)), client, Vault(KEY))
    seconds = time.perf_counter() - start
    if done.posts != number:
        raise RuntimeError(f"{done.posts} of {number} posts were collected")
    return {"seconds": seconds, "peak_gib": peak_gib()}


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    file = paths.inside("data/reports/bench/collection.json")
    outputs.write_json(file, measure())
    logger.info(file.read_text(encoding="utf-8"))
