"""Privacy-utility curve of coarser bins, the reason for the choice in params.yaml.

Risk is the share of people who could be recognised. Utility is the agreement of K-Means on coarse
profiles with K-Means on exact ones (adjusted Rand index, Hubert and Arabie 1985).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from customer_profiles.privacy import attacks, cells, generalisation
from customer_profiles.privacy.generalisation import years_between
from customer_profiles.project import vocabulary
from customer_profiles.project.vocabulary import (
    AUTHOR_COUNTS,
    CLASSES,
    POLARITY_STEPS,
    POST_COUNTS,
    SUBJECTIVITY_STEPS,
)
from customer_profiles.segments import clustering
from customer_profiles.segments.evidence import elbow, scan

# Scores of a post that are averaged, and the steps of their grid in an observation.
AVERAGES = {"polarity": POLARITY_STEPS, "subjectivity": SUBJECTIVITY_STEPS}
# First digits at which the bins of a decade begin, and equally fine steps of the averages.
LADDER = {"bins at 1, 2, 5": ((1, 2, 5), 10), "bins at 1, 3": ((1, 3), 6), "decades": ((1,), 4)}
DECADES = 10
# Number of K-Means fits whose mean is an agreement.
SEEDS = 3


@dataclass(frozen=True)
class Option:
    """Granularity of profiles.

    `coarse` maps a field and its exact counts to the coarse values, on a logarithmic scale;
    integers are bins. `steps`: marks of polarity, subjectivity and mix; a field without steps is
    exact.
    """

    name: str
    coarse: Callable[[str, pd.Series], np.ndarray]
    steps: Mapping[str, int] = field(default_factory=dict)


def _logarithm(_: str, counts: pd.Series) -> np.ndarray:
    return np.log1p(counts.to_numpy(dtype=float))


EXACT = Option("exact", _logarithm)


def exact(
    posts: pd.DataFrame, authors: pd.DataFrame, observations: pd.DataFrame, ids: Sequence[str]
) -> pd.DataFrame:
    """`observations` of these posts, with exact counts of `posts` and `authors` instead of bins.

    `posts` and `authors` as `pages.collect` gives them, `ids` the posts' pseudonyms in order.
    """
    counts = posts.assign(_id=list(ids)).merge(authors, on="author_id", validate="many_to_one")
    counts["account_age"] = years_between(counts["created"], counts["day"])
    fields = [*POST_COUNTS, *AUTHOR_COUNTS]
    return observations.drop(columns=fields).merge(
        counts[["_id", *fields]], on="_id", validate="one_to_one"
    )


def accounts(metrics: pd.DataFrame) -> pd.DataFrame:
    """Rows as `exact` gives them, of a table of accounts: only counts, no posts and no moods.

    `metrics` holds followers, following, listed, posts, verified and created_year. A missing count
    is 0, as in X's pages; the age is counted up to the newest account's year.
    """
    return pd.DataFrame({
        "author": metrics.index,
        **metrics[["followers", "following", "listed"]].fillna(0),
        "account_posts": metrics["posts"].fillna(0),
        "account_age": metrics["created_year"].max() - metrics["created_year"],
        "verified": metrics["verified"].astype(bool),
    })  # fmt: skip


def profiles(rows: pd.DataFrame, option: Option) -> pd.DataFrame:
    """One row per `author` of `rows` (as `exact` gives them), as coarse as `option`.

    With integer bins the rows are equal to those that the store derives. Fields that `rows` lack
    are left out. Rows without a day are accounts and not posts, so they are not counted.
    """
    people = rows.groupby("author")
    columns = {}
    if "day" in rows:
        columns["posts"] = option.coarse("posts", people.size())
        columns["first_month"] = people["day"].min().str[:7]
        columns["last_month"] = people["day"].max().str[:7]
    for name in POST_COUNTS:
        if name in rows:
            coarse = pd.Series(option.coarse(name, rows[name]), rows.index)
            columns[name] = _mean(coarse.groupby(rows["author"]).mean(), coarse.dtype.kind == "i")
    for name, grid in AVERAGES.items():
        if name in rows:
            columns[name] = _marks(people[name].mean() / grid, option.steps.get(name))
    for name in CLASSES if "label" in rows else ():
        share = (rows["label"] == name).groupby(rows["author"]).mean()
        columns[name] = _marks(share, option.steps.get("mix"))
    latest = people[[name for name in (*AUTHOR_COUNTS, "verified", "protected") if name in rows]]
    for name, values in latest.max().items():
        columns[name] = option.coarse(name, values) if name in AUTHOR_COUNTS else values
    return pd.DataFrame(columns, index=latest.max().index)


def ladder(rows: pd.DataFrame) -> list[Option]:
    """Options from exact to two bins a field.

    The edges of two and three bins are quantiles of `rows`, rounded to one digit, so that the bins
    hold equally many people.
    """
    people = rows.groupby("author")
    values = people[[name for name in (*POST_COUNTS, *AUTHOR_COUNTS) if name in rows]].mean()
    values["posts"] = people.size()
    options = [EXACT, Option("two digits", _two_digits, _steps(100))]
    for name, (begins, marks) in LADDER.items():
        every = [begin * 10**power for power in range(DECADES) for begin in begins]
        options.append(binned(name, dict.fromkeys(values, every), _steps(marks)))
    for name, parts in {"three bins": 3, "two bins": 2}.items():
        at = values.quantile([part / parts for part in range(1, parts)])
        edges = {name: sorted({_one_digit(value) for value in at[name]}) for name in at}
        options.append(binned(name, edges, _steps(2)))
    return options


def binned(name: str, edges: Mapping[str, Sequence[int]], steps: Mapping[str, int]) -> Option:
    """Option of these bin `edges` and `steps`."""
    return Option(name, lambda field, counts: generalisation.binned(counts, edges[field]), steps)


def coarser(chosen: Option, edges: Mapping[str, Sequence[int]]) -> list[Option]:
    """Options with one edge of `chosen` removed, each in turn, named for the edge's field.

    A field's only edge stays: without an edge the field would carry no information.
    """
    return [
        binned(name, {**edges, name: [edge for edge in at if edge != removed]}, chosen.steps)
        for name, at in edges.items()
        if len(at) > 1
        for removed in at
    ]


def curve(
    rows: pd.DataFrame,
    options: Iterable[Option],
    features: Mapping[str, float],
    k: int,
    seeds: Sequence[int],
    truth: pd.Series | None = None,
) -> pd.DataFrame:
    """Risk and utility of each of `options` on `rows`, one row each.

    Columns: `option`; `bins`, the average number of values of a feature; `uniqueness`, the share of
    people who are unique in all fields; `linkage`, the expected share recognised by the fields that
    X shows to all (`attacks.linkage`); `agreement` of K-Means (`k` clusters on `features`, names
    with weights) with K-Means on exact values, the mean over `seeds`. With `truth`, a known group
    by author, also the agreement with that.
    """
    exactly = profiles(rows, EXACT)
    wanted = {seed: _labels(exactly, features, k, seed) for seed in seeds}
    table = []
    for option in options:
        people = profiles(rows, option)
        known = [name for name in cells.KNOWABLE if name in people]
        labels = {seed: _labels(people, features, k, seed) for seed in seeds}
        table.append({
            "option": option.name,
            "bins": float(people[list(features)].nunique().mean()),
            "uniqueness": cells.uniqueness(people, list(people.columns)),
            "linkage": attacks.linkage(people[known], people[known]).success,
            "agreement": _adjusted_rand(wanted, labels),
        })  # fmt: skip
        if truth is not None:
            table[-1]["truth"] = _adjusted_rand(dict.fromkeys(seeds, truth[people.index]), labels)
    return pd.DataFrame(table)


def evidence(
    rows: pd.DataFrame,
    edges: Mapping[str, Sequence[int]],
    steps: Mapping[str, int],
    tiers: Mapping[str, Sequence[int]],
    cluster: Mapping,
    k: int,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Three tables on `rows`: curve of the ladder, curve of one bin less, published tiers.

    The first is the `curve` of the ladder and of the chosen `edges` and `steps`. The second is the
    `curve` of the options that are one bin `coarser`. The third is `published` of `tiers` and of
    their alternatives (`tuples`).

    `cluster` is that section of params.yaml. The number of clusters is chosen on exact features, by
    elbow or else silhouette. Shares of fewer than `k` people are raised to `k`, because such a
    number is never shown.
    """
    chosen, seed = binned("chosen", edges, steps), cluster["seed"]
    exactly, people = profiles(rows, EXACT), profiles(rows, chosen)
    present = {name: at for name, at in edges.items() if name in people}
    features = {name: at for name, at in cluster["features"].items() if name in people}
    matrix = clustering.drawn(clustering.scaled(exactly, features), seed)
    # A hundred small fits: on a busy machine threads wait for each other longer than they work.
    with threadpool_limits(1):
        scores = scan(matrix, range(cluster["k_min"], cluster["k_max"] + 1), seed)
        clusters = elbow(scores) or int(scores.loc[scores["silhouette"].idxmax(), "k"])
        seeds = range(seed, seed + SEEDS)
        tables = [
            curve(rows, options, features, clusters, seeds)
            for options in ([*ladder(rows), chosen], coarser(chosen, present))
        ]
    for table in tables:
        table["uniqueness"] = table["uniqueness"].clip(lower=k / len(people))
    people["segment"] = _labels(people, features, clusters, seed)
    known = [name for name in ("verified", "following") if name not in tiers]
    return *tables, published(people, tuples(tiers, known), k)


