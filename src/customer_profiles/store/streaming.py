"""Posts of the live stream, written as they are scored, under the rules that `load` has."""

import logging
from datetime import date

import pandas as pd
from pymongo.database import Database

from customer_profiles.posts.retention import Limits, first_day, last_day, nobody
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
    """Write `observations`, as `observations.build` gives them, and let the profiles follow.

    A post is held once: what the archive already gave stays as it is, what the stream gave takes
    the later counts. Held are the posts of the `expire_days` days before `as_of` (0: all; "": the
    newest day of the stream), none of after tomorrow, none that was erased under `key`; earlier
    ones of the stream go. A row that the validator refuses is left out and counted.
    """
    posts = observations.assign(origin=ORIGIN).to_dict("records")
    with profiles.following(database, grid) as people:
        # Under the lease: until then somebody may erase.
        marks, last = united(database, key.fingerprint()), last_day(today)
        first = ""
        if expire_days:
            held = database.observations.find({"origin": ORIGIN, "day": {"$lte": last}}, {"day": 1})
            newest = [row["day"] for row in held.sort("day", -1).limit(1)]
            newest += [post["day"] for post in posts if post["day"] <= last]
            first = first_day(newest, expire_days, as_of)
        limits = Limits(first, last, (lambda who: key.mark(who) in marks) if marks else nobody)
        change = loading.write_posts(database.observations, people, posts, limits, "archive")
        removal.before(database.observations, people, first)
        people.derive()
    if change.refused:
        logger.warning(
            "%d of %d posts were refused and left out, fields: %s; see store/schema.py",
            change.refused, change.seen, ", ".join(sorted(change.fields)) or "unknown",
        )  # fmt: skip
    return change
