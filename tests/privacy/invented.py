"""Invented authors, clustered, and their posts, for what is published of segments."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd

from customer_profiles.privacy import microdata
from customer_profiles.project.vocabulary import CLASSES

# A count is in a bin that begins at one of these, and as likely any count in it as another.
EDGES = {
    "favorites": (1, 10, 30),
    "posts": (2, 4),
    "account_posts": (100, 10_000),
    "followers": (1000, 100_000),
    "listed": (3, 300),
}
FEATURES = ("polarity", "followers", "listed")
CLIP = 0.99
DAYS = [(date(2026, 5, 1) + timedelta(days=n)).isoformat() for n in range(28)]


def drawn(rng: np.random.Generator, edges: Sequence[int], chance: np.ndarray) -> np.ndarray:
    """Counts of people, each the higher the higher that person's `chance` is."""
    starts = np.array([0, *edges, 2 * edges[-1]])
    bins = rng.binomial(len(edges), chance)
    return rng.integers(starts[bins], starts[bins + 1])


def people(number: int, segments: int = 3, seed: int = 1) -> pd.DataFrame:
    """Profiles whose counts and polarity rise with the number of their segment."""
    rng = np.random.default_rng(seed)
    segment = np.sort(rng.integers(0, segments, number))
    chance = 0.3 + 0.4 * segment / max(segments - 1, 1)
    counts = {name: drawn(rng, edges, chance) for name, edges in EDGES.items()}
    return pd.DataFrame({
        "_id": [f"{n:032x}" for n in range(number)],
        "segment": segment,
        **counts | {"posts": counts["posts"] + 1},
        "polarity": rng.beta(8 * chance, 8 * (1 - chance)),
        "subjectivity": rng.beta(4, 6, number),
        "verified": rng.random(number) < 0.1,
        "protected": False,
    })  # fmt: skip


def posts(people: pd.DataFrame, seed: int = 2) -> pd.DataFrame:
    """One to six posts of each, in their author's mood more often than not."""
    rng = np.random.default_rng(seed)
    author = np.repeat(np.arange(len(people)), rng.integers(1, 7, len(people)))
    mood = people["polarity"].to_numpy()[author]
    label = np.digitize(rng.beta(1 + 3 * mood, 4 - 3 * mood), [0.35, 0.65])
    return pd.DataFrame({
        "author": people["_id"].to_numpy()[author],
        "label": np.array(CLASSES)[label],
        "day": np.array(DAYS)[rng.integers(0, len(DAYS), len(author))],
    })  # fmt: skip


def gathered(
    people: pd.DataFrame,
    written: pd.DataFrame | None = None,
    features: Sequence[str] = FEATURES,
) -> microdata.Microdata:
    """Microdata of `people` and their posts, those invented for them if not `written`."""
    written = posts(people) if written is None else written
    return microdata.gather(people, written, features, CLIP)