def tuples(chosen: Mapping[str, Sequence[int]], more: Sequence[str]) -> dict[str, dict]:
    """Tiers that could be published instead of `chosen`, by their name (as `titled` gives it).

    These are every choice of its fields, all of them in two tiers each, `chosen`, and then `chosen`
    with each of `more` added one after another. A field of `more` has a tier that begins at its
    second bin (or yes).
    """
    options = [
        {name: chosen[name] for name in names}
        for size in range(1, len(chosen))
        for names in combinations(chosen, size)
    ]
    options += [{name: cuts[:1] for name, cuts in chosen.items()}, dict(chosen)]
    for name in more:
        options.append({**options[-1], name: [1]})
    return {titled(option): option for option in options}


def titled(tiers: Mapping[str, Sequence[int]]) -> str:
    """Name of a tuple: its fields and their numbers of tiers, "followers 3, verified 2"."""
    return ", ".join(f"{name} {len(cuts) + 1}" for name, cuts in tiers.items())


def published(
    people: pd.DataFrame, options: Mapping[str, Mapping[str, Sequence[int]]], k: int
) -> pd.DataFrame:
    """Effect of publishing the cells of each of `options` (tiers by field), one row each.

    `people` are profiles with their `segment`. Columns: `bins` of the tuple, the `cells` shown,
    `k_min`, the smallest of them, `uniqueness` among them, and the `suppressed` share of people.
    """
    table = []
    for name, tiers in options.items():
        groups = cells.cells(cells.tiers(people, tiers), ("segment", *tiers), k)
        sizes = groups.loc[groups["shown"], "authors"]
        table.append({
            "option": name,
            "bins": int(np.prod([len(cuts) + 1 for cuts in tiers.values()])),
            "cells": len(sizes),
            "k_min": vocabulary.at_least(sizes.min(), k) if len(sizes) else 0,
            "uniqueness": float((sizes == 1).sum() / len(people)),
            "suppressed": float(1 - sizes.sum() / len(people)),
        })  # fmt: skip
    return pd.DataFrame(table)


