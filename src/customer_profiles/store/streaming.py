"""Posts of the live stream, written as they are scored, under the rules of `loading.load`."""

import logging
from datetime import date

import pandas as pd
from pymongo.database import Database

from customer_profiles.posts.retention import Limits, first_day, last_day, never_erased
from customer_profiles.privacy.sealing import OBSERVATIONS
from customer_profiles.store import loading, profiles, removal, sealed_days
from customer_profiles.store.tombstones import united

logger = logging.getLogger(__name__)

ORIGIN = "stream"


def write(
    database: Database,
    observations: pd.DataFrame,
    recipe: profiles.Recipe,
    expire_days: int,
    as_of: str,
    today: date,
) -> loading.Change:
    """Write `observations`, as returned by `observations.build`, and derive the profiles anew.

    A post is stored once: a row of the archive stays unchanged, a row of the stream takes the later
    counts. Retained are the posts of the `expire_days` days before `as_of` (`expire_days` 0: all;
    `as_of` "": the newest day of the stream), except posts dated after tomorrow and posts erased
    under its key. Earlier rows of the stream are removed. A row that the validator refuses is left
    out and counted.
    """
    key, observed = recipe.key, observations.assign(origin=ORIGIN)
    posts = OBSERVATIONS.seal(observed, key).to_dict("records")
    with profiles.profile_updates(database, recipe) as people:
        # Under the lease: until then another program may erase.
        marks, last = united(database, key.fingerprint()), last_day(today)
        first = ""
        if expire_days:
            newest = [sealed_days.newest(database, key, last)]
            newest += [day for day in observed["day"] if day <= last]
            first = first_day(newest, expire_days, as_of)
        limits = Limits(
            first, last, (lambda who: key.mark(who) in marks) if marks else never_erased
        )
        change = loading.write_posts(database.observations, people, posts, limits, "archive")
        removal.remove_before(database.observations, people, first)
        people.derive()
    if change.refused:
        logger.warning(
            "%d of %d posts were refused and left out, fields: %s; see store/schema.py",
            change.refused, change.seen, ", ".join(sorted(change.fields)) or "unknown",
        )  # fmt: skip
    return change
