"""One average of a segment and its index against the audience, as it is and as it could be.

"Could be" with somebody else in the place of one member: what an attacker compares who knows all
the others. An average depends only on how many members have each of a handful of values, so all
such cases are counted, however many people there are.
"""

from dataclasses import dataclass
from math import floor, log10

import numpy as np
from scipy.stats import poisson

DRAWS = 1000
INTERVAL = (0.025, 0.975)
# Ends of intervals are whole steps, of so many index points where the index is below 200.
STEP = 5
# Published numbers are the same if they differ in the last digits of a float alone.
SLACK = 1e-9


@dataclass(frozen=True)
class Average:
    """The average with an author of value c in the place of a member of value t, [t, c] each.

    `mean` float (m, m), and the ends of its index, `low` and `high`, before they are rounded; on
    the diagonal as they are. `whole`: the audience's average, as published. `unit`: what the mean
    is rounded to, `step` the ends, at their finest.
    """

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    whole: float
    unit: float
    step: float

    def rounded(self, factor: int) -> np.ndarray:
        """Average, index, low and high, (m, m, 4), in `factor` times the finest units.

        A factor of 0 rounds nothing. Ends are rounded outwards, and hold the index. Without an
        average of the audience there is no index: it is 0, and so are its ends.
        """
        mean = nearest(self.mean, self.unit * factor)
        step = self.step * factor
        if not self.whole:
            return np.stack([mean, *[np.zeros_like(mean)] * 3], axis=-1)
        index = nearest(100 * mean / self.whole, 1 if factor else 0)
        low = np.floor(self.low / step + SLACK) * step if step else self.low
        high = np.ceil(self.high / step - SLACK) * step if step else self.high
        return np.stack([mean, index, np.minimum(low, index), np.maximum(high, index)], axis=-1)

    def shown(self, factor: int) -> np.ndarray:
        """Average, index, low and high, (4,), as they are."""
        return self.rounded(factor)[0, 0]

    def same(self, factor: int) -> np.ndarray:
        """Whether all four would be as they are, bool (m, m)."""
        return (np.abs(self.rounded(factor) - self.shown(factor)) < SLACK).all(axis=-1)


def average(
    values: np.ndarray, members: np.ndarray, others: np.ndarray, unit: float, seed: int
) -> Average:
    """Of `members` (m,), how many have each of `values` (m,), beside `others` outside.

    `unit`: 0.01, or 0 for as much as leaves two digits of the mean.
    """
    total = members.sum()
    mean = (members @ values + (values - values[:, None])) / total
    whole = of_everybody(values, members + others, unit)
    finest = unit or two_digits(mean[0, 0])
    low, high = _ends(values, members, others, seed) if whole else (mean * 0, mean * 0)
    index = 100 * mean[0, 0] / whole if whole else 0
    # 5 below 200, 50 below 2,000, …
    step = STEP * 10 ** max(floor(log10(max(index, 1) / 2)) - 1, 0)
    return Average(mean, low, high, whole, finest, step)


def of_everybody(values: np.ndarray, sizes: np.ndarray, unit: float) -> float:
    """The mean of a whole audience, rounded to `unit` or to two digits."""
    mean = float(sizes @ values / sizes.sum())
    return float(nearest(mean, unit or two_digits(mean)))


def two_digits(mean: float) -> float:
    """Unit that leaves two digits of `mean`, one of them behind the point at most."""
    return 10.0 ** max(floor(log10(mean)) - 1, -1) if mean else 0.1


def nearest(value: np.ndarray, unit: float) -> np.ndarray:
    """`value` in whole units; as it is for a unit of 0."""
    return np.round(np.round(value / unit) * unit, 2) if unit else value


def _ends(
    values: np.ndarray, members: np.ndarray, others: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Ends (m, m) each of a percentile bootstrap interval of the index.

    Poisson bootstrap (Chamandy et al. 2012, "Estimating uncertainty for massive data streams"): in
    a draw everybody counts Poisson(1) times, so those of one value Poisson(how many) times, each
    value by itself. The same uniform numbers stand behind all cases, which therefore differ by
    what the one member does and not by chance.
    """
    rng = np.random.default_rng(seed)
    own, rest = (
        _drawn(sizes, values, rng.random((DRAWS, len(values))), leaving)
        for sizes, leaving in ((members, True), (others, False))
    )
    with np.errstate(divide="ignore", invalid="ignore"):  # a draw in which nobody counts
        index = 100 * (own[0] / own[1]) / ((own[0] + rest[0]) / (own[1] + rest[1]))
    low, high = np.nanquantile(index, INTERVAL, axis=0)
    return low, high


def _drawn(
    sizes: np.ndarray, values: np.ndarray, uniform: np.ndarray, leaving: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Sum of values and number of people in each draw, (draws, m, m): one of t gone, one of c come.

    The other way round unless `leaving`.
    """
    less, same, more = (poisson.ppf(uniform, np.maximum(sizes + n, 0)) for n in (-1, 0, 1))
    gone, come = less - same, more - same
    if not leaving:
        gone, come = come, gone
    swapped = ~np.eye(len(values), dtype=bool)

    def total(each: np.ndarray) -> np.ndarray:
        moved = (gone * each)[:, :, None] + (come * each)[:, None, :]
        return (same @ each)[:, None, None] + moved * swapped

    return total(values), total(np.ones(len(values)))
