"""The database from outside: read it out, erase from it, let it expire, change the key.

`python -m customer_profiles.store export profiles|clusters|observations FILE.csv`
`python -m customer_profiles.store purge|expire|rotate --help`
"""

import argparse
import logging
import sys
from pathlib import Path

import pandas as pd
from pymongo.database import Database

from customer_profiles import erasure, outputs
from customer_profiles.observations import COLUMNS, ordered
from customer_profiles.store import StoreError, database, publications
from customer_profiles.store.profiles import read, read_profiles

logger = logging.getLogger(__name__)


def table(held: Database, what: str) -> pd.DataFrame:
    """Profiles (with their cluster), clusters or observations, as stored."""
    if what == "observations":
        return ordered(read(held, what, COLUMNS), last=("author", "_id"))
    if what == "clusters":
        publication = publications.current(held)
        if publication is None:
            raise StoreError("nothing is published yet; run `make repro`")
        return pd.DataFrame(publication["segments"])
    assigned = read(held, "assignments", ("_id", "cluster"))
    joined = read_profiles(held).merge(assigned, on="_id", how="left")
    # Whole numbers also while some authors are not assigned yet.
    return joined.astype({"cluster": "Int64"})


def main(arguments: list[str]) -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(prog="python -m customer_profiles.store")
    commands = parser.add_subparsers(dest="command", required=True)
    export = commands.add_parser("export", help="write what the database holds to a CSV file")
    export.add_argument("what", choices=("profiles", "clusters", "observations"))
    export.add_argument("file", type=Path)
    export.set_defaults(run=lambda given: _export(given.what, given.file))
    _erasing(commands)
    given = parser.parse_args(arguments)
    try:
        given.run(given)
    except (StoreError, OSError, ValueError) as error:
        logger.error("error: %s", error)
        return 1
    return 0


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
    rotate.set_defaults(run=lambda given: erasure.rotate())


def _ids(given: argparse.Namespace) -> list[str]:
    read = sys.stdin.read().split() if "-" in given.ids else []
    return [number for number in given.ids if number != "-"] + read


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
