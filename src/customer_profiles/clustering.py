"""K-Means on standardised profiles: how many clusters, which, and whether they hold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from kneed import KneeLocator
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.preprocessing import StandardScaler

# Silhouette compares all pairs; on more rows a seeded draw of this many stands for all.
SILHOUETTE_ROWS = 20_000
INITS = 10
CENTROID_STEP = 0.2  # standard deviations
STABLE = "stable structure"
UNSTABLE = "no stable structure"


@dataclass(frozen=True)
class Model:
    """What K-Means needs to place a profile: all arrays, no code.

    `mean` and `scale` (features,) of the scaler, `centroids` (k, features) in scaled units.
    """

    features: tuple[str, ...]
    mean: np.ndarray
    scale: np.ndarray
    centroids: np.ndarray

    def assign(self, profiles: pd.DataFrame) -> np.ndarray:
        """Cluster int (n,) of each profile: the nearest centroid."""
        scaled = (matrix(profiles, self.features) - self.mean) / self.scale
        distances = ((scaled[:, None, :] - self.centroids[None]) ** 2).sum(axis=2)
        return distances.argmin(axis=1)


def matrix(profiles: pd.DataFrame, features: Sequence[str]) -> np.ndarray:
    """Features float (n, features): bins and marks, whose steps are already logarithmic.

    Raises ValueError for a feature that profiles do not have.
    """
    unknown = [name for name in features if name not in profiles.columns]
    if unknown:
        raise ValueError(
            f"cluster.features names {', '.join(unknown)}, which profiles do not have; they have "
            f"{', '.join(name for name in profiles.columns if name != '_id')}"
        )
    return profiles[list(features)].to_numpy(dtype=float)


def scan(rows: np.ndarray, k_min: int, k_max: int, seed: int) -> pd.DataFrame:
    """`inertia` and `silhouette` of K-Means on scaled `rows` for each k, both ends included.

    Raises ValueError unless 2 <= k_min < k_max < distinct rows.
    """
    if not 2 <= k_min < k_max:
        raise ValueError(
            f"cluster needs 2 <= k_min < k_max, got k_min={k_min}, k_max={k_max}; see params.yaml"
        )
    distinct = len(np.unique(rows, axis=0))
    if k_max >= distinct:
        raise ValueError(
            f"cluster.k_max={k_max} must be below the number of different profiles, {distinct} "
            f"(of {len(rows)}); lower it in params.yaml or collect more posts"
        )
    scaled = StandardScaler().fit_transform(rows)
    fits = []
    for k in range(k_min, k_max + 1):
        fitted = _kmeans(k, seed).fit(scaled)
        size = min(SILHOUETTE_ROWS, len(scaled))
        score = silhouette_score(scaled, fitted.labels_, sample_size=size, random_state=seed)
        fits.append({"k": k, "inertia": fitted.inertia_, "silhouette": score})
    return pd.DataFrame(fits)


def elbow(table: pd.DataFrame) -> int | None:
    """The k where inertia stops falling fast (Kneedle, Satopaa et al. 2011), or None."""
    knee = KneeLocator(table["k"], table["inertia"], curve="convex", direction="decreasing").elbow
    return None if knee is None else int(knee)


def choose(table: pd.DataFrame) -> int:
    """The elbow's k; without an elbow, the k of the best silhouette."""
    return elbow(table) or int(table.loc[table["silhouette"].idxmax(), "k"])


def fit(profiles: pd.DataFrame, features: Sequence[str], k: int, seed: int) -> Model:
    """Scaler and K-Means on `profiles`; clusters numbered from the largest to the smallest.

    Raises ValueError when there are fewer different profiles than k.
    """
    rows = matrix(profiles, features)
    distinct = len(np.unique(rows, axis=0))
    if not 1 <= k <= distinct:
        raise ValueError(f"k must be 1 to {distinct}, the number of different profiles; got {k}")
    scaler = StandardScaler().fit(rows)
    fitted = _kmeans(k, seed).fit(scaler.transform(rows))
    sizes = np.bincount(fitted.labels_, minlength=k)
    # Ties by centroid, so that the numbers do not depend on the order of initialisation.
    centroids = fitted.cluster_centers_
    order = np.lexsort((*centroids.T[::-1], -sizes))
    return Model(tuple(features), scaler.mean_, scaler.scale_, centroids[order])


def stability(rows: np.ndarray, labels: np.ndarray, seed: int, draws: int) -> dict:
    """How well the clustering `labels` of `rows` comes back.

    `ari`: the lowest adjusted Rand index against `draws` fits from other seeds. `jaccard`: per
    cluster the mean, over `draws` bootstrap samples, of the best Jaccard similarity among the
    sample's clusters (clusterboot, Hennig 2007, CSDA 52:258).
    """
    scaled = StandardScaler().fit_transform(rows)
    k = int(labels.max()) + 1
    rng = np.random.default_rng(seed)
    seeds = rng.integers(2**31, size=draws)
    aris, jaccards = [], []
    for draw in seeds:
        aris.append(adjusted_rand_score(labels, _kmeans(k, int(draw)).fit(scaled).labels_))
        chosen = np.unique(rng.integers(len(scaled), size=len(scaled)))
        again = _kmeans(k, int(draw)).fit(scaled[chosen]).labels_
        overlap = np.zeros((k, k))
        np.add.at(overlap, (labels[chosen], again), 1)
        union = overlap.sum(1)[:, None] + overlap.sum(0)[None] - overlap
        jaccards.append((overlap / np.maximum(union, 1)).max(axis=1))
    return {"ari": float(min(aris)), "jaccard": np.mean(jaccards, axis=0).tolist()}


def verdict(held: dict, jaccard: float, ari: float) -> str:
    """STABLE when every cluster and the whole reach their bounds, else UNSTABLE."""
    return STABLE if min(held["jaccard"]) >= jaccard and held["ari"] >= ari else UNSTABLE


def agreement(labels: np.ndarray, truth: pd.Series) -> float:
    """Adjusted Rand index (Hubert and Arabie 1985) of `labels` and a known grouping."""
    return float(adjusted_rand_score(truth, labels))


def coarse(model: Model) -> np.ndarray:
    """The centroids in steps so wide that the last member of a cluster cannot be told from them.

    To somebody who knows all the others, exact means of exact bins would name the one left out.
    """
    return np.round(model.centroids / CENTROID_STEP) * CENTROID_STEP


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """The curves of `scan` as anyone may see them: nobody's part in them can be made out."""
    digits = 2 - np.floor(np.log10(table["inertia"].clip(lower=1))).astype(int)
    inertia = [round(value, place) for value, place in zip(table["inertia"], digits, strict=True)]
    return table.assign(inertia=inertia, silhouette=table["silhouette"].round(2))


def as_json(model: Model, sizes: Sequence[int], k: int) -> dict:
    """The model in plain, coarse numbers; no centroid of a cluster with fewer than `k` authors."""
    return {
        "features": list(model.features),
        "mean": np.round(model.mean, 1).tolist(),
        "scale": np.round(model.scale, 1).tolist(),
        "centroids": [
            np.round(centroid, 1).tolist() if size >= k else None
            for centroid, size in zip(coarse(model), sizes, strict=True)
        ],
    }


def _kmeans(k: int, seed: int) -> KMeans:
    return KMeans(k, n_init=INITS, random_state=seed)
