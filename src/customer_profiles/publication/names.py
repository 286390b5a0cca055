"""Names of segments, from their difference in mood, activity and reach, never from identities.

The names depend on published values only, mainly the coarse centroid and the index. Imports
nothing.
"""

from collections.abc import Mapping, Sequence

EVERYBODY = "The whole audience"
# Names by mood towards the brand, frequency of posts and reach: below, at, above average.
NAMES = {
    ("critical", "seldom", "few"): "Passing critics",
    ("critical", "seldom", "some"): "Occasional critics",
    ("critical", "seldom", "many"): "Prominent sceptics",
    ("critical", "usual", "few"): "Quiet critics",
    ("critical", "usual", "some"): "Everyday critics",
    ("critical", "usual", "many"): "Loud critics",
    ("critical", "often", "few"): "Persistent critics",
    ("critical", "often", "some"): "Frequent critics",
    ("critical", "often", "many"): "Leading critics",
    ("mixed", "seldom", "few"): "Quiet passers-by",
    ("mixed", "seldom", "some"): "Occasional voices",
    ("mixed", "seldom", "many"): "Prominent onlookers",
    ("mixed", "usual", "few"): "Quiet middle",
    ("mixed", "usual", "some"): "Everyday voices",
    ("mixed", "usual", "many"): "Widely heard voices",
    ("mixed", "often", "few"): "Quiet regulars",
    ("mixed", "often", "some"): "Everyday regulars",
    ("mixed", "often", "many"): "Prominent regulars",
    ("content", "seldom", "few"): "Friendly passers-by",
    ("content", "seldom", "some"): "Occasional fans",
    ("content", "seldom", "many"): "Prominent well-wishers",
    ("content", "usual", "few"): "Quiet fans",
    ("content", "usual", "some"): "Steady fans",
    ("content", "usual", "many"): "Widely heard fans",
    ("content", "often", "few"): "Content regulars",
    ("content", "often", "some"): "Devoted fans",
    ("content", "often", "many"): "Leading fans",
}
LEVELS = (
    ("polarity", "avg_polarity", ("critical", "mixed", "content")),
    ("posts", "avg_tweets", ("seldom", "usual", "often")),
    ("followers", "avg_followers", ("few", "some", "many")),
)
# Words for the lower and the higher half of segments with the same name.
APART = {
    "avg_favorites": ("less liked", "more liked"),
    "avg_account_tweets": ("calmer", "busier"),
    "avg_subjectivity": ("more factual", "more opinionated"),
    "avg_polarity": ("cooler", "warmer"),
    "avg_tweets": ("rarer", "more frequent"),
    "avg_followers": ("smaller circle", "larger circle"),
    "customers": ("fewer", "more"),
}
# Minimum distance of a centroid from the average, in standard deviations, for above or below.
FAR = 0.4


def names(segments: Sequence[Mapping]) -> list[str]:
    """Name for each of `segments` (of one publication), all different.

    The names do not depend on the order of the segments.
    """
    if len(segments) == 1 and segments[0]["share"] == 1:
        return [EVERYBODY]
    plain = [NAMES[tuple(_level(row, *level) for level in LEVELS)] for row in segments]
    result = dict(enumerate(plain))
    for name in set(plain):
        alike = [place for place, other in enumerate(plain) if other == name]
        for place, words in _apart(segments, alike, tuple(APART)).items():
            result[place] = ", ".join((name, *words))
    return [result[place] for place in range(len(segments))]


def side(index: Mapping | None) -> int:
    """-1 or 1 if the whole interval of an `index` is below or above 100, else 0."""
    if not index:
        return 0
    return (index["low"] > 100) - (index["high"] < 100)


def _level(row: Mapping, feature: str, average: str, words: tuple[str, str, str]) -> str:
    """Word for a segment's level: off the middle only if index and centroid (where known) agree."""
    level = side(row["index"].get(average))
    away = row["centroid"].get(feature)
    if away is not None and away * level < FAR:
        level = 0
    return words[1 + level]


def _apart(
    segments: Sequence[Mapping], alike: Sequence[int], figures: Sequence[str]
) -> dict[int, tuple[str, ...]]:
    """Words that distinguish the segments at the places `alike`.

    The segments are split by the figure in which they differ most, then each half by the next
    figure; segments that are still alike get numbers.
    """
    if len(alike) < 2:
        return dict.fromkeys(alike, ())
    if not figures:
        ordered = sorted(alike, key=lambda place: segments[place]["id"])
        return {place: (f"{number}",) for number, place in enumerate(ordered, 1)}
    spread = {name: _spread([segments[place][name] for place in alike]) for name in figures}
    best = max(figures, key=lambda name: spread[name])
    rest = tuple(name for name in figures if name != best)
    if not spread[best]:
        return _apart(segments, alike, ())
    values = {place: segments[place][best] for place in alike}
    middle = (min(values.values()) + max(values.values())) / 2
    words = {}
    for word, half in zip(APART[best], (False, True), strict=True):
        part = [place for place in alike if (values[place] > middle) == half]
        words |= {place: (word, *more) for place, more in _apart(segments, part, rest).items()}
    return words


def _spread(values: Sequence[float]) -> float:
    """Range of `values` as a share of the largest: 0 if all are equal, 1 at most."""
    return (max(values) - min(values)) / max(values) if max(values) else 0.0
