"""Continuity of segments from one publication to the next: matching and names."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, product

import numpy as np
from scipy.optimize import linear_sum_assignment

from customer_profiles.publication.segments import identified

# Root mean square over the features, in standard deviations. On the shipped sample the same segment
# of two halves of the authors is 0.2 apart at most, and 0.4 where another segment has vanished from
# one of the two, which moves the average author; other segments are 0.7 apart at least. So half a
# standard deviation, which Cohen (1988) also calls a visible difference.
FARTHEST = 0.5
APART = float("inf")
NOTHING = {"former": None, "born": [], "died": []}


def successor(former: dict | None, publication: dict) -> dict:
    """Publication after `former`, with its `_id`; `former` itself if both have equal content."""
    if former is not None and have_equal_content(former, publication):
        return former
    return identified(continued(publication, former))


def have_equal_content(one: Mapping, other: Mapping) -> bool:
    """True if two publications have equal content, whatever their names, `_id` and predecessors."""
    return _content(one) == _content(other)


def continued(publication: Mapping, former: Mapping | None) -> dict:
    """`publication` as the one after `former`: matched segments keep their name.

    A new segment keeps its own name; if a former segment had that name, it gets a number.
    """
    if former is None:
        return {**publication, "continuity": NOTHING}
    rows, names = publication["segments"], {row["id"]: row["name"] for row in former["segments"]}
    kept = {new: names[old] for old, new in matched(former, publication).items()}
    return {
        **publication,
        "segments": _named(rows, kept, names.values()),
        "continuity": {
            "former": former["_id"],
            "born": [row["id"] for row in rows if row["id"] not in kept],
            "died": [name for name in names.values() if name not in kept.values()],
        },
    }


def matched(former: Mapping, publication: Mapping) -> dict[int, int]:
    """Segments of `publication` by their match in `former`, both by id, at most FARTHEST apart.

    The pairs have the least sum of distances (Hungarian method, Kuhn 1955). A segment without a
    match counts as FARTHEST, so that a far pair spoils no near one. Distances are in standard
    deviations from the average author of either publication: names express the difference from
    the average, and the average may have changed since. Features of only one of the two are left
    out.
    """
    distances = _distances(former, publication)
    costs = np.minimum(distances, FARTHEST)
    return {
        former["segments"][i]["id"]: publication["segments"][j]["id"]
        for i, j in zip(*linear_sum_assignment(costs), strict=True)
        if distances[i, j] <= FARTHEST
    }


def _content(publication: Mapping) -> dict:
    rows = [{**row, "name": None} for row in publication["segments"]]
    return {**publication, "segments": rows, "_id": None, "continuity": None}


def _distances(former: Mapping, publication: Mapping) -> np.ndarray:
    """Distance of each former segment to each new one, see FARTHEST; APART if not comparable."""
    old, new = former["segments"], publication["segments"]
    distances = np.full((len(old), len(new)), APART)
    for (i, one), (j, other) in product(enumerate(old), enumerate(new)):
        everybody = [
            row["customers"] == whole["summary"]["authors"]
            for row, whole in ((one, former), (other, publication))
        ]
        features = one["centroid"].keys() & other["centroid"].keys()
        if all(everybody):
            distances[i, j] = 0
        elif features and not any(everybody):  # a part never matches the whole
            gaps = [one["centroid"][name] - other["centroid"][name] for name in features]
            distances[i, j] = np.sqrt(np.mean(np.square(gaps)))
    return distances


def _named(rows: Sequence[dict], kept: Mapping[int, str], former: Iterable[str]) -> list[dict]:
    """Segments with the names they `kept`; a new one gets a name that no `former` one had."""
    taken, named = {*former}, []
    for row in rows:
        name = kept.get(row["id"]) or next(
            free for free in _forms(row["name"]) if free not in taken
        )
        taken.add(name)
        named.append({**row, "name": name})
    return named


def _forms(name: str) -> Iterator[str]:
    """`name`, "name 2", "name 3" …"""
    yield name
    yield from (f"{name} {number}" for number in count(2))
