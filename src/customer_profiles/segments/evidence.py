"""Evidence for each number of clusters: curves, comparison with chance, stability.

Of more profiles than `clustering.ROWS` the caller passes a sample of that size. Each fit has one
thread and a seed of its own, so that neither the number of workers nor their order changes a digit.
"""

import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pandas as pd
from kneed import KneeLocator
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import (
    adjusted_rand_score,
    calinski_harabasz_score,
    davies_bouldin_score,
    pairwise_distances_chunked,
)
from threadpoolctl import threadpool_limits

from customer_profiles.segments import null_model
from customer_profiles.segments.clustering import kmeans, ordered

CHANCE_ROWS = 2_000
# Uniform clouds, bootstrap samples of each, and the fewest features for which they are drawn.
CLOUDS, CLOUD_DRAWS, LEAST_FEATURES = 5, 10, 3
WORKERS = 2
INDICES = ("silhouette", "calinski_harabasz", "davies_bouldin")
COLUMNS = (
    "inertia", *INDICES, "gap", "gap_error", *(f"{name}_chance" for name in INDICES), "jaccards",
    "jaccard", "bootstrap_ari", "ari", "smallest", "sizes",
)  # fmt: skip
MIB = 64  # memory for distances at a time


def candidates(rows: np.ndarray, k_min: int, k_max: int, by_hand: int = 0) -> list[int]:
    """Numbers of clusters to examine: `k_min` to `k_max`, as far as `rows` can be divided.

    The number of different rows less one is the limit, because more clusters carry no information.
    A number `by_hand` is examined as well. Raises ValueError unless it is at most the number of
    different rows.
    """
    distinct = len(np.unique(rows, axis=0))
    if by_hand > distinct:
        raise ValueError(
            f"cluster.k={by_hand} must be 0 (by evidence) to {distinct}, the number of different "
            "profiles; see params.yaml"
        )
    wanted = {*range(k_min, k_max + 1), by_hand}
    return sorted(k for k in wanted if 2 <= k < distinct)


def scan(rows: np.ndarray, ks: Sequence[int], seed: int, workers: int = WORKERS) -> pd.DataFrame:
    """K-Means on `rows` for each of `ks`: columns k, inertia, silhouette, labels int (n,).

    Labels are numbered as those of `clustering.fit`. All silhouettes (Rousseeuw 1987) come from
    one pass over the distances.
    """
    fits = _each((partial(kmeans, rows, k, seed) for k in ks), workers)
    labels = [np.argsort(ordered(fitted))[fitted.labels_] for fitted in fits]
    with threadpool_limits(1):
        scores = silhouettes(rows, labels)
    inertia = [fitted.inertia_ for fitted in fits]
    return pd.DataFrame({"k": list(ks), "inertia": inertia, "silhouette": scores, "labels": labels})


def labelled(
    rows: np.ndarray, ks: Sequence[int], seed: int, workers: int = WORKERS
) -> list[np.ndarray]:
    """Labels int (n,) of K-Means on `rows` for each of `ks`, for comparison with other fits."""
    return [
        fitted.labels_ for fitted in _each((partial(kmeans, rows, k, seed) for k in ks), workers)
    ]


def elbow(table: pd.DataFrame) -> int | None:
    """Elbow: the k where inertia stops falling fast (Kneedle, Satopaa et al. 2011), or None."""
    if len(table) < 3:  # a line has none
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # kneed also warns when there is no elbow
        locator = KneeLocator(table["k"], table["inertia"], curve="convex", direction="decreasing")
    return None if locator.elbow is None else int(locator.elbow)


def silhouettes(rows: np.ndarray, groupings: Sequence[np.ndarray]) -> list[float]:
    """Mean silhouette of each of `groupings`, labels int (n,) from 0, of the rows."""
    if not len(groupings):
        return []
    sizes = [np.bincount(labels) for labels in groupings]
    ends = np.cumsum([len(size) for size in sizes])
    marks = np.concatenate(
        [np.eye(len(size))[labels] for size, labels in zip(sizes, groupings, strict=True)], axis=1
    )
    sums = np.concatenate(list(pairwise_distances_chunked(
        rows, reduce_func=lambda distances, _: distances @ marks, working_memory=MIB
    )))  # fmt: skip
    return [
        _silhouette(part, labels, size)
        for part, labels, size in zip(
            np.split(sums, ends[:-1], axis=1), groupings, sizes, strict=True
        )
    ]


