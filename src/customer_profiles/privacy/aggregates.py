"""Aggregates: published quantities of a segment that depend on its members, suitably rounded."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from customer_profiles.privacy import attacks, averages, centroids, shares
from customer_profiles.privacy.microdata import COUNT_AVERAGES, KINDS, MOOD_AVERAGES, Microdata

QUANTITIES = (*MOOD_AVERAGES, *COUNT_AVERAGES, *KINDS, "volume", "centroid")
# Sample sizes of members and others for the choice of the quantity to round further.
MEMBERS, OTHERS = 100, 2000
# Factor of the finest units at which a quantity reveals nothing.
LARGEST = 10**15


@dataclass(frozen=True)
class Aggregate:
    """Averages with their index, mood, weekdays, volume and centroid of one segment of `microdata`.

    Each of these quantities is rounded to `factors` times its finest units; a factor of 0 rounds
    nothing. `rest` is the aggregate of all others, if they are one segment that is published as
    well. An attacker who knows all members but one then also knows all members of `rest` but one,
    and uses both. `fixed` are quantities that are already known in their finest units and stay in
    them.
    """

    microdata: Microdata
    segment: int
    averages: Mapping[str, averages.Average]
    shares: Mapping[str, shares.Shares]
    centroid: centroids.Centroid
    factors: Mapping[str, int]
    rest: "Aggregate | None" = None
    fixed: tuple[str, ...] = ()

    def published(self) -> dict:
        """Published values: the averages, `index`, `mood`, `weekdays`, `volume`, `centroid`."""
        figures = {
            name: average.published(self.factors[name]).tolist()
            for name, average in self.averages.items()
        }
        mixed = {
            name: share.rounded(share.posts, self.factors[name]).tolist()
            for name, share in self.shares.items()
        }
        return {
            **{name: mean for name, (mean, *_) in figures.items()},
            "index": {
                name: {"index": int(index), "low": int(low), "high": int(high)}
                for name, (_, index, low, high) in figures.items()
                if self.averages[name].whole
            },
            **{
                name: dict(zip(KINDS[name], map(_known, of_kinds), strict=True))
                for name, of_kinds in mixed.items()
            },
            "volume": float(self._volume(self.microdata.written[self.members].sum())),
            "centroid": self.centroid.published(self.factors["centroid"]),
        }

    def attacked(self) -> dict[str, attacks.Outcome]:
        """Outcomes of two attackers who know all members but one.

        `last_member` uses all quantities together. `extreme_values` uses one average with its
        index; the worst average counts.
        """

        def unchanged(own: np.ndarray, outside: np.ndarray) -> np.ndarray:
            alike = np.logical_and.reduce([*self._averages(own[:, None], outside).values()])
            # Few pairs are left for the other quantities.
            t, c = np.nonzero(alike)
            alike[t, c] = np.logical_and.reduce([*self._others(own[t], outside[c]).values()])
            return alike

        return {
            "extreme_values": max(self.extremes().values()),
            "last_member": attacks.last_member(self.members, self.others, unchanged),
        }

    def extremes(self) -> dict[str, attacks.Outcome]:
        """Outcome of the attack `extreme_values` on each average."""
        marks = self.microdata.marks
        return {
            name: attacks.extreme_values(
                marks[self.members, place], marks[self.others, place], unchanged
            )
            for place, (name, unchanged) in enumerate(self._tables.items())
        }

    def coarser(self, k: int) -> "Aggregate":
        """Aggregate with its most revealing quantity in the next coarser units (1, 2, 5, 10 …)."""
        extremes = self.extremes()
        worst = max(extremes, key=lambda name: extremes[name].success)
        if extremes[worst].success <= 1 / k:
            worst = self._telling()
        factor = self.factors[worst]
        double = 2.5 if f"{factor}"[0] == "2" else 2
        return self.in_units({**self.factors, worst: int(factor * double)})

    def in_units(self, factors: Mapping[str, int]) -> "Aggregate":
        """Aggregate with other `factors`, for the `rest` too."""
        return replace(self, factors=factors, rest=self.rest and self.rest.in_units(factors))

    def _telling(self) -> str:
        """Quantity without which the last member could be identified least.

        Ties go to the quantity that distinguishes most people.
        """
        own = attacks.evenly_spaced(self.members, MEMBERS)[:, None]
        outside = attacks.evenly_spaced(self.others, OTHERS)[None]
        unchanged = self._averages(own, outside) | self._others(own, outside)
        apart = {name: ~table for name, table in unchanged.items()}
        differing = np.sum([*apart.values()], axis=0)

        def without(name: str) -> tuple[float, float]:
            alike = 1 + (differing == apart[name]).sum(axis=1)
            return (1 / alike).mean(), -apart[name].mean()

        return min((name for name in apart if name not in self.fixed), key=without)

    def _averages(self, own: np.ndarray, outside: np.ndarray) -> dict[str, np.ndarray]:
        """Masks by name of the average and its index staying equal if `outside` replaces `own`.

        `own` and `outside` are rows of the microdata. Each mask is bool of their common shape.
        """
        marks = self.microdata.marks
        return {
            name: table[marks[own, place], marks[outside, place]]
            for place, (name, table) in enumerate(self._tables.items())
        }

    def _others(self, own: np.ndarray, outside: np.ndarray) -> dict[str, np.ndarray]:
        """Masks by name of each other quantity staying equal if `outside` replaces `own`.

        The quantities of `rest` must stay equal as well.
        """
        masks = self._alike(own, outside)
        if self.rest:
            there = self.rest._alike(outside, own)
            masks = {name: table & there[name] for name, table in masks.items()}
        return masks

    def _alike(self, own: np.ndarray, outside: np.ndarray) -> dict[str, np.ndarray]:
        """Masks by name of each other quantity staying equal if `outside` replaces `own`.

        They are about this segment alone, without `rest`.
        """
        posts, written, away = self.microdata.posts, self.microdata.written, self.microdata.away
        total = written[self.members].sum()
        volume = self._volume(total - written[own] + written[outside])
        return {
            **{
                name: share.unchanged(posts[name][own], posts[name][outside], self.factors[name])
                for name, share in self.shares.items()
            },
            "volume": np.abs(volume - self._volume(total)) < averages.SLACK,
            "centroid": self.centroid.unchanged(away[own], away[outside], self.factors["centroid"]),
        }

    def _volume(self, posts: np.ndarray) -> np.ndarray:
        return shares.volume(posts, self.microdata.written.sum(), self.factors["volume"])

    @cached_property
    def _tables(self) -> dict[str, np.ndarray]:
        tables = {
            name: average.unchanged(self.factors[name]) for name, average in self.averages.items()
        }
        if self.rest:
            tables = {name: table & self.rest._tables[name].T for name, table in tables.items()}
        return tables

    @cached_property
    def members(self) -> np.ndarray:
        """Rows of the microdata inside the segment."""
        return np.flatnonzero(self.microdata.segment == self.segment)

    @cached_property
    def others(self) -> np.ndarray:
        """Rows of the microdata outside the segment."""
        return np.flatnonzero(self.microdata.segment != self.segment)


def of_segments(
    microdata: Microdata,
    published: Sequence[int],
    k: int,
    seed: int,
    in_model: Collection[int] = (),
) -> tuple[list[Aggregate], list[int]]:
    """Aggregates of the `published` segments, and numbers of authors behind their shares.

    Each aggregate is so coarse that an attacker who knows all members but one identifies that
    member with a success of at most 1/k. The numbers of authors are those behind every share that
    is shown, or that is left when shown shares are subtracted. `in_model` are segments whose
    centroid can be read in the model; here it is shown in its finest units as well.
    """
    masks = {
        name: shares.publishable(posts, microdata.segment, published, k)
        for name, posts in microdata.posts.items()
    }
    finely = [
        finest(
            microdata, segment, {name: table[place] for name, (table, _) in masks.items()}, k, seed
        )
        for place, segment in enumerate(published)
    ]
    fixed = [replace(one, fixed=("centroid",) * (one.segment in in_model)) for one in finely]
    aggregates = [_coarse_enough(aggregate, k) for aggregate in _beside(fixed)]
    # Two segments that reveal each other stay in equal units: the coarser of both.
    while any(one.rest and one.factors != aggregates[0].factors for one in aggregates):
        factors = {name: max(one.factors[name] for one in aggregates) for name in QUANTITIES}
        aggregates = [_coarse_enough(one.in_units(factors), k) for one in aggregates]
    return aggregates, [size for _, sizes in masks.values() for size in sizes]


def finest(
    microdata: Microdata, segment: int, masks: Mapping[str, np.ndarray], k: int, seed: int
) -> Aggregate:
    """Aggregate of a segment in the finest units; `masks` are of the shares not suppressed."""
    inside = microdata.segment == segment
    figures = {
        name: averages.average(
            values,
            microdata.sizes(place, inside),
            microdata.sizes(place, ~inside),
            _unit(name),
            seed,
        )
        for place, (name, values) in enumerate(microdata.values.items())
    }
    mixed = {
        name: shares.of_segment(posts[inside], masks[name], k)
        for name, posts in microdata.posts.items()
    }
    centroid = centroids.Centroid(
        microdata.features, microdata.away[inside].sum(axis=0), int(inside.sum())
    )
    return Aggregate(microdata, segment, figures, mixed, centroid, dict.fromkeys(QUANTITIES, 1))


def of_everybody(microdata: Microdata) -> dict[str, float]:
    """Averages of the whole audience, rounded to the finest units of a segment's averages."""
    everybody = np.ones(len(microdata.segment), dtype=bool)
    return {
        name: averages.of_everybody(values, microdata.sizes(place, everybody), _unit(name))
        for place, (name, values) in enumerate(microdata.values.items())
    }


def _beside(aggregates: Sequence[Aggregate]) -> Sequence[Aggregate]:
    """Aggregates; if two segments are the whole audience, each has the other as its `rest`."""
    if len(aggregates) != 2:
        return aggregates
    one, other = aggregates
    if len(one.members) < len(other.others):
        return aggregates
    return [replace(one, rest=other), replace(other, rest=one)]


def _coarse_enough(aggregate: Aggregate, k: int) -> Aggregate:
    # The loop ends: in units far larger than any value all people are alike. Fixed quantities may
    # reveal too much by themselves: then the certificate fails.
    while (
        max(aggregate.attacked().values()).success > 1 / k
        and max(aggregate.factors.values()) < LARGEST
    ):
        aggregate = aggregate.coarser(k)
    return aggregate


def _unit(name: str) -> float:
    return 0.01 if name in MOOD_AVERAGES else 0


def _known(share: float) -> float | None:
    return None if np.isnan(share) else share
