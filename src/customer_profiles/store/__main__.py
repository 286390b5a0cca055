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
        if given.command == "export":
            with database() as held:
                rows = table(held, given.what)
            outputs.write_csv(given.file, rows)
            logger.info("%s: %d rows in %s", given.what, len(rows), given.file.name)
        elif given.command == "status":
            for line in status():
                sys.stdout.write(f"{line}\n")
        else:
            sys.stdout.write(f"{up() if given.command == 'up' else down()}\n")
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
    commands.add_parser("up", help="start the embedded MongoDB, to run until `down`")
    commands.add_parser("down", help="stop the embedded MongoDB, unless somebody uses it")
    commands.add_parser("status", help="where the database is, whether it runs, what it holds")
    export = commands.add_parser("export", help="write what the database holds to a CSV file")
    export.add_argument("what", choices=("profiles", "clusters", "observations"), metavar="WHAT",
                        help="profiles, clusters or observations")  # fmt: skip
    export.add_argument("file", type=Path, metavar="FILE.csv")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
