"""Batches of posts of similar length, in an order that seed and epoch determine."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

# Batches whose posts are sorted by length together. The attention of 128 tokens takes several times
# that of 26, and a post is padded to the longest of its batch.
WINDOW = 100


def plan(
    lengths: np.ndarray, batch_size: int, seed: int | Sequence[int] | None = None
) -> list[np.ndarray]:
    """Rows of each batch: every one of the `lengths` (n,) once, `batch_size` of similar length.

    One batch may be smaller. Without `seed` the order is from the shortest to the longest post.
    With `seed` rows are shuffled, sorted in windows of WINDOW batches, and the batches shuffled;
    the same seed, for example (seed, epoch), gives the same batches.
    """
    if seed is None:
        return _cut(np.argsort(lengths, kind="stable"), batch_size)
    rng = np.random.default_rng(seed)
    windows = _cut(rng.permutation(len(lengths)), WINDOW * batch_size)
    batches = [
        batch
        for rows in windows
        for batch in _cut(rows[np.argsort(lengths[rows], kind="stable")], batch_size)
    ]
    return [batches[place] for place in rng.permutation(len(batches))]


def parts(batches: list[np.ndarray], most: int) -> list[list[np.ndarray]]:
    """`batches`, in their order, in at most `most` parts that differ by one batch at most."""
    edges = np.linspace(0, len(batches), min(most, len(batches)) + 1).round().astype(int)
    return [batches[start:end] for start, end in pairwise(edges)]


def _cut(rows: np.ndarray, size: int) -> list[np.ndarray]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]
