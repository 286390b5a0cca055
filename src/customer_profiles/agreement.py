"""The evidence as readers see it: the agreement table, in few digits, and what is found again."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

DIGITS = {
    "silhouette": 2, "silhouette_chance": 2, "gap": 2, "gap_error": 3, "davies_bouldin": 2,
    "davies_bouldin_chance": 2, "smallest": 2,
}  # fmt: skip
THREE_DIGITS = ("inertia", "calinski_harabasz", "calinski_harabasz_chance")


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """The evidence as anyone may see it: so few digits that nobody's part can be made out."""
    coarse = table.round(DIGITS)
    for name in THREE_DIGITS:
        coarse[name] = [float(f"{value:.3g}") for value in table[name]]
    for name in ("jaccard", "ari"):
        coarse[name] = [down(value) for value in table[name]]
    coarse["jaccards"] = [[down(value) for value in values] for values in table["jaccards"]]
    return coarse


def report(table: pd.DataFrame, least: float) -> pd.DataFrame:
    """The columns of `judged` that are kept, as `shown`.

    `least`: the share of the smallest group that may be counted. A smaller one reads so.
    """
    names = [
        "k", "inertia", "silhouette", "silhouette_chance", "gap", "gap_error", "calinski_harabasz",
        "calinski_harabasz_chance", "davies_bouldin", "davies_bouldin_chance", "jaccard", "ari",
        "smallest", "holds",
    ]  # fmt: skip
    return shown(table.assign(smallest=table["smallest"].clip(lower=least)))[names]


def overview(
    table: pd.DataFrame, preferred: Mapping[str, int | None], least: float
) -> pd.DataFrame:
    """The agreement table for readers: per k the `report`, which tests fail, who prefers it."""
    names = {"beats_chance": "chance", "recurs": "bootstrap", "repeats": "seeds"}
    fails = [
        ", ".join(title for name, title in names.items() if not row[name]) or "none: it holds"
        for _, row in table.iterrows()
    ]
    liked = [
        ", ".join(name.replace("_", " ") for name, k in preferred.items() if k == row) or "-"
        for row in table["k"]
    ]
    kept = report(table, least).drop(columns="holds")
    return kept.assign(**{"fails": fails, "preferred by": liked}).set_index("k")


def certainty(table: pd.DataFrame, k: int) -> pd.Series:
    """Mean Jaccard similarities by name: of the `k` clusters; where there is one segment, or
    `k` was not weighed, of the least certain cluster of each k."""
    rows = shown(table).set_index("k")
    if k in rows.index:
        clusters = rows.loc[k, "jaccards"]
        return pd.Series(clusters, [f"cluster {n}" for n in range(1, k + 1)], dtype=float)
    return rows["jaccard"].astype(float).rename(lambda k: f"the least certain of {k}")


def down(value: float) -> float:
    """Two digits, down: what is shown reaches a bound only if it does."""
    return float(np.floor(100 * value + 1e-9) / 100)
