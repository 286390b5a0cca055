"""Days of sealed observations: found by their readable month, and unsealed at its border only."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd
from pymongo.collection import Collection
from pymongo.database import Database

from customer_profiles.privacy.keys.key import Key
from customer_profiles.privacy.sealing import OBSERVATIONS
from customer_profiles.store.connection import chunks

MONTH = len("YYYY-MM")


def of(rows: Sequence[Mapping], key: Key) -> list[str]:
    """Day of each of the sealed `rows`. Raises the errors of `Key.unseal_row`."""
    table = pd.DataFrame(rows, columns=list(OBSERVATIONS.fields))
    return OBSERVATIONS.decoded(OBSERVATIONS.values(table, key))["day"].tolist()


def before(rows: Collection, key: Key, day: str, among: Mapping | None = None) -> Iterator[Mapping]:
    """Yield the rows of days before `day` that meet the condition `among`; none for ""."""
    if not day:
        return
    month = day[:MONTH]
    yield from rows.find({**(among or {}), "month": {"$lt": month}})
    for part in chunks(rows.find({**(among or {}), "month": month})):
        dated = zip(part, of(part, key), strict=True)
        yield from (row for row, on in dated if on < day)


def newest(database: Database, key: Key, last: str) -> str:
    """The newest day up to `last` of the live stream; "" where there is none."""
    rows, stream = database.observations, {"origin": "stream"}
    months = rows.distinct("month", {**stream, "month": {"$lte": last[:MONTH]}})
    for month in sorted(months, reverse=True):
        days = (
            day
            for part in chunks(rows.find({**stream, "month": month}))
            for day in of(part, key)
            if day <= last
        )
        if day := max(days, default=""):
            return day
    return ""
