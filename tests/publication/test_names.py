"""Names of segments: always one, all different, of known words, from what is published alone."""

import itertools
import random

import pytest

from customer_profiles.publication import names

ALLOWED = set(names.NAMES.values())
WORDS = {word for pair in names.APART.values() for word in pair}
SENSITIVE = (
    "verified", "protected", "male", "female", "old", "young", "rich", "poor", "english", "left",
    "right", "sick", "gay", "jew", "muslim", "christian", "black", "white",
)  # fmt: skip
LEVELS = {-1: (40, 60), 0: (90, 110), 1: (150, 180)}


def segment(number=0, polarity=0, posts=0, followers=0, centroid=True, **figures):
    """With an index below (-1), about (0) or above (1) average, and a centroid that agrees."""
    sides = {"avg_polarity": polarity, "avg_tweets": posts, "avg_followers": followers}
    away = {"polarity": polarity, "posts": posts, "followers": followers}
    return {
        "id": number, "share": 0.2, "customers": 100 + number,
        **dict.fromkeys(names.APART, 1.0),
        "index": {
            name: {"index": sum(LEVELS[level]) // 2, "low": LEVELS[level][0],
                   "high": LEVELS[level][1]}
            for name, level in sides.items()
        },
        "centroid": {name: 0.8 * level for name, level in away.items()} if centroid else {},
        **figures,
    }  # fmt: skip


def every():
    return list(itertools.product((-1, 0, 1), repeat=3))


@pytest.mark.parametrize("centroid", [True, False])
def test_each_combination_of_mood_activity_and_reach_has_its_own_name(centroid):
    rows = [segment(n, *levels, centroid=centroid) for n, levels in enumerate(every())]
    given_names = names.names(rows)
    assert set(given_names) == ALLOWED
    assert len(set(given_names)) == len(given_names) == 27


def test_a_name_says_no_more_than_the_interval():
    assert names.names([segment(1, 1, 1, -1), segment(2)]) == [
        "Content regulars",
        "Everyday voices",
    ]
    unclear = segment(1, 1, 1, -1)
    unclear["index"]["avg_polarity"]["low"] = 100
    assert names.names([unclear, segment(2)])[0] == "Quiet regulars"
    # Nor than the centroid: one celebrity lifts an average, not a group.
    lifted = segment(1, 1, 1, -1)
    lifted["centroid"]["posts"] = 0.2
    assert names.names([lifted, segment(2)])[0] == "Quiet fans"


def test_everybody_in_one_segment_is_the_whole_audience():
    assert names.names([segment(share=1.0)]) == [names.EVERYBODY]
    assert names.names([segment(share=0.9)]) == ["Everyday voices"]
    assert names.names([]) == []


def test_segments_of_the_same_name_are_told_apart_by_what_differs_most():
    rows = [
        segment(0, avg_favorites=2.0, avg_tweets=3.0),
        segment(1, avg_favorites=40.0, avg_tweets=3.1),
        segment(2, avg_favorites=38.0, avg_tweets=1.0),
    ]
    assert names.names(rows) == [
        "Everyday voices, less liked",
        "Everyday voices, more liked, more frequent",
        "Everyday voices, more liked, rarer",
    ]


def test_segments_alike_in_everything_are_numbered():
    rows = [segment(number, customers=50) for number in (4, 2)]
    assert names.names(rows) == ["Everyday voices, 2", "Everyday voices, 1"]


def test_whatever_the_segments_names_are_different_known_and_independent_of_order():
    rng = random.Random(7)  # noqa: S311
    for _ in range(300):
        rows = [
            segment(
                number, *rng.choices((-1, 0, 1), k=3), centroid=rng.random() < 0.8,
                **{name: rng.choice((0.0, 0.3, 1.0, 42.0)) for name in names.APART},
            )
            for number in range(rng.randint(2, 20))
        ]  # fmt: skip
        given_names = names.names(rows)
        assert len(set(given_names)) == len(rows)
        for name in given_names:
            plain, *words = name.split(", ")
            assert plain in ALLOWED
            assert all(word in WORDS or word.isdigit() for word in words)
            assert len(name) < 120
        order = rng.sample(range(len(rows)), len(rows))
        assert names.names([rows[place] for place in order]) == [
            given_names[place] for place in order
        ]


def test_no_name_is_about_who_people_are():
    words = " ".join([*ALLOWED, *WORDS, names.EVERYBODY]).lower().split()
    assert not set(words) & set(SENSITIVE)
