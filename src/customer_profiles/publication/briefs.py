"""Briefs of a segment for marketing: sentences, a card in Markdown, a table in CSV.

A brief is about the group only, and claims nothing whose interval contains 100. The module imports
no third-party library, because the API renders briefs and must start fast.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import log, sqrt

from customer_profiles.project.vocabulary import IN_KIND, VERDICTS
from customer_profiles.publication.names import side

# Names of a segment's figures for readers.
TITLES = {
    "customers": "authors",
    "share": "share of the audience",
    "avg_polarity": "average polarity (0 negative, 1 positive)",
    "avg_subjectivity": "average subjectivity (0 fact, 1 opinion)",
    "no_verified": "verified authors",
    "no_protected": "protected authors",
    "avg_favorites": "likes a post, about",
    "avg_tweets": "posts about the brand, about",
    "avg_account_tweets": "posts of the account, about",
    "avg_followers": "followers, about",
}
# A figure's name in a sentence, its texts for below and above average, and its unit.
SPOKEN = {
    "avg_polarity": (
        "mood", "they speak of the brand more critically", "they speak of the brand more warmly",
        "on a scale from 0, negative, to 1, positive",
    ),
    "avg_subjectivity": (
        "opinion", "they keep to facts more", "they speak their mind more",
        "on a scale from 0, fact, to 1, opinion",
    ),
    "avg_favorites": (
        "likes", "their posts get fewer likes", "their posts get more likes", "likes a post",
    ),
    "avg_tweets": (
        "posts about the brand", "they post about the brand less often",
        "they post about the brand more often", "posts each",
    ),
    "avg_account_tweets": (
        "posts of the account", "their accounts have fewer posts", "their accounts have more posts",
        "posts each",
    ),
    "avg_followers": (
        "followers", "they have fewer followers", "they have more followers", "followers each",
    ),
}  # fmt: skip
HEADLINE = {
    "avg_polarity": ("speak of {} more critically", "speak of {} more warmly"),
    "avg_tweets": ("post about {} less often", "post about {} more often"),
    "avg_followers": ("have fewer followers", "have more followers"),
}
# First characters that a spreadsheet reads as a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
# Rounding of the shares of posts, sometimes a little more.
ROUNDING = 0.05
COUNTS = (
    "Averages of likes, posts and followers are estimated from bins. All figures are rounded so "
    "that no person can be inferred from them, in small groups coarsely."
)
TERMS = (
    "This describes the group as a whole. There is no list of its members, and X's terms forbid "
    "profiling single people."
)


def brief(
    segment: Mapping, summary: Mapping, weekdays: Mapping[str, float], sample: bool
) -> dict[str, str | list[str]]:
    """`headline`, `points` and `caveats` about a `segment` of the audience in the `summary`.

    `weekdays`: the audience's shares of posts. `sample`: True if brand and people are invented. The
    segment's name is not used.
    """
    clear = [name for name, index in segment["index"].items() if side(index)]
    best = max(clear, key=lambda name: _distance(segment["index"][name]), default=None)
    points = [_talk(segment), *_mood(segment, summary)]
    if best:
        points.append(f"Above all, {_difference(segment, summary, best)}")
    points += [
        _sentence(_difference(segment, summary, name))
        for name in ("avg_polarity", "avg_tweets", "avg_favorites", "avg_followers")
        if name in clear and name != best
    ]
    points += _busiest(segment, summary, weekdays)
    return {
        "headline": _headline(segment, clear),
        "points": points,
        "caveats": [*_caveats(segment, summary, clear, sample)],
    }


def markdown(segment: Mapping) -> str:
    """Card of a `segment` as it is published: its brief, figures and caveats."""
    texts = segment["brief"]
    rows = [
        f"| {title} | {_value(name, segment[name])} | {_interval(segment['index'].get(name))} |"
        for name, title in TITLES.items()
    ]
    return "\n".join([
        f"## {segment['name']}", "", f"**{texts['headline']}**", "",
        *(f"- {point}" for point in texts["points"]), "",
        "| | the group | index, 95% interval (100: the whole audience) |", "|---|---|---|",
        *rows, "",
        "Limitations:", "",
        *(f"- {caveat}" for caveat in texts["caveats"]), "",
    ])  # fmt: skip


def table(rows: Iterable[Mapping]) -> str:
    """`rows`, segments for example, as CSV (RFC 4180) with a column for each of their fields."""
    flattened = [flat(row) for row in rows]
    names = dict.fromkeys(name for row in flattened for name in row)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(names))
    writer.writeheader()
    writer.writerows({name: _calm(value) for name, value in row.items()} for row in flattened)
    return text.getvalue()


def flat(row: Mapping) -> dict:
    """Figures of a segment in one row, nested fields as "index.avg_polarity.low".

    The brief is left out, because it is text for readers.
    """
    figures = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            inner = flat(value) if name != "brief" else {}
            figures |= {f"{name}.{field}": number for field, number in inner.items()}
        else:
            figures[name] = value
    return figures


def figure(value: float | int | str) -> str:
    """Number as text: thousands separated, no needless decimals; a bound is unchanged."""
    return value if isinstance(value, str) else f"{value:,.10g}"


def _headline(segment: Mapping, clear: Sequence[str]) -> str:
    who = f"{figure(segment['customers'])} authors, {segment['share']:.0%} of the audience"
    if segment["share"] == 1:
        return f"{figure(segment['customers'])} authors, the whole audience"
    phrases = [
        HEADLINE[name][side(segment["index"][name]) > 0] for name in HEADLINE if name in clear
    ]
    if not phrases:
        return f"{who}, much like the average in mood, activity and reach"
    phrases[0] = phrases[0].format("the brand")
    return f"{who}, who {_listed(text.format('it') for text in phrases)} than average"


def _talk(segment: Mapping) -> str:
    """Sentence on the segment's share of all posts."""
    volume, share = segment["volume"], segment["share"]
    sentence = f"They write {volume:.0%} of all posts about the brand"
    more = side(segment["index"].get("avg_tweets"))
    if more * (volume - share) > 0:
        sentence += f", {'more' if more > 0 else 'less'} than their {share:.0%} of the audience"
    return sentence + "."


