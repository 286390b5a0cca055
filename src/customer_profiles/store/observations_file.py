"""The file of observations to load, opened once, so that its replacement does not affect a load."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from customer_profiles.posts.observations import COLUMNS
from customer_profiles.store import connection
from customer_profiles.store.errors import StoreError


class Source:
    """The rows of a parquet file, in batches of `connection.CHUNK`."""

    def __init__(self, parquet: pq.ParquetFile):
        self._parquet = parquet
        self.count = -(-parquet.metadata.num_rows // connection.CHUNK)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows."""
        return self._parquet.iter_batches(connection.CHUNK)

    def newest(self, last: str) -> str:
        """The newest day up to `last`; "" where there is none."""
        batches = self._parquet.iter_batches(connection.CHUNK, columns=["day"])
        days = (day for batch in batches for day in batch.to_pydict()["day"])
        return max((day for day in days if day and day <= last), default="")

    def ids(self, hold: Callable[[Mapping], bool]) -> np.ndarray:
        """Sorted digests (16 bytes each, "V16") of the ids of the posts for which `hold` is true.

        `hold` is called with `_id`, `author` and `day` only. Raises StoreError when the file
        contains a post twice.
        """
        digests = [_digests([])]
        for batch in self._parquet.iter_batches(connection.CHUNK, columns=["_id", "author", "day"]):
            digests.append(_digests(post["_id"] for post in documents(batch) if hold(post)))
        ids = np.sort(np.concatenate(digests))
        if twice := len(ids) - len(np.unique(ids)):
            raise StoreError(
                f"{twice} posts stand twice among the observations; run `dvc repro -f score`"
            )
        return ids


@contextmanager
def opened(file: Path) -> Iterator[Source]:
    """The rows of parquet `file`. Raises StoreError, naming columns, if these are not COLUMNS."""
    # Buffered ahead, all of the file would be in memory in the end.
    with pq.ParquetFile(file, pre_buffer=False) as parquet:
        names = set(parquet.schema_arrow.names)
        if names != set(COLUMNS):
            missing, unknown = (sorted(set(COLUMNS) - names), sorted(names - set(COLUMNS)))
            raise StoreError(
                f"the observations lack the columns {missing or 'none'} and have unknown ones: "
                f"{unknown or 'none'}; run `dvc repro -f score`"
            )
        yield Source(parquet)


def documents(batch: pa.RecordBatch) -> list[dict]:
    """The rows of `batch` as documents for MongoDB."""
    columns = batch.to_pydict()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def among(ids: np.ndarray, names: Iterable[str]) -> np.ndarray:
    """True for each of `names` whose digest is in the sorted `ids`: bool (n,)."""
    wanted = _digests(names)
    if not len(ids):
        return np.zeros(len(wanted), bool)
    places = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    return ids[places] == wanted


def _digests(ids: Iterable[str]) -> np.ndarray:
    """Digests of `ids`, "V16" (n,): 16 bytes each, so that a million ids take 16 MB."""
    made = (blake2b(str(name).encode(), digest_size=16).digest() for name in ids)
    return np.frombuffer(b"".join(made), dtype="V16")
