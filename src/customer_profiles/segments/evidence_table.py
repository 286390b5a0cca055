"""Evidence as shown to readers: agreement table in few digits, and stability of clusters."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

DIGITS = {
    "silhouette": 2, "silhouette_chance": 2, "gap": 2, "gap_error": 3, "davies_bouldin": 2,
    "davies_bouldin_chance": 2, "smallest": 2,
}  # fmt: skip
THREE_DIGITS = ("inertia", "calinski_harabasz", "calinski_harabasz_chance")


def coarsened(table: pd.DataFrame) -> pd.DataFrame:
    """Evidence in so few digits that no person's contribution can be computed from it."""
    coarse = table.round(DIGITS)
    for name in THREE_DIGITS:
        coarse[name] = [float(f"{value:.3g}") for value in table[name]]
    for name in ("jaccard", "bootstrap_ari", "ari"):
        coarse[name] = [round_down(value) for value in table[name]]
    coarse["jaccards"] = [[round_down(value) for value in values] for values in table["jaccards"]]
    return coarse


def report(table: pd.DataFrame, least: float) -> pd.DataFrame:
    """Columns of `with_tests` that are kept, rounded as by `coarsened`.

    `least`: the share of the smallest group that may be counted. A smaller share is raised to it.
    """
    names = [
        "k", "inertia", "silhouette", "silhouette_chance", "gap", "gap_error", "calinski_harabasz",
        "calinski_harabasz_chance", "davies_bouldin", "davies_bouldin_chance", "jaccard",
        "bootstrap_ari", "ari", "smallest", "holds",
    ]  # fmt: skip
    return coarsened(table.assign(smallest=table["smallest"].clip(lower=least)))[names]


def overview(
    table: pd.DataFrame, preferred: Mapping[str, int | None], least: float
) -> pd.DataFrame:
    """Agreement table for readers, as texts, one row per k.

    Columns: the figures of `report`, each with its value by chance (the gap with its error) in
    brackets, the tests that fail, and the criteria that prefer this k.
    """
    # Where no number is in kind, chance does not decide; other tests do.
    tests = {"recurs": "bootstrap", "repeats": "seeds", "publishable": "groups too small"}
    tests |= (
        {"beats_chance": "chance"}
        if table["in_kind"].any()
        else {
            "agrees": "bootstrap ARI",
            "large": "share",
            "several": "two only",
            "beats_cloud": "uniform cloud",
        }
    )
    criteria = {
        "inertia": "inertia", "silhouette": "silhouette", "gap": "gap", "calinski_harabasz": "CH",
        "davies_bouldin": "DB",
    }  # fmt: skip
    fails = [
        ", ".join(title for name, title in tests.items() if not row[name]) or "none: it holds"
        for _, row in table.iterrows()
    ]
    liked = [
        ", ".join(criteria.get(name, name) for name, k in preferred.items() if k == row) or "-"
        for row in table["k"]
    ]
    kept = report(table, least)
    text = pd.DataFrame({name: _texts(kept[name], name) for name in kept}, dtype=str)
    beside = {name: f"{name}_chance" for name in criteria} | {"gap": "gap_error"}
    columns = {
        title: text[name] + (" (" + text[beside[name]] + ")" if beside[name] in text else "")
        for name, title in criteria.items()
    }
    columns |= {title: text[title.lower()] for title in ("Jaccard", "ARI", "smallest")}
    columns |= {"fails": fails, "preferred by": liked}
    return pd.DataFrame(columns).set_axis(kept["k"])


def certainty(table: pd.DataFrame, k: int) -> pd.Series:
    """Mean Jaccard similarities by name, of the `k` clusters.

    With one segment, or if `k` was not examined: of the least stable cluster of each k.
    """
    rows = coarsened(table).set_index("k")
    if k in rows.index:
        clusters = rows.loc[k, "jaccards"]
        return pd.Series(clusters, [f"cluster {n}" for n in range(1, k + 1)], dtype=float)
    return rows["jaccard"].astype(float).rename(lambda k: f"the least certain of {k}")


def weakest(similarities: pd.Series, bound: float) -> str:
    """Smallest of `similarities`, as `certainty` gives them, beside the `bound`, as a sentence."""
    if similarities.empty:
        return "One segment needs not be found again."
    name, least = similarities.idxmin(), similarities.min()
    reaches = "reaches" if least >= bound else "is below"
    return f"The smallest similarity, of {name}, is {least:.2f}: it {reaches} the bound {bound:g}."


def _texts(values: pd.Series, name: str) -> list[str]:
    digits = DIGITS | {"jaccard": 2, "ari": 2}
    form = f".{digits[name]}f" if name in digits else ",.10g"
    return [format(value, form) for value in values]


def round_down(value: float) -> float:
    """`value` rounded down to two digits: the result reaches a bound only if `value` does."""
    return float(np.floor(100 * value + 1e-9) / 100)
