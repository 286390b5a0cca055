"""Sealed rows: a few readable fields by which rows are found, and all exact values in one sealed.

A sealed field has the same length in all rows of a kind. It is encrypted with AES-GCM-SIV (RFC
8452): the same row under the same key is the same bytes, so that a row that did not change is
recognised, and equal values in two rows are different bytes. The readable fields are associated
data: a sealed field is refused in any row but its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import pandas as pd

from customer_profiles.project.vocabulary import (
    AUTHOR_COUNTS,
    CLASSES,
    FLAGS,
    POST_COUNTS,
    UNFLAGGED,
)

FIELD = "sealed"
# Kinds of values. A share is kept in whole millionths, so that sums do not depend on their order.
MILLION = 1_000_000
KINDS = {
    "count": "<i8",
    "mean": "<f8",
    "share": "<u4",
    "bool": "?",
    "day": "<M8[D]",
    "month": "<M8[M]",
    "text": "S32",
}


class Sealer(Protocol):
    """Protocol of the part of a key that this module needs."""

    def seal_row(self, values: bytes, about: bytes) -> bytes:
        """`values`, encrypted for the row that `about` names."""

    def unseal_row(self, sealed: bytes, about: bytes) -> bytes:
        """Values that `seal_row` encrypted; raises an error for another key or a changed row."""


@dataclass(frozen=True)
class Layout:
    """Fields of a kind of row, called `what`: the `readable` ones, and the `sealed` ones' kinds.

    A kind is one of KINDS, or the tuple of the values that a category may have. The readable
    "month" is that of the sealed "day".
    """

    what: str
    readable: tuple[str, ...]
    sealed: Mapping[str, str | tuple[str, ...]]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of an unsealed table."""
        return (*(name for name in self.readable if name != "month"), *self.sealed)

    @property
    def fields(self) -> tuple[str, ...]:
        """Columns of a sealed table."""
        return (*self.readable, FIELD)

    @cached_property
    def dtype(self) -> np.dtype:
        """Data type of a row's sealed values, of fixed length."""
        return np.dtype([(name, KINDS.get(kind, "u1")) for name, kind in self.sealed.items()])

    def seal(self, table: pd.DataFrame, key: Sealer) -> pd.DataFrame:
        """`table` (`columns`) as a sealed table (`fields`), sorted by _id.

        The order of the ids tells nothing of the values, as another order might. Raises ValueError
        for a value that the kind of its field cannot have.
        """
        return self.seal_values(table, self.encoded(table), key)

    def seal_values(self, table: pd.DataFrame, values: np.ndarray, key: Sealer) -> pd.DataFrame:
        """As `seal`, of `values` that are encoded already; `table` has the readable fields."""
        months = {"month": np.datetime_as_string(values["day"], "M")} if self._dated else {}
        readable = table.assign(**months)[list(self.readable)].reset_index(drop=True)
        whole, size = np.ascontiguousarray(values).tobytes(), self.dtype.itemsize
        sealed = [
            key.seal_row(whole[place * size : (place + 1) * size], about)
            for place, about in enumerate(self._about(readable))
        ]
        done = readable.assign(**{FIELD: pd.Series(sealed, dtype=object)})
        return done.sort_values("_id", ignore_index=True)

    def unseal(self, table: pd.DataFrame, key: Sealer) -> pd.DataFrame:
        """Unsealed table (`columns`) of a sealed one, `ordered`. Raises the errors of `values`."""
        rows = self.decoded(self.values(table, key))
        names = [name for name in self.readable if name != "month"]
        whole = pd.concat([table[names].reset_index(drop=True), rows], axis=1)
        return ordered(whole, last=[name for name in ("author", "_id") if name in names])

    def values(self, table: pd.DataFrame, key: Sealer) -> np.ndarray:
        """Sealed values of a sealed `table`, encoded: a structured array (n,) of `dtype`.

        Raises the errors of `Sealer.unseal_row`, and ValueError for a row of another version.
        """
        if FIELD not in table or table[FIELD].isna().any():
            raise ValueError(
                f"{self.what} of a former version of this program are not sealed; run `make "
                "repro`, which writes them anew"
            )
        opened = b"".join(
            key.unseal_row(sealed, about)
            for sealed, about in zip(table[FIELD], self._about(table), strict=True)
        )
        if len(opened) != len(table) * self.dtype.itemsize:
            raise ValueError(
                f"the {self.what} were sealed by another version of this program; run `make repro`"
            )
        return np.frombuffer(opened, self.dtype)

    def encoded(self, table: pd.DataFrame) -> np.ndarray:
        """Values of an unsealed `table` as a structured array (n,) of `dtype`.

        Raises ValueError for a value that the kind of its field cannot have.
        """
        rows = np.zeros(len(table), self.dtype)
        for name, kind in self.sealed.items():
            if isinstance(kind, tuple):
                rows[name] = self._codes(table[name], name, kind)
            elif kind == "share":
                rows[name] = np.rint(table[name].to_numpy(dtype=float) * MILLION)
            elif kind in ("day", "month", "text"):
                rows[name] = table[name].to_numpy(dtype=KINDS[kind].lstrip("<"))
            else:
                rows[name] = table[name]
        for name, values in self.decoded(rows).items():
            kind, given = self.sealed[name], table[name].to_numpy()
            kept = (given >= 0) & (given <= 1) if kind == "share" else values.to_numpy() == given
            if wrong := int((~kept).sum()):
                raise ValueError(f"{name} of {wrong} {self.what} is no {kind}")
        return rows

    def decoded(self, rows: np.ndarray) -> pd.DataFrame:
        """Unsealed columns of encoded `rows`."""
        columns = {}
        for name, kind in self.sealed.items():
            values = rows[name]
            if isinstance(kind, tuple):
                columns[name] = np.array(kind, dtype=object)[values]
            elif kind == "share":
                columns[name] = values / MILLION
            elif kind in ("day", "month"):
                columns[name] = np.datetime_as_string(values).astype(object)
            elif kind == "text":
                columns[name] = values.astype(str).astype(object)
            else:
                columns[name] = values.astype(values.dtype.newbyteorder("="))
        return pd.DataFrame(columns)

    @property
    def _dated(self) -> bool:
        return "month" in self.readable

    def _about(self, table: pd.DataFrame) -> list[bytes]:
        """Associated data of each row."""
        parts = zip(*(table[name].tolist() for name in self.readable), strict=True)
        return ["\0".join((self.what, *row)).encode() for row in parts]

    def _codes(self, values: pd.Series, name: str, known: tuple[str, ...]) -> np.ndarray:
        codes = pd.Index(known).get_indexer(values)
        if wrong := int((codes < 0).sum()):
            raise ValueError(
                f"{name} of {wrong} {self.what} is none of {', '.join(map(repr, known))}"
            )
        return codes