def weigh(
    rows: np.ndarray,
    ks: Sequence[int],
    seed: int,
    draws: int,
    seeds: int,
    references: int,
    workers: int = WORKERS,
) -> pd.DataFrame:
    """All evidence on `rows` (scaled, weighted), a row for each of `ks`.

    Columns of `scan` without labels, `calinski_harabasz` (1974), `davies_bouldin` (1979), and of

    - chance: `gap` and its standard error `gap_error` (Tibshirani, Walther and Hastie 2001), here
      against `references` rearrangements of the profiles (`null_model`), and INDEX_chance, the mean
      of each of the other three indices on the rearrangements;
    - stability: `jaccards`, for each cluster, from the largest, the mean over `draws` bootstrap
      samples of the best Jaccard similarity in the sample (clusterboot, Hennig 2007, CSDA 52:258),
      `jaccard`, the lowest of them, `bootstrap_ari`, the mean adjusted Rand index (Hubert and
      Arabie 1985) of the profiles in each sample, and `ari`, the lowest such index against fits
      from `seeds` other seeds;
    - `smallest`, the share of the smallest cluster, and `sizes`, the numbers of rows in each.
    """
    if not ks:
        return pd.DataFrame(columns=["k", *COLUMNS])
    table = scan(rows, ks, seed, workers)
    labels = list(table.pop("labels"))
    table["calinski_harabasz"] = [calinski_harabasz_score(rows, grouping) for grouping in labels]
    table["davies_bouldin"] = [davies_bouldin_score(rows, grouping) for grouping in labels]
    chance = by_chance(rows, ks, seed, references, workers)
    sparing = _each((partial(kmeans, rows, k, seed, sparing=True) for k in ks), workers)
    own = [_tightness(fitted, rows) for fitted in sparing]
    table["gap"] = chance["tightness"].mean(axis=0) - own
    table["gap_error"] = chance["tightness"].std(axis=0) * np.sqrt(1 + 1 / references)
    for name in INDICES:
        table[f"{name}_chance"] = chance[name].mean(axis=0)
    table["jaccards"], table["bootstrap_ari"] = recovered(rows, labels, seed, draws, workers)
    table["jaccard"] = [float(min(similarities)) for similarities in table["jaccards"]]
    table["ari"] = _repeated(rows, labels, seed, seeds, workers)
    table["sizes"] = [np.bincount(grouping).tolist() for grouping in labels]
    table["smallest"] = [min(sizes) / len(rows) for sizes in table["sizes"]]
    return table


def by_chance(
    rows: np.ndarray, ks: Sequence[int], seed: int, references: int, workers: int = WORKERS
) -> dict[str, np.ndarray]:
    """INDICES and `tightness` (logarithm of the inertia) of rearrangements of `rows`.

    Each is float (references, ks).
    """
    made = [np.random.default_rng((seed, number)) for number in range(references)]
    indices = np.array(_each((partial(_of_chance, rows, ks, rng) for rng in made), workers))
    return dict(zip(("tightness", *INDICES), np.moveaxis(indices, -1, 0), strict=True))


def _of_chance(rows: np.ndarray, ks: Sequence[int], rng: np.random.Generator) -> np.ndarray:
    other = null_model.rearranged(rows, rng)
    fits = [kmeans(other, k, int(rng.integers(2**31)), sparing=True) for k in ks]
    # Only the mean over all rearrangements is needed: a sample of each one's distances is enough.
    some = rng.permutation(len(other))[:CHANCE_ROWS]
    return np.transpose([
        [_tightness(fitted, other) for fitted in fits],
        silhouettes(other[some], [fitted.labels_[some] for fitted in fits]),
        [calinski_harabasz_score(other, fitted.labels_) for fitted in fits],
        [davies_bouldin_score(other, fitted.labels_) for fitted in fits],
    ])  # fmt: skip


def _tightness(fitted: KMeans, rows: np.ndarray) -> float:
    # Not below a trillionth of the whole: rearranged bins may be fewer different rows than k.
    whole = ((rows - rows.mean(axis=0)) ** 2).sum()
    return float(np.log(max(fitted.inertia_ / whole, 1e-12)))


def recovered(
    rows: np.ndarray, groupings: Sequence[np.ndarray], seed: int, draws: int, workers: int = WORKERS
) -> tuple[list[list[float]], list[float]]:
    """Mean of each part of `recovery` over `draws` bootstrap samples, for each of `groupings`."""
    jobs = [
        partial(recovery, rows, labels, (seed, place, draw))
        for place, labels in enumerate(groupings)
        for draw in range(draws)
    ]
    recoveries = _each(jobs, workers)
    parts = [recoveries[start : start + draws] for start in range(0, len(recoveries), draws)]
    jaccards = [np.mean([similar for similar, _ in part], axis=0).tolist() for part in parts]
    return jaccards, [float(np.mean([ari for _, ari in part])) for part in parts]


