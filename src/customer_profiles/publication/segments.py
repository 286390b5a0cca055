"""Published segments: descriptions of groups of people, never of one person."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date

import pandas as pd

from customer_profiles.privacy import cells
from customer_profiles.privacy.aggregates import Aggregate
from customer_profiles.project.vocabulary import CLASSES, EVERYBODY, WEEKDAYS
from customer_profiles.publication import briefs
from customer_profiles.publication.document import CLUSTERS, CURVES, SEGMENT
from customer_profiles.publication.names import names


def published_segments(people: pd.DataFrame, k: int) -> list[int]:
    """Published segments of `people` (profiles with `segment`), in ascending order.

    A segment below `k` is suppressed, and so is one from which its size could be computed by
    subtraction.
    """
    table = cells.cells(people.assign(all=0), ("all", "segment"), k)
    return table.loc[table["shown"], "segment"].tolist()


def describe(people: pd.DataFrame, aggregates: Sequence[Aggregate], k: int) -> list[dict]:
    """Nine figures and the shares of each segment of `people` that has an aggregate."""
    rows = []
    for aggregate in aggregates:
        part = people[people["segment"] == aggregate.segment]
        figures = {
            "id": aggregate.segment,
            "customers": len(part),
            # Only everybody has the share 1.
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
    """Personas of the `described` segments, with all fields that `document.SEGMENT` lists.

    `report` is that of the clusters (data/reports/clusters.json), `whole` the `summary`; `days` are
    as `mood_daily` gives them.
    """
    rows = [row | _of_cluster(row["id"], report) for row in described]
    weekdays = _weekdays(days)
    complete = []
    for row, name in zip(rows, names(rows), strict=True):
        brief = briefs.brief(row, whole, weekdays, sample)
        row |= {"name": name, "brief": brief}
        complete.append({key: row[key] for key in SEGMENT["properties"]})
    return complete


def as_one(report: Mapping, number: int, why: str) -> dict:
    """Report on the clusters if everybody is published as one segment in place of a `number`.

    `why` is a clause: what did not hold with these segments.
    """
    reason = report["reason"]
    return {
        **report,
        "k": 1,
        "verdict": EVERYBODY,
        "reason": f"Published as one segment, because with {number} segments {why}. By evidence: "
        f"{reason[0].lower()}{reason[1:]}",
        "small": [],
        "stability": {**report["stability"], "jaccard": []},
    }


def titled(described: Sequence[dict]) -> pd.DataFrame:
    """Table of segments as `describe` gives them, as texts: a column each, its figures below."""
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

    A day is shown if it has at least `k` authors, and all other days together have none or at least
    `k`. Reason: the other days can be computed by subtracting the shown days from the whole. The
    numbers are those of each shown day, then, if there is any other day, that of all others
    together.
    """
    published = observations["day"].isin(cells.groups(observations, ["day"], k, "author")["day"])
    days = observations[published].groupby("day").agg(
        posts=("author", "size"), authors=("author", "nunique"), polarity=("polarity", "mean")
    )  # fmt: skip
    rows = [
        {
            "day": day,
            "posts": int(row.posts),
            "avg_polarity": round(row.polarity, 2),
        }
        for day, row in zip(days.index, days.itertuples(), strict=True)
    ]
    others = int(observations.loc[~published, "author"].nunique())
    return rows, days["authors"].tolist() + ([others] if others else [])


def summary(
    people: pd.DataFrame,
    observations: pd.DataFrame,
    days: Sequence[dict],
    averages: Mapping[str, float],
    report: Mapping,
    curves: pd.DataFrame,
    posts: Mapping,
    k: int,
) -> dict:
    """Figures of the whole audience; first and last day are those of the published `days`.

    `averages` as `aggregates.of_everybody` gives them; `report` and `curves` are of the clusters;
    `posts`: the share `flagged`, whether they are `flagged_excluded`, the `unread`, and the
    `caution` about the model. `mood`: shares of the posts by class; None where the share, or the
    remainder, has fewer than k authors.
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
        **posts,
        "clusters": {
            **{name: report[name] for name in CLUSTERS["properties"] if name != "curves"},
            "curves": curves[list(CURVES["properties"])].to_dict("records"),
        },
    }


def identified(publication: dict) -> dict:
    """`publication` with `_id`, a hash of its content: equal content has an equal `_id`."""
    content = json.dumps(publication, sort_keys=True, allow_nan=False)
    return {"_id": hashlib.sha256(content.encode()).hexdigest()[:16], **publication}


def _of_cluster(number: int, report: Mapping) -> dict:
    """Fields `small` and `stability` of a cluster.

    `stability` is None for a single segment. It is also None where each different profile is a
    cluster by hand, because no evidence was computed.
    """
    jaccards = report["stability"]["jaccard"]
    return {
        "stability": round(jaccards[number], 2) if jaccards and len(report["sizes"]) > 1 else None,
        "small": number + 1 in report["small"],
    }


def _weekdays(days: Sequence[dict]) -> dict[str, float]:
    """Shares of the posts of the shown `days` by weekday."""
    posts = dict.fromkeys(WEEKDAYS, 0)
    for row in days:
        posts[WEEKDAYS[date.fromisoformat(row["day"]).weekday()]] += row["posts"]
    total = max(sum(posts.values()), 1)
    return {name: number / total for name, number in posts.items()}
