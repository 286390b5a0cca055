"""Posts about the brand from X, into data/collect: `python -m customer_profiles.collect --help`.

What is asked stands in section `collect` of params.yaml, the token in X_BEARER_TOKEN. It ends with
0, with 1 after an error, with 3 where the budget is reached, with 130 or 143 when it is stopped.
"""

import argparse
import logging
import os
import sys

from customer_profiles import collected, collecting, inquiry, params, vault
from customer_profiles.budget import BudgetReached
from customer_profiles.collecting import Estimate, Outcome
from customer_profiles.inquiry import QUARTER, REQUESTS, Inquiry
from customer_profiles.interruption import Interrupted, Interruption
from customer_profiles.x_api import errors
from customer_profiles.x_api.client import Client

logger = logging.getLogger(__name__)


def main(arguments: list[str]) -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(
        prog="python -m customer_profiles.collect",
        description="Fetch posts about the brand from X into data/collect, as params.yaml says.",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only count and price what would be read"
    )
    given = parser.parse_args(arguments)
    try:
        with Interruption() as stop:
            asked = inquiry.read(params.stage("collect"))
            client = Client(
                os.environ.get(errors.VARIABLE), asked.host, fields=asked.fields, sleep=stop.sleep
            )
            if given.dry_run:
                key = vault.open_vault(collected.PAGES) if collected.sealed() else None
                return _told(asked, collecting.estimate(asked, client, key))
            # A key that is lost must not be followed by another one.
            key = vault.open_vault(collected.PAGES, make=not collected.sealed())
            return _ended(collecting.run(asked, client, key, stop.check), asked)
    except Interrupted as error:
        logger.error("%s", error)
        return error.code
    except (errors.XError, ValueError, OSError, KeyError) as error:
        logger.error("error: %s", error.args[0] if isinstance(error, KeyError) else error)
        return 1


def _told(asked: Inquiry, found: Estimate) -> int:
    """Say what a run would read and cost."""
    if found.posts is None:
        logger.info(
            "X does not count mentions beforehand: a page of %d costs $%.2f at most, and what is "
            "left of this month's budget, $%.2f, pays for %d pages of that price",
            found.page_size, found.page_price, found.left, found.left // (found.page_price or 1),
        )  # fmt: skip
        return 0
    logger.info(
        "%d posts by X's count, with as many authors at most (of a post one user is read)\n"
        "price: $%.2f at most; a page of %d costs $%.2f at most\n"
        "time: %d minutes or more, at X's %d requests in %d minutes\n"
        "left of this month's budget: $%.2f, %s",
        found.posts, found.price, found.page_size, found.page_price,
        -(-found.seconds // 60), REQUESTS[asked.scope], QUARTER // 60, found.left,
        "which is enough" if found.price <= found.left else "which may not be enough for all",
    )  # fmt: skip
    return 0


def _ended(outcome: Outcome, asked: Inquiry) -> int:
    """Say what was collected, what ended it, and how to go on; the exit code."""
    logger.info(
        "collected %d posts on %d pages; $%.2f of $%.2f spent this month",
        outcome.posts, outcome.pages, outcome.spent, asked.budget,
    )  # fmt: skip
    if outcome.stopped is None:
        logger.info("next: make repro X_ARCHIVE=%s", collected.PAGES)
        return 0
    logger.error("%s", outcome.stopped)
    kept = "what was collected is kept; run the same again to go on where this ended"
    if isinstance(outcome.stopped, BudgetReached):
        logger.info("%s, next month or with a higher budget in %s", kept, inquiry.SECTION)
        return outcome.stopped.code
    logger.info("%s", kept)
    return outcome.stopped.code if isinstance(outcome.stopped, Interrupted) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
