"""Where the average member of a segment lies: standard deviations from everybody's average."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from customer_profiles.averages import SLACK, nearest

STEP = 0.2
# In steps of more times that it says nothing, and is held back.
COARSEST = 5


@dataclass(frozen=True)
class Centroid:
    """Of `size` members, whose `features` add up to `total` (features,)."""

    features: Sequence[str]
    total: np.ndarray
    size: int

    def published(self, factor: int) -> dict[str, float]:
        """By feature, in `factor` times the finest steps; nothing where those are too wide."""
        found = self._rounded(self.total, factor) + 0.0  # no -0.0
        return dict(zip(self.features, found.tolist(), strict=True)) if factor <= COARSEST else {}

    def same(self, own: np.ndarray, outside: np.ndarray, factor: int) -> np.ndarray:
        """Whether it would be as it is with `outside` (…, features) in the place of the member
        `own` (…, features): bool (…,)."""
        if factor > COARSEST:
            return np.ones(np.broadcast_shapes(own.shape, outside.shape)[:-1], dtype=bool)
        found = self._rounded(self.total - own + outside, factor)
        return (np.abs(found - self._rounded(self.total, factor)) < SLACK).all(axis=-1)

    def _rounded(self, total: np.ndarray, factor: int) -> np.ndarray:
        return nearest(total / self.size, STEP * factor)


def standardised(values: np.ndarray) -> np.ndarray:
    """`values` (n, features) in standard deviations from their average; 0 where all are alike."""
    spread = values.std(axis=0)
    return (values - values.mean(axis=0)) / np.where(spread, spread, 1)
