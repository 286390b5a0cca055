"""K-Means on standardised, weighted profiles: fitted model, assignment, published centroids."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from customer_profiles.privacy.features import matrix, spread, standardised
from customer_profiles.project import vocabulary

logger = logging.getLogger(__name__)

# Size of the seeded sample that stands for more profiles in fits and evidence.
ROWS = 20_000
CHUNK = 100_000  # profiles placed at a time
CENTROID_STEP = 0.2  # standard deviations


@dataclass(frozen=True)
class Model:
    """Arrays that K-Means needs to place a profile, without code.

    `mean` and `scale` (features,) by which values are standardised, `weights` (features,) by which
    they are then multiplied, `centroids` (k, features) in standardised units, without the weights.
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


def scaled(profiles: pd.DataFrame, features: Mapping[str, float], k: int = 1) -> np.ndarray:
    """Standardised features times their weights, float (n, features): the input of K-Means.

    `profiles` as `features.prepared` gives them. Raises ValueError for fewer than `k`, because they
    contain no group that may be shown.
    """
    if len(profiles) < k:
        raise ValueError(
            f"there are {vocabulary.at_least(len(profiles), k)} profiles, and {k} are needed to "
            "speak of a group; pull a larger archive (pull.archive in params.yaml), or let fewer "
            "posts expire"
        )
    return standardised(matrix(profiles, list(features))) * np.array(list(features.values()))


def drawn(rows: np.ndarray, seed: int) -> np.ndarray:
    """`rows`, or a seeded sample of ROWS of them, in their order, if there are more."""
    if len(rows) <= ROWS:
        return rows
    chosen = np.random.default_rng(seed).choice(len(rows), ROWS, replace=False)
    return rows[np.sort(chosen)]


def fit(profiles: pd.DataFrame, features: Mapping[str, float], k: int, seed: int) -> Model:
    """K-Means on standardised `profiles`; clusters are numbered from the largest to the smallest.

    `profiles` as `features.prepared` gives them; `features` are names with their weights. With more
    than ROWS profiles K-Means is fitted to a sample, whose cluster sizes give the numbers, and then
    starts from its centroids on all profiles. Raises ValueError when there are fewer different
    profiles than k.
    """
    weights = np.array(list(features.values()), dtype=float)
    values = matrix(profiles, list(features))
    mean, scale = values.mean(axis=0), spread(values)
    rows = (values - mean) / scale * weights
    few = drawn(rows, seed)
    distinct = len(np.unique(few, axis=0))
    if not 1 <= k <= distinct:
        raise ValueError(f"k must be 1 to {distinct}, the number of different profiles; got {k}")
    # One thread: several add up in the order in which they end, which changes last digits.
    with threadpool_limits(1):
        fitted = kmeans(few, k, seed)
        centroids = fitted.cluster_centers_[ordered(fitted)]
        if len(rows) > len(few):
            centroids = KMeans(k, init=centroids, n_init=1).fit(rows).cluster_centers_
    return Model(tuple(features), weights, mean, scale, centroids / weights)


def kmeans(rows: np.ndarray, k: int, seed: int, sparing: bool = False) -> KMeans:
    """K-Means, fitted to `rows` from 10 to 20 starts (k-means++, Arthur and Vassilvitskii 2007).

    With `sparing`, for one of hundreds of fits, from 3 to 5. Of few rows the best clustering is
    harder to come by, and starts are cheap.
    """
    most, least, enough = (5, 3, 5_000) if sparing else (20, 10, 100_000)
    inits = int(np.clip(enough // len(rows), least, most))
    return KMeans(k, n_init=inits, random_state=seed).fit(rows)


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

    An attacker who knows all other members would identify the last one from exact means. If even
    the steps reveal the member, `centroids.publishable` suppresses the centroids.
    """
    return np.round(model.centroids / CENTROID_STEP) * CENTROID_STEP + 0.0  # no -0


def means(model: Model, sizes: Sequence, small: Sequence[int], mask: np.ndarray) -> pd.DataFrame:
    """Coarse centroids by cluster, with its size, and by feature; NaN outside the `mask` (bool, k).

    `sizes` as readers see them; `small` are the numbers, from 1, of the clusters of few people.
    """
    names = [
        f"cluster {n}: {size} authors" + (" (small)" if n in small else "")
        for n, size in enumerate(sizes, 1)
    ]
    titles = [vocabulary.FIELDS.get(name, name) for name in model.features]
    table = pd.DataFrame(coarse(model), names, titles)
    table[~np.asarray(mask)] = np.nan
    return table


def as_json(model: Model, publishable: Sequence[bool], clip: float) -> dict:
    """Model in plain, coarse numbers, with the centroids that are `publishable` (`centroids`).

    `clip` is the quantile of `features.prepared`; the values there are single persons', and stay.
    """
    return {
        "features": list(model.features),
        "clip": clip,
        "weights": model.weights.tolist(),
        "mean": np.round(model.mean, 1).tolist(),
        "scale": np.round(model.scale, 1).tolist(),
        "centroids": [
            np.round(centroid, 1).tolist() if publish else None
            for centroid, publish in zip(coarse(model), publishable, strict=True)
        ],
    }
