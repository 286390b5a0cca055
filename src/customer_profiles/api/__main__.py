"""`python -m customer_profiles.api serve`, `… token create|list|revoke NAME`."""

import argparse
import logging
import re
import sys
from datetime import UTC, datetime

from pymongo.database import Database

from customer_profiles.store import StoreError, database, tokens

logger = logging.getLogger(__name__)


def main(arguments: list[str]) -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    given = _given(arguments)
    try:
        if given.command == "serve":
            # Django takes a second to import, which `token` need not wait for.
            from customer_profiles.api import server

            server.serve(given.host, given.port)
        else:
            with database() as held:
                _manage_tokens(held, given)
    except (StoreError, ValueError, OSError) as error:
        logger.error("error: %s", error)
        return 1
    return 0


def _manage_tokens(held: Database, given: argparse.Namespace) -> None:
    if given.action == "create":
        token = tokens.create(held, given.name, given.days, datetime.now(UTC).date())
        logger.info("token %s, for %d days; it is not shown again:", given.name, given.days)
        sys.stdout.write(f"{token}\n")
    elif given.action == "revoke":
        tokens.revoke(held, given.name)
        logger.info("token %s is revoked", given.name)
    else:
        for row in tokens.listed(held):
            sys.stdout.write(f"{row['_id']}\tcreated {row['created']}\texpires {row['expires']}\n")


def _given(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m customer_profiles.api")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="answer until interrupted")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8000)
    token = commands.add_parser("token", help="who may ask")
    actions = token.add_subparsers(dest="action", required=True)
    create = actions.add_parser("create", help="make a token and print it, once")
    create.add_argument("name", metavar="NAME")
    create.add_argument("--days", type=int, default=90)
    actions.add_parser("list", help="names and days of expiry")
    actions.add_parser("revoke", help="make a token invalid").add_argument("name", metavar="NAME")
    given = parser.parse_args(arguments)
    if given.command == "serve" and not 0 <= given.port <= 65535:
        parser.error(f"--port must be 0 (any free one) to 65535, got {given.port}")
    if "days" in given and not 1 <= given.days <= 3650:
        parser.error(f"--days must be 1 to 3650, got {given.days}")
    if "days" in given and not re.fullmatch(r"[A-Za-z0-9._@-]{1,64}", given.name):
        parser.error(f"NAME must be 1 to 64 letters, digits or . _ @ -, got {given.name!r}")
    return given


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
