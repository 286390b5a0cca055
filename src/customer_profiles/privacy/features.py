"""Features of profiles: the numbers that K-Means clusters, and that attackers of a centroid use.

Counts on X are heavy-tailed, so they are taken as logarithms and clipped; what is left is measured
in standard deviations that a few extreme accounts cannot stretch.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from customer_profiles.project.vocabulary import AUTHOR_COUNTS, FIELDS, POST_COUNTS, UNKNOWN

COUNTS = ("posts", *POST_COUNTS, *AUTHOR_COUNTS)
# The range between the deciles of a standard normal distribution.
DECILES = (0.1, 0.9)
NORMAL_RANGE = 2.563
# A feature that fewer authors have says more of who is known than of who they are.
KNOWN = 0.5


class Prepared(NamedTuple):
    """Features as K-Means takes them: columns of `table`, their `weights`, and remarks on others.

    `left_out` are sentences on the features that are left out or completed.
    """

    table: pd.DataFrame
    weights: dict[str, float]
    left_out: list[str]


def prepared(profiles: pd.DataFrame, features: Mapping[str, float], clip: float) -> Prepared:
    """The `features` (names and weights) of `profiles` as K-Means takes them.

    The table has the other columns of `profiles` unchanged. Counts become the logarithm of one
    more, marks of an account 0 or 1; a value beyond the `clip` quantile, or below the one as far
    from 0, becomes that quantile; an unknown value becomes the median. A feature that is unknown
    for most, or the same for all once clipped, is left out, unless no other is left. Raises
    ValueError without profiles.
    """
    if profiles.empty:
        raise ValueError("there is no profile to cluster; stage load writes them, run it again")
    columns, sentences = {}, []
    for name in features:
        values = (
            _values(profiles[name], name) if name in profiles else np.full(len(profiles), np.nan)
        )
        known = np.isfinite(values)
        title = FIELDS.get(name, name)
        if known.mean() < KNOWN:
            sentences.append(f"Not clustered on {title}: unknown for most authors.")
            continue
        if not known.all():  # no share: in a small audience it would be a few people's
            sentences.append(f"{title}: unknown for some authors, taken as the median.")
            values = np.where(known, values, np.median(values[known]))
        # Values of the audience, not between two: else one extreme account would move them.
        low = np.quantile(values, 1 - clip, method="higher")
        high = np.quantile(values, clip, method="lower")
        clipped = np.clip(values, low, high)
        if np.ptp(clipped):
            columns[name] = clipped
        else:
            sentences.append(f"Not clustered on {title}: the same for nearly all authors.")
    if not columns:
        name = next(iter(features))
        columns[name] = np.zeros(len(profiles))
    others = profiles.drop(columns=[name for name in features if name in profiles])
    weights = {name: features[name] for name in columns}
    return Prepared(others.assign(**columns), weights, sentences)


def standardised(values: np.ndarray) -> np.ndarray:
    """`values` (n, features) in standard deviations from their average; 0 where all are alike."""
    return (values - values.mean(axis=0)) / spread(values)


def spread(values: np.ndarray) -> np.ndarray:
    """Standard deviation (features,) of `values` (n, features), from the range of their deciles.

    Where that is 0, the ordinary standard deviation; 1 where all are alike.
    """
    low, high = np.quantile(values, DECILES, axis=0)
    robust, plain = (high - low) / NORMAL_RANGE, values.std(axis=0)
    return np.where(robust > 0, robust, np.where(plain > 0, plain, 1))


def matrix(profiles: pd.DataFrame, features: Iterable[str]) -> np.ndarray:
    """`features` of `profiles` as float (n, features)."""
    return profiles[list(features)].to_numpy(dtype=float)


def _values(column: pd.Series, name: str) -> np.ndarray:
    values = column.to_numpy(dtype=float, na_value=np.nan)
    if name not in COUNTS:
        return values
    known = np.isfinite(values) & (values != UNKNOWN)
    return np.where(known, np.log1p(np.where(known, np.maximum(values, 0), 0)), np.nan)
