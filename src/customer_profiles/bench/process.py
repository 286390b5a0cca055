"""Processes whose memory is measured."""

import resource
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")
# Of the peak of memory in a GiB: KiB on Linux, bytes on macOS.
PEAK_UNITS = 2**30 if sys.platform == "darwin" else 2**20


def alone(work: Callable[..., Result], *arguments) -> Result:
    """What `work` returns in a process of its own: its peak of memory is nobody else's."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def program() -> str:
    """The command `customer-profiles` of the environment that this process runs in."""
    return str(Path(sys.executable).with_name("customer-profiles"))


def peak_gib() -> float:
    """The most memory this process has had, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / PEAK_UNITS
