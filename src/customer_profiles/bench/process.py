"""Processes whose memory is measured."""

import os
import resource
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")
Size = TypeVar("Size")
# Of the peak of memory in a GiB: KiB on Linux, bytes on macOS.
PEAK_UNITS = 2**30 if sys.platform == "darwin" else 2**20
SHORT = "CUSTOMER_PROFILES_BENCH_SHORT"


def in_own_process(work: Callable[..., Result], *arguments) -> Result:
    """Run `work` in a process of its own, for a peak of memory of its own; return its result."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def size(full: Size, short: Size) -> Size:
    """Amount of work of a benchmark: `short` in a run with `--short`, else `full`.

    The variable SHORT passes the option on to the processes of a benchmark.
    """
    return short if SHORT in os.environ else full


def program() -> str:
    """The command `customer-profiles` of the environment that this process runs in."""
    return str(Path(sys.executable).with_name("customer-profiles"))


def peak_gib() -> float:
    """Peak memory of this process, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / PEAK_UNITS
