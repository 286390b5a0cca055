"""Average of a segment and its index against the audience, also after each replacement of a member.

An attacker who knows all members but one compares the published average with the average after one
person replaces another. An average depends only on the numbers of members with each of a few
values, so all replacements are computed, however many people there are.
"""

from dataclasses import dataclass
from math import floor, log10

import numpy as np
from scipy.stats import poisson

DRAWS = 1000
INTERVAL = (0.025, 0.975)
# Ends of intervals are multiples of a step: this many index points for an index below 200.
STEP = 5
# Published numbers are equal if they differ only in the last digits of a float.
SLACK = 1e-9


@dataclass(frozen=True)
class Average:
    """Averages if an author of value c replaces a member of value t, at [t, c].

    `mean` float (m, m), and the ends of its index, `low` and `high`, are not rounded; the diagonal
    is the segment as it is. `whole`: the audience's average, as published. `unit`: rounding of the
    mean, `step`: rounding of the ends, at their finest.
    """

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    whole: float
    unit: float
    step: float

    def rounded(self, factor: int) -> np.ndarray:
        """Average, index, low and high, (m, m, 4), rounded to `factor` times the finest units.

        A factor of 0 rounds nothing. Ends are rounded outwards, and their interval contains the
        index. Without an average of the audience there is no index: index and ends are 0.
        """
        mean = nearest(self.mean, self.unit * factor)
        step = self.step * factor
        if not self.whole:
            return np.stack([mean, *[np.zeros_like(mean)] * 3], axis=-1)
        index = nearest(100 * mean / self.whole, 1 if factor else 0)
        low = np.floor(self.low / step + SLACK) * step if step else self.low
        high = np.ceil(self.high / step - SLACK) * step if step else self.high
        return np.stack([mean, index, np.minimum(low, index), np.maximum(high, index)], axis=-1)

    def published(self, factor: int) -> np.ndarray:
        """Average, index, low and high, (4,), of the segment as it is."""
        return self.rounded(factor)[0, 0]

    def unchanged(self, factor: int) -> np.ndarray:
        """Mask bool (m, m) of the replacements that leave all four numbers unchanged."""
        return (np.abs(self.rounded(factor) - self.published(factor)) < SLACK).all(axis=-1)


def average(
    values: np.ndarray, members: np.ndarray, others: np.ndarray, unit: float, seed: int
) -> Average:
    """Average of the `members` and its index, for each replacement.

    `members` and `others` (m,) are the numbers of people with each of `values` (m,) inside and
    outside the segment. `unit`: 0.01, or 0 for the unit that leaves two digits of the mean.
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
    """Unit that leaves two digits of `mean`, at most one of them a decimal."""
    return 10.0 ** max(floor(log10(mean)) - 1, -1) if mean else 0.1


def nearest(value: np.ndarray, unit: float) -> np.ndarray:
    """`value` rounded to whole units; unchanged for a unit of 0."""
    return np.round(np.round(value / unit) * unit, 2) if unit else value


def _ends(
    values: np.ndarray, members: np.ndarray, others: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Ends (m, m) each of a percentile bootstrap interval of the index.

    Poisson bootstrap (Chamandy et al. 2012, "Estimating uncertainty for massive data streams"): in
    a draw each person counts Poisson(1) times, so n people of one value count Poisson(n) times,
    each value independently. All replacements use the same uniform numbers, so that they differ by
    the replaced member and not by chance.
    """
    rng = np.random.default_rng(seed)
    own, rest = (
        _drawn(sizes, values, rng.random((DRAWS, len(values))), leaving)
        for sizes, leaving in ((members, True), (others, False))
    )
    with np.errstate(divide="ignore", invalid="ignore"):  # a draw in which all people count 0 times
        index = 100 * (own[0] / own[1]) / ((own[0] + rest[0]) / (own[1] + rest[1]))
    low, high = np.nanquantile(index, INTERVAL, axis=0)
    return low, high


def _drawn(
    sizes: np.ndarray, values: np.ndarray, uniform: np.ndarray, leaving: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Sum of values and number of people in each draw, (draws, m, m) each.

    With `leaving` a person of value t leaves and one of value c joins; else t joins and c leaves.
    """
    less, same, more = (poisson.ppf(uniform, np.maximum(sizes + n, 0)) for n in (-1, 0, 1))
    out, into = less - same, more - same
    if not leaving:
        out, into = into, out
    swapped = ~np.eye(len(values), dtype=bool)

    def total(each: np.ndarray) -> np.ndarray:
        moved = (out * each)[:, :, None] + (into * each)[:, None, :]
        return (same @ each)[:, None, None] + moved * swapped

    return total(values), total(np.ones(len(values)))
