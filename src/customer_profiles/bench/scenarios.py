"""Scenarios of a collection from a loopback X: its settings and its faults."""

import base64
import logging
import os
import tempfile
from collections.abc import Callable
from multiprocessing import TimeoutError as TooLate
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from customer_profiles.collect.x_api import errors
from customer_profiles.privacy.keys import keyfile
from customer_profiles.project import files, params

KEY = bytes(range(32))
HANDLE = "tindlewick"
TEXT = f"@{HANDLE} your tea is fine"
RUNS = 5  # until a scenario has everything: what X refuses ends a run
GOOD = "0 lost, 0 twice"

logger = logging.getLogger(__name__)


class Scenario(NamedTuple):
    """A fault in one way of collecting: `work`, called with `arguments`.

    It runs in a project without data and a process of its own, and returns the numbers of posts
    lost and duplicated. After `patience` seconds it counts as hanging.
    """

    way: str
    name: str
    work: Callable[..., tuple[int, int]]
    arguments: tuple
    patience: float = 120.0


def disturb(chosen: list[Scenario]) -> dict:
    """Totals of losses, duplicates and hangs of the `chosen` scenarios, and a `table` by name."""
    totals = {"scenarios": len(chosen), "lost": 0, "duplicated": 0, "hangs": 0}
    table = {way: {} for way in dict.fromkeys(scenario.way for scenario in chosen)}
    for scenario in chosen:
        with tempfile.TemporaryDirectory() as root, get_context("spawn").Pool(1) as pool:
            begun = pool.apply_async(inside, (root, scenario.work, *scenario.arguments))
            try:
                lost, doubled = begun.get(scenario.patience)
                outcome = f"{lost} lost, {doubled} twice"
            except TooLate:
                lost, doubled, outcome = 0, 0, "hangs"
                totals["hangs"] += 1
        if outcome != GOOD:
            logger.warning("%s: %s: %s", scenario.way, scenario.name, outcome)
        totals["lost"] += lost
        totals["duplicated"] += doubled
        table[scenario.way][scenario.name] = outcome
    return totals | {"table": table}


def inside(root: str, work: Callable, *arguments):
    """Run `work` in a project at `root` with only a copy of params.yaml; return its result."""
    values = params.read()
    Path(root, "dvc.yaml").touch()
    os.chdir(root)
    files.write_json(Path("params.yaml"), values, digits=8)
    return work(*arguments)


def section(scope: str, host: str) -> dict:
    """Section `collect` of params.yaml for the X at `host`."""
    prices = {"post_price": 0.005, "user_price": 0.01, "mention_price": 0.001}
    query = {"handles": [HANDLE], "keywords": [], "language": "", "retweets": False}
    kept = {"budget": 10.0**8, "keep_days": 30, "fields": "tweet", "host": host, "start": ""}
    return {"scope": scope, **query, **prices, **kept}


def ask(scope: str, host: str) -> None:
    """Set section `collect` in params.yaml of the working folder to the X at `host`."""
    files.write_json(
        Path("params.yaml"), params.read() | {"collect": section(scope, host)}, digits=8
    )


def secrets(token: str) -> dict[str, str]:
    """Environment variables of a command: the `token` for X, and the key."""
    return {errors.VARIABLE: token, keyfile.VARIABLE: base64.urlsafe_b64encode(KEY).decode()}
