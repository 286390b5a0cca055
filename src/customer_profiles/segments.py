"""What is published of the clusters: groups of people, never one of them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from math import floor, log10

import numpy as np
import pandas as pd

from customer_profiles import privacy
from customer_profiles.observations import AUTHOR_COUNTS, CLASSES, POLARITY_STEPS, POST_COUNTS

# The original's nine figures, and the profile field each is estimated from.
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

    Averages of counts are estimated from the typical value of each bin of `edges`, and rounded
    to two digits; `steps` are the marks of the averages of mood. A segment below `k`, and one
    from which its size could be had by subtraction, is left out.
    """
    shown = privacy.cells(people.assign(all=0), ("all", "segment"), k)
    rows = []
    for segment in shown.loc[shown["shown"], "segment"]:
        part = people[people["segment"] == segment]
        rows.append({
            "id": int(segment),
            "customers": len(part),
            "share": round(len(part) / len(people), 3),
            **_mood(part, steps),
            "no_verified": privacy.part(int(part["verified"].sum()), len(part), k),
            "no_protected": privacy.part(int(part["protected"].sum()), len(part), k),
            **{name: _estimate(part[field], edges[field]) for name, field in AVERAGES.items()},
        })  # fmt: skip
    return rows


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
    """`day`, `posts`, `avg_polarity` of each day with at least `k` authors; and these authors."""
    days = observations.groupby("day").agg(
        posts=("author", "size"), authors=("author", "nunique"), polarity=("polarity", "mean")
    )
    days = days[days["authors"] >= k]
    rows = [
        {
            "day": day,
            "posts": int(row.posts),
            "avg_polarity": round(row.polarity / POLARITY_STEPS, 2),
        }
        for day, row in zip(days.index, days.itertuples(), strict=True)
    ]
    return rows, days["authors"].tolist()


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
    return table.astype(str).agg("/".join, axis=1)


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
    people: pd.DataFrame, observations: pd.DataFrame, days: Sequence[dict], steps: Mapping
) -> dict:
    """The whole audience in a few figures; first and last of the published `days` only."""
    mix = observations["label"].value_counts(normalize=True)
    return {
        "authors": len(people),
        "posts": len(observations),
        "first_day": days[0]["day"] if days else "",
        "last_day": days[-1]["day"] if days else "",
        **_mood(people, steps),
        "mood": {name: round(float(mix.get(name, 0.0)), 2) for name in CLASSES},
    }


def at_rest(profiles: pd.DataFrame) -> dict[str, float]:
    """What a thief of the database could do: share of profiles with nobody alike.

    `uniqueness` in all fields, `linkage` in those that can be looked up on X.
    """
    return {
        "uniqueness": privacy.uniqueness(profiles, (*KNOWABLE, *MOOD, *MONTHS)),
        "linkage": privacy.uniqueness(profiles, KNOWABLE),
    }


def identified(publication: dict) -> dict:
    """`publication` with `_id`: a hash of its content, so the same content is the same one."""
    content = json.dumps(publication, sort_keys=True, allow_nan=False)
    return {"_id": hashlib.sha256(content.encode()).hexdigest()[:16], **publication}


def _mood(people: pd.DataFrame, steps: Mapping) -> dict[str, float]:
    means = {
        name: float(people[name].mean()) / steps[name] for name in ("polarity", "subjectivity")
    }
    return {f"avg_{name}": round(mean, 2) for name, mean in means.items()}


def _estimate(bins: pd.Series, edges: Sequence[int]) -> float:
    mean = float(privacy.bin_values(edges)[bins.to_numpy(dtype=int)].mean())
    return mean if mean == 0 else round(mean, 1 - floor(log10(mean)))
