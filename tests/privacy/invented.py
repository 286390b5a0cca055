"""Invented authors, clustered, and their posts, for what is published of segments."""

from datetime import date, timedelta

import numpy as np
import pandas as pd

from customer_profiles.privacy import microdata
from customer_profiles.project.vocabulary import CLASSES

EDGES = {
    "favorites": [1, 10, 30],
    "posts": [2, 4],
    "account_posts": [100, 10_000],
    "followers": [1000, 100_000],
}
STEPS = {"polarity": 4, "subjectivity": 4}
FEATURES = ("polarity", "followers", "listed")
DAYS = [(date(2026, 5, 1) + timedelta(days=n)).isoformat() for n in range(28)]


def people(number: int, segments: int = 3, seed: int = 1) -> pd.DataFrame:
    """Profiles whose bins and marks rise with the number of their segment."""
    rng = np.random.default_rng(seed)
    segment = np.sort(rng.integers(0, segments, number))
    chance = 0.3 + 0.4 * segment / max(segments - 1, 1)
    bins = {name: rng.binomial(len(edges), chance) for name, edges in EDGES.items()}
    return pd.DataFrame({
        "_id": [f"{n:032x}" for n in range(number)],
        "segment": segment,
        **bins,
        "listed": rng.binomial(2, chance),
        "polarity": rng.binomial(4, chance),
        "subjectivity": rng.binomial(4, 0.4, number),
        "verified": rng.random(number) < 0.1,
        "protected": False,
    })  # fmt: skip


def posts(people: pd.DataFrame, seed: int = 2) -> pd.DataFrame:
    """One to six posts of each, in their author's mood more often than not."""
    rng = np.random.default_rng(seed)
    author = np.repeat(np.arange(len(people)), rng.integers(1, 7, len(people)))
    mark = people["polarity"].to_numpy()[author] / 4
    label = np.digitize(rng.beta(1 + 3 * mark, 4 - 3 * mark), [0.35, 0.65])
    return pd.DataFrame({
        "author": people["_id"].to_numpy()[author],
        "label": np.array(CLASSES)[label],
        "day": np.array(DAYS)[rng.integers(0, len(DAYS), len(author))],
    })  # fmt: skip


def gathered(people: pd.DataFrame, written: pd.DataFrame | None = None) -> microdata.Microdata:
    written = posts(people) if written is None else written
    return microdata.gather(people, written, EDGES, STEPS, FEATURES)
