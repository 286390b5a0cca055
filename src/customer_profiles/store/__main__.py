"""`python -m customer_profiles.store up|down|status`, `… export WHAT FILE.csv`."""

import argparse
import logging
import sys
from pathlib import Path

from customer_profiles import outputs
from customer_profiles.store import StoreError, database
from customer_profiles.store.commands import down, status, table, up

logger = logging.getLogger(__name__)


def main(arguments: list[str]) -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    given = _given(arguments)
    try:
        given.run(given)
    except (StoreError, ValueError, OSError) as error:
        logger.error("error: %s", error)
        return 1
    return 0


def _given(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m customer_profiles.store",
        description="The database: the embedded MongoDB in data/mongo, or the one in MONGODB_URI.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("up", help="start the embedded MongoDB, to run until `down`")
    start.set_defaults(run=lambda given: _say(up()))
    stop = commands.add_parser("down", help="stop the embedded MongoDB, unless somebody uses it")
    stop.set_defaults(run=lambda given: _say(down()))
    look = commands.add_parser("status", help="whether the database runs, and what it holds")
    look.set_defaults(run=lambda given: _say(*status()))
    export = commands.add_parser("export", help="write what the database holds to a CSV file")
    export.add_argument("what", choices=("profiles", "clusters", "observations"))
    export.add_argument("file", type=Path, metavar="FILE.csv")
    export.set_defaults(run=lambda given: _export(given.what, given.file))
    return parser.parse_args(arguments)


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def _export(what: str, file: Path) -> None:
    with database() as held:
        rows = table(held, what)
    outputs.write_csv(file, rows)
    logger.info("%s: %d rows in %s", what, len(rows), file.name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
