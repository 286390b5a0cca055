"""The tables about single people in data/processed, as parquet files of sealed rows."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from customer_profiles.posts.retention import Limits
from customer_profiles.privacy.keys.key import Key
from customer_profiles.privacy.sealing import FIELD, LAYOUTS
from customer_profiles.project import files, paths
from customer_profiles.store import connection, sealed_days
from customer_profiles.store.errors import StoreError

FOLDER = "data/processed"


def path(name: str) -> Path:
    """Path of the table `name` (one of LAYOUTS), which may not exist."""
    return paths.inside(FOLDER, f"{name}.parquet")


def read(name: str, key: Key) -> pd.DataFrame:
    """The table `name`, unsealed; without rows if there is no such file.

    Raises the errors of `Key.unseal_row`, and StoreError for the file of another version.
    """
    table = read_sealed(name)
    _check(name, table.columns)
    return LAYOUTS[name].unseal(table, key)


def read_sealed(name: str) -> pd.DataFrame:
    """The table `name` as it is in its file; without rows if there is none."""
    if not path(name).is_file():
        return pd.DataFrame(columns=list(LAYOUTS[name].fields), dtype=object)
    return pd.read_parquet(path(name))


def write(name: str, table: pd.DataFrame, key: Key) -> None:
    """Seal `table` and write it, at once, as the table `name`."""
    files.write_parquet(path(name), LAYOUTS[name].seal(table, key))


class Source:
    """Rows of a parquet file of observations, in batches of `connection.CHUNK`."""

    def __init__(self, parquet: pq.ParquetFile, key: Key):
        self._parquet, self._key = parquet, key
        self.count = parquet.metadata.num_rows

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, sealed."""
        return self._parquet.iter_batches(connection.CHUNK)

    def newest(self, last: str) -> str:
        """The newest day up to `last`; "" where there is none."""
        return max((day for _, days in self._dated() for day in days if day <= last), default="")

    def ids(self, limits: Limits) -> np.ndarray:
        """Sorted digests (16 bytes each, "V16") of the ids of the posts that `limits` hold.

        Every row is unsealed for it. Raises the errors of `Key.unseal_row`, and StoreError when the
        file contains a post twice.
        """
        digests = [_digests([])]
        for posts, days in self._dated():
            kept = (p["_id"] for p, day in zip(posts, days, strict=True) if limits.hold(p, day))
            digests.append(_digests(kept))
        ids = np.sort(np.concatenate(digests))
        if twice := len(ids) - len(np.unique(ids)):
            raise StoreError(
                f"{twice} posts stand twice among the observations; run `dvc repro -f score`"
            )
        return ids

    def _dated(self) -> Iterator[tuple[list[dict], list[str]]]:
        for batch in self.batches():
            posts = documents(batch)
            yield posts, sealed_days.of(posts, self._key)


@contextmanager
def opened(file: Path, key: Key) -> Iterator[Source]:
    """The rows of parquet `file`, opened once: its replacement does not affect a load.

    Raises StoreError, naming columns, if these are not those of sealed observations.
    """
    # Buffered ahead, all of the file would be in memory in the end.
    with pq.ParquetFile(file, pre_buffer=False) as parquet:
        _check("observations", parquet.schema_arrow.names)
        yield Source(parquet, key)


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


def change(name: str, changed: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Replace the sealed table `name` by what `changed` makes of it, if there is such a file."""
    if path(name).is_file():
        stored = read_sealed(name)
        table = changed(stored).reset_index(drop=True)
        if not table.equals(stored):
            files.write_parquet(path(name), table)


def _check(name: str, columns: Iterable[str]) -> None:
    stored, wanted = set(columns), set(LAYOUTS[name].fields)
    if stored != wanted:
        missing, unknown = sorted(wanted - stored), sorted(stored - wanted)
        stage = {"observations": "score", "profiles": "load", "assignments": "cluster"}[name]
        former = "" if FIELD in stored else " (rows of a former version are not sealed)"
        raise StoreError(
            f"the {name} lack the columns {missing or 'none'} and have unknown ones: "
            f"{unknown or 'none'}{former}; run `dvc repro -f {stage}`"
        )


def _digests(ids: Iterable[str]) -> np.ndarray:
    """Digests of `ids`, "V16" (n,): 16 bytes each, so that a million ids take 16 MB."""
    made = (blake2b(str(name).encode(), digest_size=16).digest() for name in ids)
    return np.frombuffer(b"".join(made), dtype="V16")
