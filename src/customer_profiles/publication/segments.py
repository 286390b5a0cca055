"""What is published of the clusters: groups of people, never one of them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date

import pandas as pd

from customer_profiles.privacy import cells
from customer_profiles.privacy.aggregates import Aggregate
from customer_profiles.project.vocabulary import CLASSES, POLARITY_STEPS, WEEKDAYS
from customer_profiles.publication import briefs
from customer_profiles.publication.document import CLUSTERS, CURVES, SEGMENT
from customer_profiles.publication.names import names


def shown(people: pd.DataFrame, k: int) -> list[int]:
    """The segments of `people` (profiles with `segment`) that are published, the first first.

    A segment below `k`, and one from which its size could be had by subtraction, is left out.
    """
    table = cells.cells(people.assign(all=0), ("all", "segment"), k)
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
            "no_verified": cells.part(int(part["verified"].sum()), len(part), k),
            "no_protected": cells.part(int(part["protected"].sum()), len(part), k),
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
    """The `described` segments with all that a persona has, as `document.SEGMENT` lists it.

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
    shown = observations["day"].isin(cells.groups(observations, ["day"], k, "author")["day"])
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
    mix = cells.groups(observations, ["label"], k, "author").set_index("label")["rows"]
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
