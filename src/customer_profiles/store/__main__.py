"""`python -m customer_profiles.store export profiles|clusters|observations FILE.csv`."""

import argparse
import logging
import sys
from pathlib import Path

import pandas as pd
from pymongo.database import Database

from customer_profiles import outputs
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
    given = parser.parse_args(arguments)
    try:
        with database() as held:
            rows = table(held, given.what)
        outputs.write_csv(given.file, rows)
    except (StoreError, OSError) as error:
        logger.error("error: %s", error)
        return 1
    logger.info("%s: %d rows in %s", given.what, len(rows), given.file.name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
