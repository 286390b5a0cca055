"""Centroid of a segment, in standard deviations from the audience's average."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from customer_profiles.privacy import attacks
from customer_profiles.privacy.averages import SLACK, nearest
from customer_profiles.privacy.features import standardised

STEP = 0.2
# Largest factor of STEP: in wider steps a centroid is uninformative, and suppressed.
COARSEST = 5


@dataclass(frozen=True)
class Centroid:
    """Centroid of `size` members, whose `features` add up to `total` (features,)."""

    features: Sequence[str]
    total: np.ndarray
    size: int

    def published(self, factor: int) -> dict[str, float]:
        """Centroid by feature, in `factor` times the finest steps; empty if these are too wide."""
        rounded = self._rounded(self.total, factor) + 0.0  # no -0.0
        return dict(zip(self.features, rounded.tolist(), strict=True)) if factor <= COARSEST else {}

    def unchanged(self, own: np.ndarray, outside: np.ndarray, factor: int) -> np.ndarray:
        """Mask bool (…,) of the replacements that leave the published centroid unchanged.

        `outside` (…, features) replaces the member `own` (…, features).
        """
        if factor > COARSEST:
            return np.ones(np.broadcast_shapes(own.shape, outside.shape)[:-1], dtype=bool)
        rounded = self._rounded(self.total - own + outside, factor)
        return (np.abs(rounded - self._rounded(self.total, factor)) < SLACK).all(axis=-1)

    def _rounded(self, total: np.ndarray, factor: int) -> np.ndarray:
        return nearest(total / self.size, STEP * factor)


def publishable(values: np.ndarray, labels: np.ndarray, clusters: int, k: int) -> np.ndarray:
    """Mask bool (clusters,) of the `clusters` that may show their centroid in the finest steps.

    `values` (n, features) of the people in their cluster, `labels` int (n,). A cluster below `k`
    may not. No cluster may if an attacker who knows all members of one but the last identifies the
    last one with more than 1/(2 k). The other half is left for later publications, because a
    published centroid cannot be withdrawn.
    """
    sizes = np.bincount(labels, minlength=clusters)
    away = standardised(values)
    large = np.flatnonzero(sizes >= k)
    telling = any(_last_member(away, labels == one, clusters == 2) > 1 / (2 * k) for one in large)
    return (sizes >= k) & (not telling)


def _last_member(away: np.ndarray, inside: np.ndarray, two: bool) -> float:
    own, outside = away[inside], away[~inside]
    centroid, rest = (Centroid((), rows.sum(axis=0), len(rows)) for rows in (own, outside))

    def unchanged(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        one, other = one[:, None], other[None]
        alike = centroid.unchanged(one, other, 1)
        # An attacker who knows one of two clusters also knows the other.
        return alike & rest.unchanged(other, one, 1) if two else alike

    return attacks.last_member(own, outside, unchanged).success