def recognised(stored: pd.DataFrame) -> str:
    """Price of the chosen bins, a row of `curve`, as a sentence."""
    row = stored.set_index("option").loc["chosen"]
    return (
        f"With the chosen bins {row['linkage']:.1%} of the people are recognised, and "
        f"{row['agreement']:.2f} of the clustering of exact features is found again."
    )


def suppressed(split: pd.DataFrame, chosen: str) -> str:
    """Price of the `chosen` tiers, a row of `published`, as a sentence."""
    row = split.set_index("option").loc[chosen]
    return (
        f"With the chosen tiers {row['suppressed']:.1%} of the people are in suppressed cells, "
        f"and {row['cells']:.0f} cells are shown."
    )


def _labels(people: pd.DataFrame, features: Mapping[str, float], k: int, seed: int) -> np.ndarray:
    return clustering.fit(people, features, k, seed).assign(people)


def _adjusted_rand(wanted: Mapping[int, Sequence], labels: Mapping[int, np.ndarray]) -> float:
    indices = [clustering.adjusted_rand(labels[seed], wanted[seed]) for seed in wanted]
    return float(np.mean(indices))


def _steps(marks: int) -> dict[str, int]:
    return dict.fromkeys((*AVERAGES, "mix"), marks)


def _two_digits(_: str, counts: pd.Series) -> np.ndarray:
    counts = counts.to_numpy(dtype=float)
    unit = 10 ** np.maximum(np.floor(np.log10(np.maximum(counts, 1))) - 1, 0)
    return np.log1p(np.round(counts / unit) * unit)


def _one_digit(value: float) -> int:
    return max(1, int(float(f"{value:.0e}")))


def _mean(means: pd.Series, whole: bool) -> pd.Series:
    """Mean bin, rounded as in the store; means of exact values are not rounded."""
    return np.floor(means + 0.5).astype(int) if whole else means


def _marks(means: pd.Series, steps: int | None) -> pd.Series:
    return means if steps is None else pd.Series(generalisation.gridded(means, steps), means.index)
