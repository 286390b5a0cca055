"""Benchmarks: `python -m customer_profiles.bench [NAME ...]`, each of which writes its NAME.json.

Several, or all without a name, run one after the other, each in a process of its own: what one
imports costs the others memory and time.
"""

import importlib
import logging
import subprocess
import sys

from customer_profiles import outputs, paths

NAMES = ("collection", "original", "segments", "sentiment", "store")

logger = logging.getLogger(__name__)


def main(names: list[str]) -> int:
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        logger.error("no benchmark: %s; there are %s", ", ".join(unknown), ", ".join(NAMES))
        return 2
    if len(names) == 1:
        measure(names[0])
        return 0
    for name in names or NAMES:
        command = [sys.executable, "-m", "customer_profiles.bench", name]
        if code := subprocess.run(command, check=False).returncode:  # noqa: S603
            return code
    return 0


def measure(name: str) -> None:
    file = paths.inside(f"data/reports/bench/{name}.json")
    outputs.write_json(file, importlib.import_module(f"customer_profiles.bench.{name}").measure())
    logger.info(file.read_text(encoding="utf-8"))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    sys.exit(main(sys.argv[1:]))
