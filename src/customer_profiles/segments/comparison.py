"""Exact values beside bins: how well the clusters of the same profiles recur in either."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from customer_profiles.privacy import features as clustered
from customer_profiles.privacy.generalisation import binned, gridded
from customer_profiles.segments import clustering, evidence

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
KS, DRAWS = range(2, 7), 20
# Folder with a real-like audience, authors/audience.csv: counts and polarity, without ids.
VARIABLE = "REAL_DATA"


def audiences(profiles: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """`profiles`, and those of the folder in VARIABLE if it has any, by name."""
    named = {"this audience": profiles}
    file = Path(os.environ.get(VARIABLE, ""), "authors", "audience.csv")
    return named | ({"a real-like audience": pd.read_csv(file)} if file.is_file() else {})


def recurrence(
    profiles: pd.DataFrame, features: Mapping[str, float], clip: float, seed: int
) -> pd.DataFrame:
    """Mean Jaccard similarity, over bootstrap samples, of the least stable cluster.

    Rows: exact values, bins; columns: the number of clusters.
    """
    rows = {}
    for name, table in {"exact": profiles, "bins": in_bins(profiles)}.items():
        made, weights, _ = clustered.prepared(table, features, clip)
        values = clustering.drawn(clustering.scaled(made, weights), seed)
        ks = [k for k in KS if k in evidence.candidates(values, KS[0], KS[-1])]
        labels = evidence.labelled(values, ks, seed)
        jaccards, _ = evidence.recovered(values, labels, seed, DRAWS)
        rows[name] = {k: min(each) for k, each in zip(ks, jaccards, strict=True)}
    return pd.DataFrame(rows).T.reindex(columns=list(KS)).rename_axis(columns="k")


def in_bins(profiles: pd.DataFrame) -> pd.DataFrame:
    """`profiles` with the number of its bin for each count, and marks for polarity."""
    counts = {
        name: np.expm1(binned(profiles[name], at)) for name, at in EDGES.items() if name in profiles
    }
    return profiles.assign(**counts, polarity=gridded(profiles["polarity"], MARKS) / MARKS)
