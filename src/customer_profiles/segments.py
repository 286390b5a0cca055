"""What is published of the clusters: groups of people, never one of them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import count
from math import floor, log10

import numpy as np
import pandas as pd

from customer_profiles import attacks, privacy
from customer_profiles.observations import AUTHOR_COUNTS, CLASSES, POLARITY_STEPS, POST_COUNTS

# The original's nine figures, and the profile field each is estimated from.
MOOD_AVERAGES = {"avg_polarity": "polarity", "avg_subjectivity": "subjectivity"}
AVERAGES = {
    "avg_favorites": "favorites",
    "avg_tweets": "posts",
    "avg_account_tweets": "account_posts",
    "avg_followers": "followers",
}
# What readers call the figures of a segment.
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
# What somebody who knows an author could compare a stolen profile with.
KNOWABLE = ("posts", *AUTHOR_COUNTS, "verified", "protected")
MOOD = ("polarity", "subjectivity", *CLASSES, *POST_COUNTS)
MONTHS = ("first_month", "last_month")


def describe(people: pd.DataFrame, edges: Mapping, steps: Mapping, k: int) -> list[dict]:
    """The nine figures of each segment of `people` (profiles with `segment`), largest first.

    Averages of counts are estimated from the typical value of each bin of `edges`; `steps` are the
    marks of the averages of mood. All are rounded so far that nobody who knows every member but
    one can name that one from them (`averaged`). A segment below `k`, and one from
    which its size could be had by subtraction, is left out.
    """
    shown = privacy.cells(people.assign(all=0), ("all", "segment"), k)
    alike = alike_by_segment(people, edges, steps)
    rows = []
    for segment in shown.loc[shown["shown"], "segment"]:
        part = people[people["segment"] == segment]
        row = {
            "id": int(segment),
            "customers": len(part),
            "share": round(len(part) / len(people), 3),
            "no_verified": privacy.part(int(part["verified"].sum()), len(part), k),
            "no_protected": privacy.part(int(part["protected"].sum()), len(part), k),
            **dict(zip(alike.index.names, averaged(alike, segment, k)[0].tolist(), strict=True)),
        }
        rows.append({name: row[name] for name in ("id", *TITLES)})
    return rows


def alike_by_segment(people: pd.DataFrame, edges: Mapping, steps: Mapping) -> pd.DataFrame:
    """How many people of each segment (columns) share the values that are averaged (index).

    One level of the index per figure: MOOD_AVERAGES from 0 to 1, then AVERAGES as counts.
    """
    values = {name: people[field] / steps[field] for name, field in MOOD_AVERAGES.items()}
    values |= {
        name: privacy.bin_values(edges[field])[people[field].to_numpy(dtype=int)]
        for name, field in AVERAGES.items()
    }
    frame = pd.DataFrame(values, people.index)
    sizes = frame.assign(segment=people["segment"]).value_counts(sort=False)
    return sizes.unstack("segment", fill_value=0)


def averaged(alike: pd.DataFrame, segment: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Averages of one segment, rounded, and the units they are rounded to: float (figures,) each.

    Two decimals of mood and two digits of a count; where a member could then be named with more
    than 1/k (`deducible`), units of 2, 5, 10 … times as much.
    """
    members = alike[segment].to_numpy()
    means = members @ alike.index.to_frame().to_numpy() / members.sum()
    finest = np.array([
        0.01 if name in MOOD_AVERAGES else _two_digits(mean)
        for name, mean in zip(alike.index.names, means, strict=True)
    ])  # fmt: skip
    factors = (digit * 10**power for power in count() for digit in (1, 2, 5))
    # Ends: in units far larger than any value all averages are 0 and tell nobody apart.
    for units in (finest * factor for factor in factors):
        averages = np.round(np.round(means / units) * units, 2)
        found = deducible(alike, segment, averages, units)
        if max(outcome.success for outcome in found.values()) <= 1 / k:
            return averages, units


def deducible(
    alike: pd.DataFrame, segment: int, averages: np.ndarray, units: np.ndarray
) -> dict[str, attacks.Outcome]:
    """What attackers who know all members of a segment but one make of its `averages`.

    `last_member`: of all figures together. `extreme_values`: of one, the worst of them.
    """
    members = alike[segment].to_numpy()
    values, others = alike.index.to_frame().to_numpy(), alike.sum(axis=1).to_numpy() - members
    extremes = (
        attacks.extreme_values(figure, members, others, average, unit)
        for figure, average, unit in zip(values.T, averages, units, strict=True)
    )
    return {
        "extreme_values": max(extremes),
        "last_member": attacks.last_member(values, members, others, averages, units),
    }