def featureless(
    rows: np.ndarray, ks: Sequence[int], seed: int, workers: int = WORKERS
) -> dict[int, float]:
    """Stability of the clusters of uniform clouds as wide as `rows`, for each of `ks`.

    The mean Jaccard similarity of the least stable cluster over bootstrap samples, in the most
    stable of CLOUDS: K-Means parts a square in its quarters again and again, though nothing in it
    asks for it. For fewer than LEAST_FEATURES that differ it is 1: any line or plane is parted so.
    """
    if np.count_nonzero(np.ptp(rows, axis=0)) < LEAST_FEATURES:
        return dict.fromkeys(ks, 1.0)
    similarities = []
    for number in range(CLOUDS):
        rng = np.random.default_rng((seed, number))
        cloud = rng.uniform(size=rows.shape) * rows.std(axis=0) * np.sqrt(12)
        labels = labelled(cloud, ks, seed, workers)
        jaccards, _ = recovered(cloud, labels, seed, CLOUD_DRAWS, workers)
        similarities.append([min(each) for each in jaccards])
    return dict(zip(ks, np.max(similarities, axis=0).tolist(), strict=True))


def recovery(
    rows: np.ndarray, labels: np.ndarray, entropy: tuple[int, ...]
) -> tuple[np.ndarray, float]:
    """Similarity of the clustering `labels` with that of a bootstrap sample.

    The best Jaccard similarity (k,) of each cluster with one of the sample, and the adjusted Rand
    index of the whole. As in clusterboot, a person drawn more than once counts once.
    """
    k = int(labels.max()) + 1
    rng = np.random.default_rng(entropy)
    chosen = np.unique(rng.integers(len(rows), size=len(rows)))
    most = min(k, len(chosen))
    again = kmeans(rows[chosen], most, int(rng.integers(2**31)), sparing=True).labels_
    overlap = np.bincount(labels[chosen] * k + again, minlength=k * k).reshape(k, k)
    union = overlap.sum(1)[:, None] + overlap.sum(0) - overlap
    best = (overlap / np.maximum(union, 1)).max(axis=1)
    return best, float(adjusted_rand_score(labels[chosen], again))


def _repeated(
    rows: np.ndarray, groupings: Sequence[np.ndarray], seed: int, seeds: int, workers: int
) -> list[float]:
    jobs = [
        partial(_repetition, rows, labels, seed + number)
        for labels in groupings
        for number in range(1, seeds + 1)
    ]
    aris = np.reshape(_each(jobs, workers), (len(groupings), seeds))
    return aris.min(axis=1).tolist()


def _repetition(rows: np.ndarray, labels: np.ndarray, seed: int) -> float:
    return float(adjusted_rand_score(labels, kmeans(rows, int(labels.max()) + 1, seed).labels_))


def _silhouette(sums: np.ndarray, labels: np.ndarray, sizes: np.ndarray) -> float:
    """Mean silhouette from each row's sums of distances to the clusters (n, k).

    A row that is alone in its cluster has 0.
    """
    each = np.arange(len(labels))
    inside = sums[each, labels] / np.maximum(sizes[labels] - 1, 1)
    # A part of the rows, or bins that are too few, may leave a cluster without any.
    outside = np.where(sizes > 0, sums / np.maximum(sizes, 1), np.inf)
    outside[each, labels] = np.inf
    nearest = outside.min(axis=1)
    width = np.maximum(np.maximum(inside, nearest), 1e-300)
    return float(np.where(sizes[labels] > 1, (nearest - inside) / width, 0).mean())


def _each(jobs: Iterable[Callable], workers: int) -> list:
    """Results of `jobs`, in their order.

    Note: OpenMP's limit holds for the thread that sets it, so every worker has to set it.
    """
    with warnings.catch_warnings(), threadpool_limits(1):
        # A sample, or rearranged bins, may hold fewer different rows than k: no harm.
        warnings.simplefilter("ignore", ConvergenceWarning)
        with ThreadPoolExecutor(workers, initializer=threadpool_limits, initargs=(1,)) as pool:
            return list(pool.map(lambda job: job(), jobs))
