"""Days of sealed observations: found by their readable month, and unsealed at its border only."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import pandas as pd
from pymongo.collection import Collection
from pymongo.database import Database

from customer_profiles.privacy.keys.key import Damaged, Key
from customer_profiles.privacy.sealing import OBSERVATIONS
from customer_profiles.store.connection import chunks

MONTH = len("YYYY-MM")


def of(rows: Sequence[Mapping], key: Key) -> list[str]:
    """Day of each of the sealed `rows`. Raises the errors of `Key.unseal_row`."""
    table = pd.DataFrame(rows, columns=list(OBSERVATIONS.fields))
    return OBSERVATIONS.decoded(OBSERVATIONS.values(table, key))["day"].tolist()


def before(rows: Collection, key: Key, day: str, among: Mapping | None = None) -> Iterator[Mapping]:
    """Yield the rows of days before `day` that meet the condition `among`; none for "".

    A damaged row is yielded when its month is over.
    """
    if not day:
        return
    month = day[:MONTH]
    yield from rows.find({**(among or {}), "month": {"$lt": month}})
    border = rows.find({**(among or {}), "month": month})
    yield from (row for row, on in _dated(border, key) if on < day)


def newest(database: Database, key: Key, last: str) -> str:
    """The newest day up to `last` of the live stream; "" where there is none."""
    rows, stream = database.observations, {"origin": "stream"}
    months = rows.distinct("month", {**stream, "month": {"$lte": last[:MONTH]}})
    for month in sorted(months, reverse=True):
        dated = _dated(rows.find({**stream, "month": month}), key)
        if day := max((day for _, day in dated if day <= last), default=""):
            return day
    return ""


def _dated(rows: Iterable[Mapping], key: Key) -> Iterator[tuple[Mapping, str]]:
    """Yield each of the sealed `rows` that is not damaged, and its day."""
    for part in chunks(rows):
        try:
            days = of(part, key)
        except Damaged:
            half = len(part) // 2
            for fewer in (part[:half], part[half:]) if half else ():
                yield from _dated(fewer, key)
        else:
            yield from zip(part, days, strict=True)
