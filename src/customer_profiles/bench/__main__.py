"""One benchmark: `python -m customer_profiles.bench NAME`, which writes its NAME.json."""

import importlib
import logging
import sys

from customer_profiles import outputs, paths

NAMES = ("collection", "original", "segments", "sentiment", "store")

logger = logging.getLogger(__name__)


def main(name: str) -> None:
    file = paths.inside(f"data/reports/bench/{name}.json")
    # Each in a process of its own: what one imports costs the others memory and time.
    measured = importlib.import_module(f"customer_profiles.bench.{name}").measure()
    outputs.write_json(file, measured)
    logger.info(file.read_text(encoding="utf-8"))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    if sys.argv[1:] not in [[name] for name in NAMES]:
        sys.exit(f"say which benchmark: {', '.join(NAMES)}")
    main(sys.argv[1])
