"""K-Means on standardised, weighted profiles: fitted model, assignment, published centroids."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from customer_profiles.privacy import generalisation
from customer_profiles.project import vocabulary

logger = logging.getLogger(__name__)

# Size of the seeded sample that stands for more profiles in fits and evidence.
ROWS = 20_000
INITS = 10
CHUNK = 100_000  # profiles placed at a time
CENTROID_STEP = 0.2  # standard deviations


@dataclass(frozen=True)
class Model:
    """Arrays that K-Means needs to place a profile, without code.

    `mean` and `scale` (features,) of the scaler, `weights` (features,) by which the scaled values
    are multiplied, `centroids` (k, features) in scaled units, without the weights.
    """

    features: tuple[str, ...]
    weights: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    centroids: np.ndarray

    def assign(self, profiles: pd.DataFrame) -> np.ndarray:
        """Cluster int (n,) of each profile: the nearest centroid."""
        clusters = [np.zeros(0, dtype=int)]
        for start in range(0, len(profiles), CHUNK):
            values = matrix(profiles.iloc[start : start + CHUNK], self.features)
            apart = ((values - self.mean) / self.scale)[:, None] - self.centroids
            clusters.append(((apart * self.weights) ** 2).sum(axis=2).argmin(axis=1))
        return np.concatenate(clusters)


def transformed(
    profiles: pd.DataFrame, transform: str, edges: Mapping[str, Sequence[int]]
) -> pd.DataFrame:
    """Profiles unchanged (`bins`), or with the typical count of each bin of `edges` (`raw`).

    Bins grow like logarithms and counts do not: a few famous accounts are such outliers that they
    alone make the clusters (`heavy_tails` shows it).
    """
    if transform == "bins":
        return profiles
    counts = {
        name: generalisation.bin_values(at)[profiles[name]]
        for name, at in edges.items()
        if name in profiles
    }
    return profiles.assign(**counts)


def matrix(profiles: pd.DataFrame, features: Sequence[str], k: int = 1) -> np.ndarray:
    """Features float (n, features) of at least one profile.

    Raises ValueError for a missing or infinite value (with the number of profiles, from `k`
    upwards), and when there is no profile.
    """
    if profiles.empty:
        raise ValueError("there is no profile to cluster; stage load writes them, run it again")
    values = profiles[list(features)].to_numpy(dtype=float, na_value=np.nan)
    lacking = (~np.isfinite(values)).sum(axis=0)
    if lacking.any():
        named = [
            f"{name} in {vocabulary.at_least(count, k)}"
            for name, count in zip(features, lacking, strict=True)
            if count
        ]
        raise ValueError(
            f"values are missing or infinite: {', '.join(named)} of {len(values)} profiles; a "
            "guessed value would make clusters of its own, so fill them where profiles are made "
            "(stage load), or take the feature out of cluster.features"
        )
    return values


def scaled(profiles: pd.DataFrame, features: Mapping[str, float], k: int = 1) -> np.ndarray:
    """Standardised features times their weights, float (n, features): the input of K-Means.

    Raises the errors of `matrix`. Raises ValueError for fewer than `k` profiles, because they
    contain no group that may be shown.
    """
    if len(profiles) < k:
        raise ValueError(
            f"there are {vocabulary.at_least(len(profiles), k)} profiles, and {k} are needed to "
            "speak of a group; pull a larger archive (pull.archive in params.yaml), or let fewer "
            "posts expire"
        )
    values = matrix(profiles, list(features), k)
    return StandardScaler().fit_transform(values) * np.array(list(features.values()))


def drawn(rows: np.ndarray, seed: int) -> np.ndarray:
    """`rows`, or a seeded sample of ROWS of them, in their order, if there are more."""
    if len(rows) <= ROWS:
        return rows
    chosen = np.random.default_rng(seed).choice(len(rows), ROWS, replace=False)
    return rows[np.sort(chosen)]


def fit(profiles: pd.DataFrame, features: Mapping[str, float], k: int, seed: int) -> Model:
    """Scaler and K-Means on `profiles`; clusters are numbered from the largest to the smallest.

    `features` are names with their weights. With more than ROWS profiles K-Means is fitted to a
    sample, whose cluster sizes give the numbers, and then starts from its centroids on all
    profiles. Raises ValueError when there are fewer different profiles than k.
    """
    weights = np.array(list(features.values()), dtype=float)
    values = matrix(profiles, list(features))
    scaler = StandardScaler().fit(values)
    rows = scaler.transform(values) * weights
    few = drawn(rows, seed)
    distinct = len(np.unique(few, axis=0))
    if not 1 <= k <= distinct:
        raise ValueError(f"k must be 1 to {distinct}, the number of different profiles; got {k}")
    # One thread: several add up in the order in which they end, which changes last digits.
    with threadpool_limits(1):
        fitted = kmeans(k, seed).fit(few)
        centroids = fitted.cluster_centers_[ordered(fitted)]
        if len(rows) > len(few):
            centroids = KMeans(k, init=centroids, n_init=1).fit(rows).cluster_centers_
    return Model(tuple(features), weights, scaler.mean_, scaler.scale_, centroids / weights)


def kmeans(k: int, seed: int, inits: int = INITS) -> KMeans:
    """K-Means, not fitted, with `inits` starts (k-means++, Arthur and Vassilvitskii 2007)."""
    return KMeans(k, n_init=inits, random_state=seed)


def ordered(fitted: KMeans) -> np.ndarray:
    """Clusters int (k,) of `fitted`, from the largest to the smallest.

    Ties are broken by centroid, so that the numbers do not depend on the order of initialisation.
    """
    sizes = np.bincount(fitted.labels_, minlength=fitted.n_clusters)
    return np.lexsort((*fitted.cluster_centers_.T[::-1], -sizes))


def adjusted_rand(labels: np.ndarray, truth: pd.Series) -> float:
    """Adjusted Rand index (Hubert and Arabie 1985) of `labels` and a known grouping."""
    return float(adjusted_rand_score(truth, labels))


def small(labels: np.ndarray, share: float, k: int) -> list[int]:
    """Numbers, from 1, of the clusters that hold less than `share` of all, or fewer than `k`.

    A warning names them. Note: without `k` the share would reveal the size of a cluster below `k`.
    """
    least = max(share * len(labels), k)
    numbers = [number for number, size in enumerate(np.bincount(labels), 1) if size < least]
    if numbers:
        logger.warning("under %g %% of all, or under %d, each: cluster %s", 100 * share, k, numbers)
    return numbers


def coarse(model: Model) -> np.ndarray:
    """Centroids in steps so wide that they do not reveal the last member of a large cluster.

    An attacker who knows all other members would identify the last one from exact means of exact
    bins. If even the steps reveal the member, `centroids.publishable` suppresses the centroids.
    """
    return np.round(model.centroids / CENTROID_STEP) * CENTROID_STEP + 0.0  # no -0


def as_json(model: Model, publishable: Sequence[bool], transform: str = "bins") -> dict:
    """Model in plain, coarse numbers, with the centroids that are `publishable` (`centroids`)."""
    return {
        "features": list(model.features),
        "transform": transform,
        "weights": model.weights.tolist(),
        "mean": np.round(model.mean, 1).tolist(),
        "scale": np.round(model.scale, 1).tolist(),
        "centroids": [
            np.round(centroid, 1).tolist() if publish else None
            for centroid, publish in zip(coarse(model), publishable, strict=True)
        ],
    }
