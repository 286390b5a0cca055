"""The database from outside: `python -m customer_profiles.store COMMAND --help`.

up, down, status, export; purge, expire and rotate, which reach beyond it.
"""

import argparse
import logging
import sys
from pathlib import Path

from customer_profiles import erasure, outputs, rotation
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
    _erasing(commands)
    return parser.parse_args(arguments)


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def _export(what: str, file: Path) -> None:
    with database() as held:
        rows = table(held, what)
    outputs.write_csv(file, rows)
    logger.info("%s: %d rows in %s", what, len(rows), file.name)


def _erasing(commands) -> None:
    purge = commands.add_parser("purge", help="erase all that is held of authors or posts")
    # No `choices`: their error would repeat what was given, which may be an id.
    purge.add_argument("kind", metavar="author|post")
    purge.add_argument(
        "ids", nargs="+", metavar="ID",
        help="ids of X, or - to read them from standard input: a command line can be seen by "
        "others on the machine, and is kept in the shell's history",
    )  # fmt: skip
    purge.add_argument("--dry-run", action="store_true", help="only say how much is held")
    purge.set_defaults(run=lambda given: erasure.purge(given.kind, _ids(given), given.dry_run))
    expire = commands.add_parser("expire", help="remove observations that are too old")
    expire.add_argument("--days", type=int, help="default: expire_days in params.yaml")
    expire.add_argument("--as-of", metavar="DAY", help="default: as_of in params.yaml")
    expire.add_argument("--dry-run", action="store_true", help="only say how many are too old")
    expire.set_defaults(run=lambda given: erasure.expire(given.days, given.as_of, given.dry_run))
    rotate = commands.add_parser(
        "rotate", help="remove all that was made under the key, and make a new key"
    )
    rotate.set_defaults(run=lambda given: rotation.rotate())


def _ids(given: argparse.Namespace) -> list[str]:
    read = sys.stdin.read().split() if "-" in given.ids else []
    return [number for number in given.ids if number != "-"] + read


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
