"""Exact values beside bins: what the evidence says of the same profiles in either."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from customer_profiles.privacy import features as clustered
from customer_profiles.privacy.generalisation import binned, gridded
from customer_profiles.segments import clustering, evidence, verdict

# Where the bins of a former version of this program began, and its marks of polarity.
EDGES = {
    "posts": (2, 4),
    "favorites": (1, 10, 30),
    "retweets": (1, 10),
    "followers": (1000, 100_000),
    "following": (30, 1000),
    "listed": (3, 300),
    "account_posts": (100, 10_000),
}
MARKS = 4
# A comparison needs less than a decision.
K_MAX, EFFORT = 6, (10, 4, 8)


def beside(
    profiles: pd.DataFrame,
    features: Mapping[str, float],
    clip: float,
    bounds: verdict.Bounds,
    seed: int,
) -> pd.DataFrame:
    """Verdict, k and stability of `profiles` by their exact values and by bins, a row each."""
    rows = {}
    for name, table in {"exact": profiles, "bins": in_bins(profiles)}.items():
        made, _ = clustered.prepared(table, features, clip)
        weights = {name: weight for name, weight in features.items() if name in made}
        values = clustering.drawn(clustering.scaled(made, weights), seed)
        ks = evidence.candidates(values, 2, K_MAX)
        decided, weighed = verdict.examine(values, ks, seed, EFFORT, bounds)
        at = weighed[weighed["k"] == decided.k]
        rows[name] = {
            "segments": decided.k,
            "verdict": decided.verdict,
            "Jaccard of the least stable": at["jaccard"].max() if len(at) else np.nan,
            "ARI over bootstraps": at["bootstrap_ari"].max() if len(at) else np.nan,
        }
    return pd.DataFrame(rows).T


def in_bins(profiles: pd.DataFrame) -> pd.DataFrame:
    """`profiles` with the number of its bin for each count, and marks for polarity."""
    counts = {name: np.expm1(binned(profiles[name], at)) for name, at in EDGES.items()
              if name in profiles}  # fmt: skip
    return profiles.assign(**counts, polarity=gridded(profiles["polarity"], MARKS) / MARKS)
