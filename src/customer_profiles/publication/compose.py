"""A publication, put together from profiles, observations and clusters."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from customer_profiles.privacy import aggregates, cells, certificate, microdata
from customer_profiles.privacy.certificate import Release
from customer_profiles.publication import segments


class Bounds(NamedTuple):
    """`k`, the authors in the smallest group that may be shown, and the numbers of section publish.

    `max_suppressed`: share of the authors in suppressed cells; `drift` of the counts until an
    attacker looks them up; `seed` of all draws.
    """

    k: int
    max_suppressed: float
    drift: float
    seed: int


class Portrait(NamedTuple):
    """Figures of an audience, suppressed and rounded as they may be published.

    `described` segments and the `aggregates` they were made of, `averages` of everybody, `days`
    with their mood. `authors`: numbers of authors behind each day and each share, for the
    certificate.
    """

    described: list[dict]
    aggregates: list[aggregates.Aggregate]
    averages: dict[str, float]
    days: list[dict]
    authors: list[int]


def portrait(
    people: pd.DataFrame,
    observations: pd.DataFrame,
    model: Mapping,
    k: int,
    seed: int,
) -> Portrait:
    """Portrait of `people` (profiles with `segment`) and their posts, the `observations`.

    `model` is that of the clusters (features, clip, centroids).
    """
    everybody = microdata.gather(people, observations, model["features"], model["clip"])
    published = segments.published_segments(people, k)
    in_model = [number for number in published if model["centroids"][number]]
    painted, behind_shares = aggregates.of_segments(everybody, published, k, seed, in_model)
    days, behind_days = segments.mood_daily(observations, k)
    return Portrait(
        segments.describe(people, painted, k),
        painted,
        aggregates.of_everybody(everybody),
        days,
        [*behind_days, *behind_shares],
    )


def release(
    made: Portrait, people: pd.DataFrame, tiers: Mapping[str, Sequence[int]], k: int
) -> Release:
    """Data to be certified: the portrait, and the cells of the `people` by `tiers`."""
    reached = cells.tiers(people, tiers)
    table = cells.cells(reached, ("segment", *tiers), k)
    return Release(people, reached, table, made.described, made.aggregates, made.authors)


class Attempt(NamedTuple):
    """Data of one attempt to publish, and its certificate, still without `at_rest`.

    `people` with their `segment`, the report on the `clusters`, and the `tiers` of the cells, of
    which some were `left_out`.
    """

    people: pd.DataFrame
    clusters: Mapping
    portrait: Portrait
    release: Release
    tiers: Mapping[str, Sequence[int]]
    left_out: list[str]
    certificate: dict


def certified(
    people: pd.DataFrame,
    observations: pd.DataFrame,
    model: Mapping,
    clusters: Mapping,
    tiers: Mapping[str, Sequence[int]],
    counts: pd.DataFrame,
    bounds: Bounds,
) -> Attempt:
    """First attempt that passes: with the segments, else with everybody as one; or the last.

    In each, tiers that would suppress too many are left out. `model` and `clusters` are as of
    `portrait` and `publication`, `counts` those that attackers look up (`attacks.public`).
    """
    k, seed, number = bounds.k, bounds.seed, people["segment"].nunique()
    made = portrait(people, observations, model, k, seed)
    kept, left_out = cells.affordable(people, tiers, k, bounds.max_suppressed)
    data = release(made, people, kept, k)
    known = certificate.known(counts, kept, people["_id"], bounds.drift, seed)
    issued = certificate.issue(data, known, k, bounds.max_suppressed, seed)
    if issued["passed"] or number == 1:
        return Attempt(people, clusters, made, data, kept, left_out, issued)
    together = segments.as_one(clusters, number, certificate.missed(issued, bounds.max_suppressed))
    everybody, whole = people.assign(segment=0), model | {"centroids": [None]}
    return certified(everybody, observations, whole, together, tiers, counts, bounds)


def publication(
    made: Portrait,
    certified: Release,
    observations: pd.DataFrame,
    named: Sequence[dict],
    clusters: Mapping,
    curves: pd.DataFrame,
    legend: Mapping,
    issued: Mapping,
    sample: bool,
) -> dict:
    """Publication (`document.PUBLICATION`) without its `_id`; `continuity` follows in the store.

    `named` are the cells as `cells.named_cells` gives them, `clusters` and `curves` the report on
    the clusters, `issued` the certificate with `at_rest`; of the `legend` it needs the flagged and
    the unread posts, and the caution about the model.
    """
    posts = {
        "flagged": legend["flagged"],
        "flagged_excluded": legend["exclude_flagged"],
        "unread": legend["unread"],
        "caution": legend["caution"],
    }
    summary = segments.summary(
        certified.people, observations, made.days, made.averages, clusters, curves, posts,
        issued["published"]["k"],
    )  # fmt: skip
    return {
        "summary": summary,
        "segments": segments.personas(made.described, clusters, summary, made.days, sample),
        "cells": list(named),
        "mood_daily": made.days,
        "continuity": {"former": None, "born": [], "died": []},
        "certificate": dict(issued),
        "provenance": {"sample": sample, "scorer": observations["scorer"].iloc[0]},
    }
