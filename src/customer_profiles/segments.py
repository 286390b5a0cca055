"""What is published of the clusters: groups of people, never one of them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd

from customer_profiles import briefs, privacy
from customer_profiles.aggregates import Aggregate
from customer_profiles.observations import AUTHOR_COUNTS, CLASSES, POLARITY_STEPS, POST_COUNTS
from customer_profiles.personas import names
from customer_profiles.publication import CLUSTERS, CURVES, SEGMENT, WEEKDAYS

# What somebody who knows an author could compare a stolen profile with.
KNOWABLE = ("posts", *AUTHOR_COUNTS, "verified", "protected")
MOOD = ("polarity", "subjectivity", *CLASSES, *POST_COUNTS)
MONTHS = ("first_month", "last_month")


def shown(people: pd.DataFrame, k: int) -> list[int]:
    """The segments of `people` (profiles with `segment`) that are published, the first first.

    A segment below `k`, and one from which its size could be had by subtraction, is left out.
    """
    table = privacy.cells(people.assign(all=0), ("all", "segment"), k)
    return table.loc[table["shown"], "segment"].tolist()


def describe(people: pd.DataFrame, aggregates: Sequence[Aggregate], k: int) -> list[dict]:
    """The nine figures and shares of each segment of `people` that has its aggregate."""
    rows = []
    for aggregate in aggregates:
        part = people[people["segment"] == aggregate.segment]
        figures = {
            "id": aggregate.segment,
            "customers": len(part),
            # 1 is everybody, and said to be.
            "share": 1.0
            if len(part) == len(people)
            else min(round(len(part) / len(people), 3), 0.999),
            "no_verified": privacy.part(int(part["verified"].sum()), len(part), k),
            "no_protected": privacy.part(int(part["protected"].sum()), len(part), k),
        }
        rows.append(figures | aggregate.published())
    return rows


def personas(
    described: Sequence[dict],
    report: Mapping,
    whole: Mapping,
    days: Sequence[dict],
    sample: bool,
) -> list[dict]:
    """The `described` segments with all that a persona has, as `publication.SEGMENT` lists it.

    `report` is that of the clusters (data/reports/clusters.json), `whole` the `summary`, `days` are
    as `mood_daily` gives them.
    """
    rows = [row | _of_cluster(row["id"], report) for row in described]
    weekdays = _weekdays(days)
    found = []
    for row, name in zip(rows, names(rows), strict=True):
        told = briefs.brief(row, whole, weekdays, sample)
        row |= {"name": name, "brief": told}
        found.append({key: row[key] for key in SEGMENT["properties"]})
    return found


def titled(described: Sequence[dict]) -> pd.DataFrame:
    """Segments as `describe` gives them as texts to read: a column for each, its figures below."""
    columns = {
        f"segment {row['id'] + 1}": {
            title: f"{row[name]:.0%}" if name == "share" else briefs.figure(row[name])
            for name, title in briefs.TITLES.items()
        }
        for row in described
    }
    return pd.DataFrame(columns, index=list(briefs.TITLES.values()), dtype=object)


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

    Raises ValueError for a field that profiles do not have, and for cuts that do not rise from 1.
    """
    unknown = [name for name in cuts if name not in people.columns]
    if unknown:
        raise ValueError(
            f"publish.tiers names {', '.join(unknown)}, which profiles do not have; they have "
            f"{', '.join(KNOWABLE)}"
        )
    for name, at in cuts.items():
        if not _rising(at):
            raise ValueError(
                f"publish.tiers.{name} must list the bins where its tiers begin, rising, from 1; "
                f"got {at!r}"
            )
    fields = {name: np.searchsorted(at, people[name], side="right") for name, at in cuts.items()}
    return pd.DataFrame({"segment": people["segment"], **fields})


def cell_codes(table: pd.DataFrame) -> pd.Series:
    """The cell of each row of `table` (as `tiers` gives it) in one word: "0/2/1"."""
    first, *others = (table[name].astype(str) for name in table)
    return first.str.cat(others, sep="/")


def tier_names(
    cuts: Mapping[str, Sequence[int]], edges: Mapping[str, Sequence[int]]
) -> dict[str, list[str]]:
    """What the tiers of each field of `cuts` are called, by the counts where they begin.

    Raises ValueError for no field, for one without bins (`edges`), and for a bin it does not have.
    """
    if not cuts:
        raise ValueError("publish.tiers names no field; name one at least, and where tiers begin")
    for name, at in cuts.items():
        bins = len(edges.get(name, ()))
        if at[-1] > bins:
            raise ValueError(
                f"publish.tiers.{name} begins a tier at bin {at[-1]}, and the last bin of {name} "
                f"is {bins}; bins are cut in sections score and load, of {', '.join(edges)}"
            )
    return {name: privacy.bin_names([edges[name][cut - 1] for cut in cuts[name]]) for name in cuts}


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
    averages: Mapping[str, float],
    report: Mapping,
    curves: pd.DataFrame,
    flagged: Mapping,
    k: int,
) -> dict:
    """The whole audience in a few figures; first and last of the published `days` only.

    `averages` as `aggregates.of_everybody` gives them; `report` and `curves` are of the clusters;
    `flagged`: the share of flagged posts, and whether they are `flagged_excluded`.
    `mood`: shares of the posts by class; None where it would not show k authors, or leave fewer.
    """
    mix = privacy.groups(observations, ["label"], k, "author").set_index("label")["rows"]
    shares = {name: round(float(rows / len(observations)), 2) for name, rows in mix.items()}
    return {
        "authors": len(people),
        "posts": len(observations),
        "first_day": days[0]["day"] if days else "",
        "last_day": days[-1]["day"] if days else "",
        **averages,
        "mood": {name: shares.get(name) for name in CLASSES},
        **flagged,
        "clusters": {
            **{name: report[name] for name in CLUSTERS["properties"] if name != "curves"},
            "curves": curves[list(CURVES["properties"])].to_dict("records"),
        },
    }


def identified(publication: dict) -> dict:
    """`publication` with `_id`: a hash of its content, so the same content is the same one."""
    content = json.dumps(publication, sort_keys=True, allow_nan=False)
    return {"_id": hashlib.sha256(content.encode()).hexdigest()[:16], **publication}


def _rising(cuts: object) -> bool:
    whole = isinstance(cuts, list | tuple) and all(type(cut) is int for cut in cuts)
    return bool(whole and cuts and cuts[0] > 0 and all(a < b for a, b in pairwise(cuts)))


def _of_cluster(number: int, report: Mapping) -> dict:
    """What is known of a cluster: if it is `small`, and its `stability`.

    None for everybody, and where each different profile is a cluster by hand: nothing was weighed.
    """
    held = report["stability"]["jaccard"]
    return {
        "stability": round(held[number], 2) if held and len(report["sizes"]) > 1 else None,
        "small": number + 1 in report["small"],
    }


def _weekdays(days: Sequence[dict]) -> dict[str, float]:
    """Shares of the posts of the shown `days` by weekday."""
    posts = dict.fromkeys(WEEKDAYS, 0)
    for row in days:
        posts[WEEKDAYS[date.fromisoformat(row["day"]).weekday()]] += row["posts"]
    total = max(sum(posts.values()), 1)
    return {name: number / total for name, number in posts.items()}
