"""Posts lost and duplicated by a collection from X under faults, and its speed and memory.

A loopback server stands for X: it answers wrongly, late or not at all, and the collector is killed.
Each scenario compares the posts stored in the end with all posts of the server.
"""

import contextlib
import json
import os
import random
import subprocess
import tempfile
import time
from pathlib import Path

from customer_profiles.bench import live, scenarios
from customer_profiles.bench.loopback.faults import FAULTS, TOKEN
from customer_profiles.bench.loopback.posts import invented
from customer_profiles.bench.loopback.server import XServer
from customer_profiles.bench.loopback.ways import BOUNDS
from customer_profiles.bench.process import in_own_process, peak_gib, program, size
from customer_profiles.bench.scenarios import KEY, RUNS, TEXT, Scenario
from customer_profiles.collect import collector, settings
from customer_profiles.collect.folder import PAGES
from customer_profiles.collect.stream import stream
from customer_profiles.collect.x_api.client import Client
from customer_profiles.collect.x_api.transport import TIMEOUTS
from customer_profiles.posts import archive
from customer_profiles.privacy.keys.key import Key
from customer_profiles.project import paths

POSTS = 250  # of a scenario: three pages
KILLS = size(10, 1)  # of each way to ask
FEW, MANY = size(20_000, 5_000), size(200_000, 10_000)
WAYS = ("recent", "mentions")
EACH = size(1, 12)  # of so many scenarios one


def measure() -> dict:
    """Losses, duplicates and hangs of all scenarios; speed, memory, and the live stream."""
    # First: a process counts the memory of the one that starts it, so a model would be counted.
    results = undisturbed(FEW, MANY)
    rated = stream.model()  # now: it may be missing
    results |= scenarios.disturb([*disturbed(), *live.disturbed()][::EACH])
    return results | {"live": live.measure(rated)}


def disturbed() -> list[Scenario]:
    """Scenarios of faults of X and of kills, in search and in mentions."""
    moments = random.Random(7)  # noqa: S311
    return [
        *(Scenario(way, fault, _faulty, (way, fault)) for way in WAYS for fault in sorted(FAULTS)),
        *(
            Scenario(way, f"killed ({n})", _killed, (way, moments.random()))
            for way in WAYS
            for n in range(KILLS)
        ),
    ]


def undisturbed(few: int, many: int) -> dict:
    """Posts a second of `many`, and peak memory compared with `few`, both without the server's."""
    small, large = (_timed(number) for number in (few, many))
    return {
        "posts_per_second": many / large["seconds"],
        "memory": {
            "growth": large["peak_gib"] / small["peak_gib"],
            f"peak_{few // 1000}k_gib": small["peak_gib"],
            f"peak_{many // 1000}k_gib": large["peak_gib"],
        },
    }


def _collect(x, scope: str, timeouts=TIMEOUTS) -> None:
    """Collect without waiting, repeatedly until everything is collected, at most RUNS times."""
    wanted = settings.read(scenarios.section(scope, x.address))
    for _ in range(RUNS):
        client = Client(TOKEN, x.address, timeouts, sleep=lambda seconds: None)
        if collector.run(wanted, client, Key(KEY)).stopped is None:
            return


def _compared(wanted: list[str]) -> tuple[int, int]:
    """Numbers of posts of `wanted` lost and duplicated, except X's own duplicates on one page."""
    collected = []
    for file in archive.files(paths.inside(PAGES)):
        for line in archive.lines(file, Key(KEY).unseal):
            collected += {post["id"] for post in json.loads(line)["data"]}
    return len(set(wanted) - set(collected)), len(collected) - len(set(collected))


def _faulty(scope: str, fault: str) -> tuple[int, int]:
    """Collect with one `fault` of X in the middle; return the posts lost and duplicated."""
    posts = invented(POSTS, time.time(), [TEXT], every=60)
    timeouts = BOUNDS.get(fault, TIMEOUTS)
    # Of mentions, the first thing that is asked is whose.
    before = [None] * (1 + (scope == "mentions"))
    with XServer(posts, [*before, fault]) as x:
        _collect(x, scope, timeouts)
        if x.faults:
            raise RuntimeError(f"the fault {fault!r} was never met")
    return _compared([post["id"] for post in posts])


def _killed(scope: str, part: float) -> tuple[int, int]:
    """Kill the command after `part` of its duration, and run it again.

    Returns the numbers of posts lost and duplicated.
    """
    posts = invented(POSTS, time.time(), [TEXT], every=60)
    with XServer(posts) as x:
        with tempfile.TemporaryDirectory() as other, contextlib.chdir(other):
            Path("dvc.yaml").touch()
            start = time.perf_counter()
            _collect(x, scope)
            taken = time.perf_counter() - start
        x.requests.clear()
        scenarios.ask(scope, x.address)
        environment = os.environ | scenarios.secrets(TOKEN)
        with subprocess.Popen(  # noqa: S603
            [program(), "collect"], env=environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            while not x.requests and process.poll() is None:
                time.sleep(0.001)
            time.sleep(part * taken)
            process.kill()
        if not x.requests:
            raise RuntimeError("the command ended before it asked anything")
        _collect(x, scope)
    return _compared([post["id"] for post in posts])


def _timed(number: int) -> dict[str, float]:
    """Seconds and memory to collect `number` posts, in a process of its own."""
    now = time.time()

    class Endless(XServer):
        """A server that makes each page on request and stores no posts."""

        def _routed(self, path, params, body):
            place, size = int(params.pop("next_token", 0)), int(params["max_results"])
            count = min(size + 1, number - place)
            posts = invented(count, now - 3 * place, [TEXT], every=3)
            body = self._page(posts, params, "next_token", size, size)
            if count > size:
                body["meta"]["next_token"] = str(place + size)
            self.requests.clear()
            return body

    with Endless() as x, tempfile.TemporaryDirectory() as root:
        return in_own_process(scenarios.inside, root, _collect_all, x.address, number)


def _collect_all(address: str, number: int) -> dict[str, float]:
    client = Client(TOKEN, address, sleep=lambda seconds: None)
    start = time.perf_counter()
    done = collector.run(settings.read(scenarios.section("recent", address)), client, Key(KEY))
    seconds = time.perf_counter() - start
    if done.posts != number:
        raise RuntimeError(f"{done.posts} of {number} posts were collected")
    return {"seconds": seconds, "peak_gib": peak_gib()}
