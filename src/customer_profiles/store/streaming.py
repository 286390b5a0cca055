"""Posts of the live stream, written as they are scored, under the rules of `loading.load`."""

import logging
from datetime import date

import pandas as pd
from pymongo.database import Database

from customer_profiles.posts.retention import Limits, first_day, last_day, never_erased
from customer_profiles.privacy.keys.key import Key
from customer_profiles.store import loading, profiles, removal
from customer_profiles.store.tombstones import united

logger = logging.getLogger(__name__)

ORIGIN = "stream"


def write(
    database: Database,
    observations: pd.DataFrame,
    grid: profiles.Grid,
    key: Key,
    expire_days: int,
    as_of: str,
    today: date,
) -> loading.Change:
    """Write `observations`, as returned by `observations.build`, and derive the profiles anew.

    A post is stored once: a row of the archive stays unchanged, a row of the stream takes the later
    counts. Retained are the posts of the `expire_days` days before `as_of` (`expire_days` 0: all;
    `as_of` "": the newest day of the stream), except posts dated after tomorrow and posts erased
    under `key`. Earlier rows of the stream are removed. A row that the validator refuses is left
    out and counted.
    """
    posts = observations.assign(origin=ORIGIN).to_dict("records")
    with profiles.profile_updates(database, grid) as people:
        # Under the lease: until then another program may erase.
        marks, last = united(database, key.fingerprint()), last_day(today)
        first = ""
        if expire_days:
            days = database.observations.find({"origin": ORIGIN, "day": {"$lte": last}}, {"day": 1})
            newest = [row["day"] for row in days.sort("day", -1).limit(1)]
            newest += [post["day"] for post in posts if post["day"] <= last]
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
