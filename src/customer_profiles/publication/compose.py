"""A publication, put together from profiles, observations and clusters."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from customer_profiles.privacy import aggregates, cells, microdata
from customer_profiles.privacy.certificate import Release
from customer_profiles.publication import segments


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


def publication(
    made: Portrait,
    certified: Release,
    observations: pd.DataFrame,
    named: Sequence[dict],
    clusters: Mapping,
    curves: pd.DataFrame,
    legend: Mapping,
    certificate: Mapping,
    sample: bool,
) -> dict:
    """Publication (`document.PUBLICATION`) without its `_id`; `continuity` follows in the store.

    `named` are the cells as `cells.named_cells` gives them, `clusters` and `curves` the report on
    the clusters; of the `legend` it needs the flagged and the unread posts.
    """
    posts = {
        "flagged": legend["flagged"],
        "flagged_excluded": legend["exclude_flagged"],
        "unread": legend["unread"],
    }
    summary = segments.summary(
        certified.people, observations, made.days, made.averages, clusters, curves, posts,
        certificate["published"]["k"],
    )  # fmt: skip
    return {
        "summary": summary,
        "segments": segments.personas(made.described, clusters, summary, made.days, sample),
        "cells": list(named),
        "mood_daily": made.days,
        "continuity": {"former": None, "born": [], "died": []},
        "certificate": dict(certificate),
        "provenance": {"sample": sample, "scorer": observations["scorer"].iloc[0]},
    }
