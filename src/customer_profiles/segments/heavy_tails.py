"""Synthetic accounts with exact counts, to show the effect of a few celebrities on K-Means.

Counts on X are heavy-tailed: most accounts are small, a few are a thousand times as large. Here the
reach of an account has a Pareto distribution (its shape near 1, as Zipf found for sizes of many
kinds), and its counts follow the reach up to a log-normal factor.
"""

import numpy as np
import pandas as pd

from customer_profiles.segments import clustering

ACCOUNTS = 14_181  # as many as the original design clustered
SHAPE = 1.0
# Of the typical account, and how strongly a count grows with its reach.
COUNTS = {
    "followers": (150, 1.0),
    "listed": (1, 0.9),
    "favorites": (2, 0.8),
    "retweets": (1, 0.7),
    "account_posts": (300, 0.6),
}
SPREAD = 0.8  # of the logarithm, around the value by reach


def accounts(number: int = ACCOUNTS, seed: int = 7) -> pd.DataFrame:
    """Counts of `number` synthetic accounts, a column for each of COUNTS."""
    rng = np.random.default_rng(seed)
    reach = 1 + rng.pareto(SHAPE, number)
    return pd.DataFrame({
        name: np.floor(typical * reach**grows * rng.lognormal(sigma=SPREAD, size=number))
        for name, (typical, grows) in COUNTS.items()
    })  # fmt: skip


def split(counts: pd.DataFrame, k: int, seed: int) -> pd.DataFrame:
    """Sizes of the `k` clusters of raw `counts` and of their logarithms, a row each."""
    sizes = {}
    for name, values in {"raw counts": counts, "logarithms": np.log1p(counts)}.items():
        clusters = clustering.fit(values, dict.fromkeys(values, 1), k, seed).assign(values)
        sizes[name] = pd.Series(clusters).value_counts(sort=False).sort_index()
    return pd.DataFrame(sizes).T.rename(columns=lambda n: f"cluster {n + 1}")
