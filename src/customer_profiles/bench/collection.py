"""What collecting from X loses, doubles and takes.

X is the tests' own, on loopback: it answers wrongly, late or not at all, and the collector is
killed. Each scenario compares the posts then held with those of a run that nothing disturbed.
"""

import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from customer_profiles import archive, collected, collecting, inquiry, paths, stream
from customer_profiles.bench import live, loopback
from customer_profiles.bench.loopback import KEY, RUNS, TEXT, Scenario
from customer_profiles.bench.process import alone, peak_gib
from customer_profiles.vault import Vault
from customer_profiles.x_api.client import Client
from customer_profiles.x_api.transport import TIMEOUTS

POSTS = 250  # of a scenario: three pages
KILLS = 10  # of each way to ask
FEW, MANY = 20_000, 200_000
WAYS = ("recent", "mentions")


def measure() -> dict:
    """What all scenarios lose, double and hang; speed, growth of memory, and the live stream."""
    # First: a process counts the memory of the one that starts it, so a model would be counted.
    found = undisturbed(FEW, MANY)
    rated = stream.model()  # now: it may be missing
    found |= loopback.disturb([*scenarios(), *live.scenarios()])
    return found | {"live": live.measure(*rated)}


def scenarios() -> list[Scenario]:
    """Faults of X and kills, in search and in mentions."""
    faults = sorted(loopback.load(paths.inside("tests")).faults.FAULTS)
    moments = random.Random(7)  # noqa: S311
    return [
        *(Scenario(way, fault, _faulty, (way, fault)) for way in WAYS for fault in faults),
        *(
            Scenario(way, f"killed ({n})", _killed, (way, moments.random()))
            for way in WAYS
            for n in range(KILLS)
        ),
    ]


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


def _collect(x, scope: str, token: str, timeouts=TIMEOUTS) -> None:
    """Collect without a wait, again and again until everything is there."""
    asked = inquiry.read(loopback.section(scope, x.address))
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
    modules = loopback.load(tests)
    posts = modules.posts.invented(POSTS, time.time(), [TEXT], every=60)
    timeouts = modules.ways.BOUNDS.get(fault, TIMEOUTS)
    # Of mentions, the first thing that is asked is whose.
    before = [None] * (1 + (scope == "mentions"))
    with modules.server.XServer(posts, [*before, fault]) as x:
        _collect(x, scope, modules.faults.TOKEN, timeouts)
        if x.faults:
            raise RuntimeError(f"the fault {fault!r} was never met")
    return _compared([post["id"] for post in posts])


def _killed(tests: Path, scope: str, part: float) -> tuple[int, int]:
    """The command is killed after `part` of the time that it takes, and run again."""
    modules = loopback.load(tests)
    posts = modules.posts.invented(POSTS, time.time(), [TEXT], every=60)
    token = modules.faults.TOKEN
    with modules.server.XServer(posts) as x:
        with tempfile.TemporaryDirectory() as other, contextlib.chdir(other):
            Path("dvc.yaml").touch()
            start = time.perf_counter()
            _collect(x, scope, token)
            taken = time.perf_counter() - start
        x.requests.clear()
        loopback.settle(tests, scope, x.address)
        environment = os.environ | loopback.secrets(token)
        with subprocess.Popen(
            [sys.executable, "-m", "customer_profiles.collect"], env=environment,
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
    modules = loopback.load(tests)
    now = time.time()

    class Endless(modules.server.XServer):
        """Makes each page when it is asked for: it holds no posts."""

        def _routed(self, path, asked, body):
            place, size = int(asked.pop("next_token", 0)), int(asked["max_results"])
            count = min(size + 1, number - place)
            posts = modules.posts.invented(count, now - 3 * place, [TEXT], every=3)
            body = self._page(posts, asked, "next_token", size, size)
            if count > size:
                body["meta"]["next_token"] = str(place + size)
            self.requests.clear()
            return body

    with Endless() as x, tempfile.TemporaryDirectory() as root:
        return alone(loopback.inside, root, _collect_all, x.address, modules.faults.TOKEN, number)


def _collect_all(address: str, token: str, number: int) -> dict[str, float]:
    client = Client(token, address, sleep=lambda seconds: None)
    start = time.perf_counter()
    done = collecting.run(inquiry.read(loopback.section("recent", address)), client, Vault(KEY))
    seconds = time.perf_counter() - start
    if done.posts != number:
        raise RuntimeError(f"{done.posts} of {number} posts were collected")
    return {"seconds": seconds, "peak_gib": peak_gib()}
