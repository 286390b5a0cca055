"""Microdata: each author's contribution to the figures of a segment, as marks and posts by kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from customer_profiles.privacy import features as clustered
from customer_profiles.privacy import generalisation
from customer_profiles.project.vocabulary import CLASSES, WEEKDAYS

# The original's averages, and the profile field each is estimated from.
MOOD_AVERAGES = {"avg_polarity": "polarity", "avg_subjectivity": "subjectivity"}
COUNT_AVERAGES = {
    "avg_favorites": "favorites",
    "avg_tweets": "posts",
    "avg_account_tweets": "account_posts",
    "avg_followers": "followers",
}
# Averages are made of few values: a mood of marks from 0 to 1, a count of bins that begin at these
# edges. What an average tells of a member who is exchanged can then be computed for all.
STEPS = {"polarity": 10, "subjectivity": 5}
EDGES = {
    "favorites": (1, 3, 10, 30, 100, 300),
    "posts": (2, 3, 4, 6, 8, 11, 16, 32),
    "account_posts": (10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000),
    "followers": (3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000, 300_000),
}
# Kinds of posts whose shares are published.
KINDS = {"mood": CLASSES, "weekdays": WEEKDAYS}


@dataclass(frozen=True)
class Microdata:
    """Microdata of n authors, a row each, in an order of the rows' contents, without pseudonyms.

    `segment` int (n,). `marks` int (n, figures): index of each author's value among the figure's
    `values`. `posts` int (n, kinds) by the names in KINDS: number of posts of each kind. `away`
    float (n, features): standard deviations from the average author in each of `features`.
    """

    segment: np.ndarray
    marks: np.ndarray
    values: Mapping[str, np.ndarray]
    posts: Mapping[str, np.ndarray]
    features: Sequence[str]
    away: np.ndarray

    @cached_property
    def written(self) -> np.ndarray:
        """Number of posts of each author, int (n,)."""
        return self.posts["mood"].sum(axis=1)

    def sizes(self, place: int, rows: np.ndarray) -> np.ndarray:
        """Number of authors in `rows` (a mask) with each value of the figure at `place`."""
        figure = list(self.values.values())[place]
        return np.bincount(self.marks[rows, place], minlength=len(figure))


def gather(
    people: pd.DataFrame, observations: pd.DataFrame, features: Sequence[str], clip: float
) -> Microdata:
    """Microdata of `people` (profiles with `segment`) and their posts, the `observations`.

    Counts have the typical value of their bin of EDGES, an unknown one counts as 0; mood has the
    nearest of the marks of STEPS. `features` are the fields that profiles were clustered by, and
    `clip` the quantile at which they were clipped.
    """
    values, columns = {}, []
    for name, field in MOOD_AVERAGES.items():
        values[name] = np.arange(STEPS[field] + 1) / STEPS[field]
        columns.append(generalisation.gridded(people[field], STEPS[field]))
    for name, field in COUNT_AVERAGES.items():
        values[name] = generalisation.bin_values(EDGES[field])
        columns.append(generalisation.binned(people[field], EDGES[field]))
    marks = np.column_stack(columns)
    author = pd.Index(people["_id"]).get_indexer(observations["author"])
    kinds = {
        "mood": pd.Index(CLASSES).get_indexer(observations["label"]),
        "weekdays": _weekday(observations["day"]),
    }
    posts = {
        name: _counted(author, kind, (len(people), len(KINDS[name])))
        for name, kind in kinds.items()
    }
    segment = people["segment"].to_numpy(dtype=int)
    made = clustered.prepared(people, dict.fromkeys(features, 1), clip).table
    away = clustered.standardised(clustered.matrix(made, features))
    # One number per row's content, so that the order does not depend on pseudonyms.
    content = np.hstack([*posts.values(), marks, away])
    order = np.argsort(content @ np.random.default_rng(0).random(content.shape[1]), kind="stable")
    return Microdata(
        segment[order],
        marks[order],
        values,
        {name: kind[order] for name, kind in posts.items()},
        tuple(features),
        away[order],
    )


def _counted(author: np.ndarray, kind: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Number of posts of each kind by each author, int of `shape` (authors, kinds)."""
    flat = np.bincount(author * shape[1] + kind, minlength=shape[0] * shape[1])
    return flat.reshape(shape)


def _weekday(day: pd.Series) -> np.ndarray:
    """Number of the weekday of each day, int (n,); Monday is 0."""
    code, days = pd.factorize(day)
    return pd.to_datetime(days).day_of_week.to_numpy()[code]
