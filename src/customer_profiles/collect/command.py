"""The command `customer-profiles collect`, which collects from X into data/collect.

The settings are in section `collect` of params.yaml, the token in X_BEARER_TOKEN. Exit codes: 0; 1
after an error; 3 when the budget is reached; 130 or 143 after a signal.
"""

import logging
import os

from customer_profiles.collect import collector, settings
from customer_profiles.collect.budget import BudgetReached
from customer_profiles.collect.collector import Estimate, Outcome
from customer_profiles.collect.folder import PAGES, PagesFolder
from customer_profiles.collect.interruption import Interrupted, Interruption
from customer_profiles.collect.settings import QUARTER, REQUESTS, CollectSettings
from customer_profiles.collect.x_api import errors
from customer_profiles.collect.x_api.client import Client
from customer_profiles.privacy.keys.key import open_key
from customer_profiles.project import params

logger = logging.getLogger(__name__)


def collect(dry_run: bool) -> int:
    """Collect as section collect of params.yaml says, or only price it; return the exit code."""
    try:
        with Interruption() as stop:
            wanted = settings.read(params.stage("collect"))
            client = Client(
                os.environ.get(errors.VARIABLE), wanted.host, fields=wanted.fields, sleep=stop.sleep
            )
            sealed = PagesFolder().sealed_files()
            if dry_run:
                key = open_key(PAGES) if sealed else None
                return _say_price(wanted, collector.estimate(wanted, client, key))
            # A key that is lost must not be followed by another one.
            key = open_key(PAGES, make=not sealed)
            return _say_end(collector.run(wanted, client, key, stop.check), wanted)
    except Interrupted as error:
        logger.error("%s", error)
        return error.code


def _say_price(wanted: CollectSettings, estimate: Estimate) -> int:
    """Log the posts and the price of a run; return the exit code."""
    if estimate.posts is None:
        logger.info(
            "X does not count mentions beforehand: a page of %d costs $%.2f at most, and what is "
            "left of this month's budget, $%.2f, pays for %d pages of that price",
            estimate.page_size, estimate.page_price, estimate.left,
            estimate.left // (estimate.page_price or 1),
        )  # fmt: skip
        return 0
    logger.info(
        "%d posts by X's count, with as many authors at most (of a post one user is read)\n"
        "price: $%.2f at most; a page of %d costs $%.2f at most\n"
        "time: %d minutes or more, at X's %d requests in %d minutes\n"
        "left of this month's budget: $%.2f, %s",
        estimate.posts, estimate.price, estimate.page_size, estimate.page_price,
        -(-estimate.seconds // 60), REQUESTS[wanted.scope], QUARTER // 60, estimate.left,
        "which is enough" if estimate.price <= estimate.left else "which may not be enough for all",
    )  # fmt: skip
    return 0


def _say_end(outcome: Outcome, wanted: CollectSettings) -> int:
    """Log the result of a run, the reason of its end and how to resume; return the exit code."""
    logger.info(
        "collected %d posts on %d pages; $%.2f of $%.2f spent this month",
        outcome.posts, outcome.pages, outcome.spent, wanted.budget,
    )  # fmt: skip
    if outcome.stopped is None:
        logger.info("next: make repro X_ARCHIVE=%s", PAGES)
        return 0
    logger.error("%s", outcome.stopped)
    kept = "collected pages are kept; run the same command again to resume"
    if isinstance(outcome.stopped, BudgetReached):
        logger.info("%s, next month or with a higher budget in %s", kept, settings.SECTION)
        return outcome.stopped.code
    logger.info("%s", kept)
    return outcome.stopped.code if isinstance(outcome.stopped, Interrupted) else 1
