"""Generalisation: bins of counts, grid marks of shares, whole months of dates."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from customer_profiles.project.vocabulary import UNKNOWN


def months_between(created: pd.Series, day: pd.Series) -> pd.Series:
    """Whole months from the month `created` (YYYY-MM) to `day`, UNKNOWN without it, int (n,)."""
    start, end = pd.to_datetime(created, format="%Y-%m").dt, pd.to_datetime(day).dt
    months = 12 * (end.year - start.year) + (end.month - start.month)
    return months.clip(lower=0).fillna(UNKNOWN).astype("int64")


def binned(counts: Sequence[float], edges: Sequence[float]) -> np.ndarray:
    """Bin int (n,) of each count: the number of `edges` it reaches; 0 is below all.

    Raises ValueError unless the edges rise.
    """
    edges = np.asarray(edges, dtype=float)
    if edges.ndim != 1 or not len(edges) or (np.diff(edges) <= 0).any():
        raise ValueError(f"bin edges must rise, got {edges.tolist()}")
    return np.searchsorted(edges, np.asarray(counts, dtype=float), side="right")


def gridded(values: Sequence[float], steps: int) -> np.ndarray:
    """Nearest of the `steps` + 1 marks 0 … `steps` of each value in [0, 1], int (n,)."""
    return np.floor(np.asarray(values, dtype=float) * steps + 0.5).astype(int)


def bin_names(edges: Sequence[int]) -> list[str]:
    """Names of the bins of `edges`: "under 10", "10 to 99", "100 and more"."""
    inner = [
        f"{low:,}" if high - low == 1 else f"{low:,} to {high - 1:,}"
        for low, high in pairwise(edges)
    ]
    return [f"under {edges[0]:,}", *inner, f"{edges[-1]:,} and more"]


def bin_values(edges: Sequence[int]) -> np.ndarray:
    """Typical count of each bin: the geometric mean of its ends; the last reaches twice its edge.

    Averages over these values are estimates.
    """
    low = np.array([0, *edges], dtype=float)
    high = np.array([*edges, 2 * edges[-1]], dtype=float)
    return np.sqrt(np.maximum(low, 1) * (high - 1))
