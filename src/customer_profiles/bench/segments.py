"""Cost of finding and serving segments, and false alarms on data without segments."""

import time
from collections.abc import Mapping
from dataclasses import fields

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans

from customer_profiles.bench import api
from customer_profiles.bench.process import in_own_process, peak_gib, size
from customer_profiles.privacy import features
from customer_profiles.project import params
from customer_profiles.project.vocabulary import BY_DEGREE, IN_KIND
from customer_profiles.segments import clustering, evidence, verdict

PROFILES = size(1_000_000, 5_000)
FEATURES = 10
GROUPS = 5
APART = 3.0  # standard deviations of a group, about, between two of their middles
NOISE_PROFILES = 1_000
NOISE_DRAWS = size(20, 1)
# What a short run changes in section cluster.
EVIDENCE = size({}, {"draws": 3, "seeds": 2, "references": 3, "k_max": 4})
NOISE = ("uniform", "gaussian", "correlated")


def measure() -> dict:
    """The results of each benchmark, under its name."""
    return {"cluster": cluster(), "api": api.measure()}


def cluster() -> dict:
    """Time and memory of all evidence and the final fit, and false alarms on noise.

    Seconds and GiB are this machine's; `bare_kmeans_share` compares K-Means alone with all of it.
    """
    section = params.stage("cluster") | EVIDENCE
    few, many = (in_own_process(decide, number, section) for number in (PROFILES // 10, PROFILES))
    return {
        "seconds_1m": many["seconds"],
        "peak_gib_1m": many["peak_gib"],
        "growth_exponent": float(np.log10(many["seconds"] / few["seconds"])),
        "bare_kmeans_share": in_own_process(bare, PROFILES, section) / many["seconds"],
        "agreement_1m": many["agreement"],
        "features": FEATURES,
        "bootstraps": section["draws"],
        "subsample": clustering.ROWS,
        "false_alarms": {kind: in_own_process(false_alarms, kind, section) for kind in NOISE},
        "noise_draws": NOISE_DRAWS,
    }


def audience(number: int, seed: int = 7) -> tuple[pd.DataFrame, np.ndarray]:
    """Logarithms of log-normal counts in GROUPS groups of unequal size, and each row's group."""
    rng = np.random.default_rng(seed)
    shares = np.arange(GROUPS, 0, -1) / np.arange(GROUPS, 0, -1).sum()
    group = rng.choice(GROUPS, number, p=shares)
    middles = 5 + rng.normal(scale=APART / np.sqrt(2), size=(GROUPS, FEATURES))
    counts = np.floor(np.exp(middles[group] + rng.standard_normal((number, FEATURES))))
    return pd.DataFrame(np.log1p(counts)).add_prefix("count_"), group


def noise(kind: str, number: int, features: int, rng: np.random.Generator) -> pd.DataFrame:
    """Profiles without groups: uniform in a cube, or one Gaussian, round or `correlated`."""
    if kind == "uniform":
        values = rng.uniform(size=(number, features))
    else:
        values = rng.standard_normal((number, features))
    if kind == "correlated":
        values = values @ rng.standard_normal((features, features))
    return pd.DataFrame(values).add_prefix("feature_")


def decide(number: int, section: Mapping) -> dict[str, float]:
    """Seconds and memory from profiles to labels, and the labels' agreement with the groups."""
    profiles, group = audience(number)
    start = time.perf_counter()
    _, labels = segment(profiles, section)
    seconds = time.perf_counter() - start
    agreement = clustering.adjusted_rand(labels, pd.Series(group))
    return {"seconds": seconds, "peak_gib": peak_gib(), "agreement": agreement}


def segment(profiles: pd.DataFrame, section: Mapping) -> tuple[verdict.Verdict, np.ndarray]:
    """The verdict on all features of `profiles`, by the notebook's own steps, and their labels."""
    weights, seed = dict.fromkeys(profiles, 1), section["seed"]
    profiles, weights, _ = features.prepared(profiles, weights, section["clip"])
    rows = clustering.drawn(clustering.scaled(profiles, weights), seed)
    ks = evidence.candidates(rows, section["k_min"], section["k_max"])
    effort = tuple(section[name] for name in ("draws", "seeds", "references"))
    bounds = verdict.Bounds(**{each.name: section[each.name] for each in fields(verdict.Bounds)})
    decision, _ = verdict.examine(rows, ks, seed, effort, bounds)
    return decision, clustering.fit(profiles, weights, decision.k, seed).assign(profiles)


def bare(number: int, section: Mapping) -> float:
    """Seconds of K-Means alone over the range of k, one initialisation each, on all processors."""
    rows = audience(number)[0].to_numpy()
    start = time.perf_counter()
    for k in range(section["k_min"], section["k_max"] + 1):
        KMeans(k, n_init=1, random_state=section["seed"]).fit(rows)
    return time.perf_counter() - start


def false_alarms(kind: str, section: Mapping) -> int:
    """Number of NOISE_DRAWS audiences without groups, of 2 to 10 features, found to have some.

    A long cloud may be parted by degree.
    """
    alarms, wrong = 0, {IN_KIND} if kind == "correlated" else {IN_KIND, BY_DEGREE}
    for draw in range(NOISE_DRAWS):
        profiles = noise(kind, NOISE_PROFILES, 2 + draw % 9, np.random.default_rng((7, draw)))
        alarms += segment(profiles, section)[0].verdict in wrong
    return alarms
