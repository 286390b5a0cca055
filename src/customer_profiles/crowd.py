"""What each author adds to the figures of a segment: marks that are averaged, posts by kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from customer_profiles import privacy
from customer_profiles.centroids import standardised
from customer_profiles.observations import CLASSES
from customer_profiles.publication import WEEKDAYS

# The original's averages, and the profile field each is estimated from.
MOOD_AVERAGES = {"avg_polarity": "polarity", "avg_subjectivity": "subjectivity"}
COUNT_AVERAGES = {
    "avg_favorites": "favorites",
    "avg_tweets": "posts",
    "avg_account_tweets": "account_posts",
    "avg_followers": "followers",
}
# Kinds of posts whose shares are published.
KINDS = {"mood": CLASSES, "weekdays": WEEKDAYS}


@dataclass(frozen=True)
class Crowd:
    """n authors, a row each, sorted by what the rows say, so that no pseudonym decides anything.

    `segment` int (n,). `marks` int (n, figures): the place of each author's value among those of
    the figure in `values`. `posts` int (n, kinds) by the names in KINDS: how many of each kind.
    `away` float (n, features): standard deviations from the average author in each of `features`.
    """

    segment: np.ndarray
    marks: np.ndarray
    values: Mapping[str, np.ndarray]
    posts: Mapping[str, np.ndarray]
    features: Sequence[str]
    away: np.ndarray

    @cached_property
    def written(self) -> np.ndarray:
        """Posts of each author, int (n,)."""
        return self.posts["mood"].sum(axis=1)

    def sizes(self, place: int, rows: np.ndarray) -> np.ndarray:
        """How many of the authors in `rows` (a mask) have each value of the figure at `place`."""
        figure = list(self.values.values())[place]
        return np.bincount(self.marks[rows, place], minlength=len(figure))


def gather(
    people: pd.DataFrame,
    observations: pd.DataFrame,
    edges: Mapping[str, Sequence[int]],
    steps: Mapping[str, int],
    features: Sequence[str],
) -> Crowd:
    """The crowd of `people` (profiles with `segment`) and their posts, the `observations`.

    Counts have the typical value of their bin of `edges`, mood the marks 0 to 1 of `steps`;
    `features` are the fields that profiles were clustered by.
    """
    fields = MOOD_AVERAGES | COUNT_AVERAGES
    values = {
        name: np.arange(steps[field] + 1) / steps[field] for name, field in MOOD_AVERAGES.items()
    }
    values |= {name: privacy.bin_values(edges[field]) for name, field in COUNT_AVERAGES.items()}
    marks = people[list(fields.values())].to_numpy(dtype=int)
    weekday = pd.to_datetime(observations["day"]).dt.dayofweek.map(dict(enumerate(WEEKDAYS)))
    posts = {
        name: pd.crosstab(observations["author"], kind)
        .reindex(index=people["_id"], columns=list(KINDS[name]), fill_value=0)
        .to_numpy(dtype=int)
        for name, kind in (("mood", observations["label"]), ("weekdays", weekday))
    }
    segment = people["segment"].to_numpy(dtype=int)
    clustered = people[list(features)].to_numpy(dtype=float)
    order = np.lexsort((*np.hstack([*posts.values(), marks, clustered]).T, segment))
    return Crowd(
        segment[order],
        marks[order],
        values,
        {name: kind[order] for name, kind in posts.items()},
        tuple(features),
        standardised(clustered[order]),
    )
