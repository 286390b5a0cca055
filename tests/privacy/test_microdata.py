"""What an author contributes to a segment's figures: few values, from exact ones."""

import numpy as np
import pandas as pd
import pytest

from customer_profiles.privacy import microdata

# In the order of the rows' contents, which is not that of the people here.
PEOPLE = pd.DataFrame({
    "_id": ["a", "b", "c"],
    "segment": [0, 1, 1],
    "polarity": [0.149, 0.95, 0.5],
    "subjectivity": [0.0, 0.5, 1.0],
    "favorites": [-1.0, 0.99, 300.0],
    "posts": [1, 2, 40],
    "account_posts": [-1, 9, 10],
    "followers": [2, 2**40, 100],
})  # fmt: skip
POSTS = pd.DataFrame({
    "author": ["c", "a", "c", "b", "c"],
    "label": ["negative", "neutral", "positive", "positive", "positive"],
    "day": ["2026-05-04", "2026-05-05", "2026-05-10", "2026-05-04", "2026-05-10"],
})  # fmt: skip


def row(gathered, author):
    """Place of an `author`, found by the number of posts of each mood."""
    moods = {"a": [0, 1, 0], "b": [0, 0, 1], "c": [1, 0, 2]}
    (place,) = np.flatnonzero((gathered.posts["mood"] == moods[author]).all(axis=1))
    return place


@pytest.fixture(scope="module")
def gathered():
    return microdata.gather(PEOPLE, POSTS, ["polarity", "followers"], clip=1.0)


@pytest.mark.parametrize(
    ("author", "values"),
    [
        # √(a·b) of counts from a to b, 0 as 1; an unknown count as 0, less than a like as none.
        ("a", [0.1, 0.0, 0, 1, np.sqrt(1 * 9), np.sqrt(1 * 2)]),
        ("b", [1.0, 0.6, 0, 2, np.sqrt(1 * 9), np.sqrt(300_000 * 599_999)]),
        ("c", [0.5, 1.0, np.sqrt(300 * 599), np.sqrt(32 * 63), np.sqrt(10 * 29),
               np.sqrt(100 * 299)]),
    ],
)  # fmt: skip
def test_averages_are_made_of_the_nearest_mark_and_the_typical_count_of_a_bin(
    gathered, author, values
):
    marks = gathered.marks[row(gathered, author)]
    found = [own[mark] for own, mark in zip(gathered.values.values(), marks, strict=True)]
    names = ["polarity", "subjectivity", "favorites", "tweets", "account_tweets", "followers"]
    assert list(gathered.values) == [f"avg_{name}" for name in names]
    assert found == pytest.approx(values)


def test_posts_are_counted_by_author_and_weekday(gathered):
    assert gathered.posts["weekdays"][row(gathered, "c")].tolist() == [1, 0, 0, 0, 0, 0, 2]
    assert gathered.posts["weekdays"][row(gathered, "a")].tolist() == [0, 1, 0, 0, 0, 0, 0]
    assert gathered.written.sum() == 5
    assert gathered.segment[row(gathered, "a")] == 0


def test_an_author_is_as_far_from_the_average_as_in_the_clustering(gathered):
    logs = np.log1p([2, 2**40, 100])
    low, high = np.quantile(logs, [0.1, 0.9])
    away = (logs - logs.mean()) * 2.563 / (high - low)
    found = [gathered.away[row(gathered, author), 1] for author in "abc"]
    assert found == pytest.approx(away)


def test_the_celebrity_is_clipped_here_as_well():
    crowd = pd.concat([PEOPLE] * 101, ignore_index=True)
    crowd["_id"] = [f"author {n}" for n in range(303)]
    crowd["followers"] = np.arange(303)
    crowd.loc[302, "followers"] = 2**40
    posts = pd.DataFrame({"author": crowd["_id"], "label": "neutral", "day": "2026-05-04"})
    gathered = microdata.gather(crowd, posts, ["followers"], clip=0.99)
    furthest = np.sort(gathered.away[:, 0])
    assert furthest[-1] == furthest[-2] < 3
