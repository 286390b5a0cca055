"""The benchmarks: `customer-profiles bench [NAME ...]`; each writes its NAME.json.

Several names, or all by default, run one after the other, each in a process of its own: the imports
of one benchmark would cost the others memory and time.
"""

import importlib
import json
import logging
import os
import subprocess

from customer_profiles.bench.process import SHORT, program
from customer_profiles.project import files, paths

NAMES = ("collection", "original", "segments", "sentiment", "store")

logger = logging.getLogger(__name__)


def command(names: list[str], short: bool) -> int:
    """Measure `names`, by default all; return the exit code of the first failure, or 0.

    With `short` each does a part of its work, to see that it runs; nothing is written.

    Raises ValueError for an unknown benchmark.
    """
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        raise ValueError(f"no benchmark: {', '.join(unknown)}; there are {', '.join(NAMES)}")
    if short:
        os.environ[SHORT] = "1"  # before a benchmark is imported: its sizes are constants
    if len(names) == 1:
        measure(names[0], short)
        return 0
    for name in names or NAMES:
        command_line = [program(), "bench", name, *(["--short"] if short else [])]
        code = subprocess.run(command_line, check=False).returncode  # noqa: S603
        if code:
            return code
    return 0


def measure(name: str, short: bool = False) -> None:
    """Log the figures of the benchmark `name`; write its file unless the run is `short`."""
    figures = importlib.import_module(f"customer_profiles.bench.{name}").measure()
    logger.info("%s: %s", name, json.dumps(figures, indent=2, sort_keys=True))
    if not short:
        files.write_json(paths.inside(f"data/reports/bench/{name}.json"), figures)