def ordered(frame: pd.DataFrame, last: Sequence[str]) -> pd.DataFrame:
    """`frame` sorted by all its columns, those in `last` (pseudonyms) only to break ties.

    Sorted by pseudonym, what is computed from it would depend on the key.
    """
    columns = [name for name in frame.columns if name not in last]
    return frame.sort_values([*columns, *last], kind="stable").reset_index(drop=True)


_COUNTS = dict.fromkeys(POST_COUNTS + AUTHOR_COUNTS, "count")
OBSERVATIONS = Layout(
    "observations",
    ("_id", "author", "scorer", "origin", "month"),
    {
        "day": "day",
        "label": CLASSES,
        "flag": (UNFLAGGED, *FLAGS),
        "polarity": "share",
        "subjectivity": "share",
        **_COUNTS,
        "verified": "bool",
        "protected": "bool",
    },
)
PROFILES = Layout(
    "profiles",
    ("_id",),
    {
        "posts": "count",
        **dict.fromkeys(("polarity", "subjectivity", *POST_COUNTS, *CLASSES), "mean"),
        **dict.fromkeys(AUTHOR_COUNTS, "count"),
        "verified": "bool",
        "protected": "bool",
        "first_month": "month",
        "last_month": "month",
    },
)
# `cell` names the published cell an author was counted in: "0/2/1" is segment 0, tiers 2 and 1; it
# is empty before a publication.
ASSIGNMENTS = Layout("assignments", ("_id",), {"cluster": "count", "cell": "text"})
LAYOUTS = {layout.what: layout for layout in (OBSERVATIONS, PROFILES, ASSIGNMENTS)}