def figure(value: float | int | str) -> str:
    """A number for readers: thousands apart, no needless decimals; a bound as it is."""
    return value if isinstance(value, str) else f"{value:,.10g}"


def titled(described: Sequence[dict]) -> pd.DataFrame:
    """Segments as `describe` gives them as texts to read: a column for each, its figures below."""
    columns = {
        f"segment {row['id'] + 1}": {
            TITLES[name]: f"{value:.0%}" if name == "share" else figure(value)
            for name, value in row.items()
            if name in TITLES
        }
        for row in described
    }
    return pd.DataFrame(columns, index=list(TITLES.values()), dtype=object)


def mood_daily(observations: pd.DataFrame, k: int) -> tuple[list[dict], list[int]]:
    """`day`, `posts`, `avg_polarity` of each day that is shown; and numbers of authors.

    A day is shown with at least `k` authors, and so that behind all the others together there are
    none or `k`: the whole less the shown days are these. The numbers are those of each shown day,
    then, if there is any other, those of all others together.
    """
    shown = observations["day"].isin(privacy.groups(observations, ["day"], k, "author")["day"])
    days = observations[shown].groupby("day").agg(
        posts=("author", "size"), authors=("author", "nunique"), polarity=("polarity", "mean")
    )  # fmt: skip
    rows = [
        {
            "day": day,
            "posts": int(row.posts),
            "avg_polarity": round(row.polarity / POLARITY_STEPS, 2),
        }
        for day, row in zip(days.index, days.itertuples(), strict=True)
    ]
    others = int(observations.loc[~shown, "author"].nunique())
    return rows, days["authors"].tolist() + ([others] if others else [])


def tiers(people: pd.DataFrame, cuts: Mapping[str, Sequence[int]]) -> pd.DataFrame:
    """`segment` and, for each field of `cuts`, its tier: the number of bins it has reached.

    Raises ValueError for a field that profiles do not have.
    """
    unknown = [name for name in cuts if name not in people.columns]
    if unknown:
        raise ValueError(
            f"publish.tiers names {', '.join(unknown)}, which profiles do not have; they have "
            f"{', '.join(KNOWABLE)}"
        )
    fields = {name: np.searchsorted(at, people[name], side="right") for name, at in cuts.items()}
    return pd.DataFrame({"segment": people["segment"], **fields})


def cell_codes(table: pd.DataFrame) -> pd.Series:
    """The cell of each row of `table` (as `tiers` gives it) in one word: "0/2/1"."""
    first, *others = (table[name].astype(str) for name in table)
    return first.str.cat(others, sep="/")


def tier_names(cuts: Sequence[int], edges: Sequence[int]) -> list[str]:
    """What the tiers of a field are called, by the counts where they begin."""
    return privacy.bin_names([edges[cut - 1] for cut in cuts])


def named_cells(table: pd.DataFrame, names: Mapping[str, Sequence[str]]) -> list[dict]:
    """Shown rows of `table` (as `privacy.cells` gives it), tiers by the `names` of their field."""
    shown = table[table["shown"]]
    return [
        {
            "segment": int(row["segment"]),
            **{field: names[field][row[field]] for field in names},
            "authors": int(row["authors"]),
        }
        for row in shown.to_dict("records")
    ]


def summary(
    people: pd.DataFrame,
    observations: pd.DataFrame,
    days: Sequence[dict],
    steps: Mapping,
    k: int,
) -> dict:
    """The whole audience in a few figures; first and last of the published `days` only.

    `mood` is the mix of the classes behind which enough authors stand; another one counts as 0.
    """
    mix = privacy.groups(observations, ["label"], k, "author").set_index("label")["rows"]
    means = {name: people[field].mean() / steps[field] for name, field in MOOD_AVERAGES.items()}
    return {
        "authors": len(people),
        "posts": len(observations),
        "first_day": days[0]["day"] if days else "",
        "last_day": days[-1]["day"] if days else "",
        **{name: round(float(mean), 2) for name, mean in means.items()},
        "mood": {name: round(float(mix.get(name, 0) / max(mix.sum(), 1)), 2) for name in CLASSES},
    }


def identified(publication: dict) -> dict:
    """`publication` with `_id`: a hash of its content, so the same content is the same one."""
    content = json.dumps(publication, sort_keys=True, allow_nan=False)
    return {"_id": hashlib.sha256(content.encode()).hexdigest()[:16], **publication}


def _two_digits(mean: float) -> float:
    """Unit that leaves two digits of `mean`, one of them behind the point at most."""
    return 10.0 ** max(floor(log10(mean)) - 1, -1) if mean else 0.1