def _mood(segment: Mapping, summary: Mapping) -> list[str]:
    """Sentence on the mood of the segment's posts, beside the whole audience's."""
    own, whole = segment["mood"], summary["mood"]
    known = [kind for kind in reversed(own) if own[kind] is not None]
    if not known:
        return []
    sentence = f"Of their posts {_listed(f'{own[kind]:.0%} are {kind}' for kind in known)}"
    if segment["share"] == 1 or None in (whole[kind] for kind in known):
        return [sentence + "."]
    return [f"{sentence}; in the whole audience {_listed(f'{whole[kind]:.0%}' for kind in known)}."]


def _difference(segment: Mapping, summary: Mapping, name: str) -> str:
    _, below, above, unit = SPOKEN[name]
    comparison = above if side(segment["index"][name]) > 0 else below
    about = "" if unit.startswith("on a") else "about "
    index = segment["index"][name]
    return (
        f"{comparison} than average: {about}{figure(segment[name])} {unit}, against "
        f"{about}{figure(summary[name])} in the audience (index {index['index']}, 95% interval "
        f"{index['low']} to {index['high']})."
    )


def _busiest(segment: Mapping, summary: Mapping, weekdays: Mapping[str, float]) -> list[str]:
    """Sentence on the weekday most above the audience's, if by more than rounding and chance."""
    posts = max(segment["volume"] * summary["posts"], 1)
    clear = {
        day: share - weekdays[day]
        for day, share in segment["weekdays"].items()
        if share is not None
        and weekdays[day]
        and share - weekdays[day] > ROUNDING + 2 * sqrt(weekdays[day] * (1 - weekdays[day]) / posts)
    }
    if not clear:
        return []
    day = max(clear, key=clear.get)
    return [
        f"They post more on {day.capitalize()}: {segment['weekdays'][day]:.0%} of their posts, "
        f"against {weekdays[day]:.0%} in the audience."
    ]


def _caveats(
    segment: Mapping, summary: Mapping, clear: Sequence[str], sample: bool
) -> Iterator[str]:
    whole, clusters = segment["share"] == 1, summary["clusters"]
    if sample:
        yield "The brand and the people of the sample are invented."
    if segment["small"]:
        yield "The group is a small part of the audience and may be due to chance."
    if whole or clusters["verdict"] != IN_KIND:
        yield VERDICTS[clusters["verdict"]]
    if whole:
        yield "These are the figures of the whole audience."
    elif segment["stability"] is not None and segment["stability"] < clusters["jaccard"]:
        yield (
            "The group is only partly found again when the audience is resampled (similarity "
            f"{segment['stability']:.2f}, {clusters['jaccard']:g} is required): do not rely on it."
        )
    unclear = [SPOKEN[name][0] for name in segment["index"] if name not in clear]
    if unclear and not whole:
        yield (
            f"Not clearly different from the audience, as 100 lies in the interval: "
            f"{', '.join(unclear)}."
        )
    if None in (*segment["mood"].values(), *segment["weekdays"].values()):
        yield "Some shares of posts are suppressed: they come from too few people."
    yield COUNTS
    yield TERMS


def _distance(index: Mapping) -> float:
    """Distance of the nearer end of the interval from 100, as the logarithm of their ratio."""
    nearer = index["low"] if side(index) > 0 else index["high"]
    return abs(log(max(nearer, 1) / 100))


def _interval(index: Mapping | None) -> str:
    return f"{index['index']} ({index['low']} to {index['high']})" if index else ""


def _value(name: str, value: float | int | str) -> str:
    return f"{value:.0%}" if name == "share" else figure(value)


def _calm(value: object) -> object:
    """`value`, escaped so that no spreadsheet reads it as a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _listed(texts: Iterable[str]) -> str:
    *first, last = texts
    return f"{', '.join(first)} and {last}" if first else last


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
