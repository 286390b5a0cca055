"""The benchmarks: `customer-profiles bench [NAME ...]`; each writes its NAME.json.

Several names, or all by default, run one after the other, each in a process of its own: the imports
of one benchmark would cost the others memory and time.
"""

import importlib
import logging
import subprocess

from customer_profiles.bench.process import program
from customer_profiles.project import files, paths

NAMES = ("collection", "original", "segments", "sentiment", "store")

logger = logging.getLogger(__name__)


def command(names: list[str]) -> int:
    """Measure `names`, by default all; return the exit code of the first failure, or 0.

    Raises ValueError for an unknown benchmark.
    """
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        raise ValueError(f"no benchmark: {', '.join(unknown)}; there are {', '.join(NAMES)}")
    if len(names) == 1:
        measure(names[0])
        return 0
    for name in names or NAMES:
        code = subprocess.run([program(), "bench", name], check=False).returncode  # noqa: S603
        if code:
            return code
    return 0


def measure(name: str) -> None:
    file = paths.inside(f"data/reports/bench/{name}.json")
    files.write_json(file, importlib.import_module(f"customer_profiles.bench.{name}").measure())
    logger.info(file.read_text(encoding="utf-8"))
