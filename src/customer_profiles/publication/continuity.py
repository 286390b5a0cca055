"""What became of the segments of the publication before: matched, named, counted.

Flows cross two partitions whose sizes are published exactly, so that small ones could be had by
subtraction. They are shown so coarsely that this fails (`migration`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, product

import numpy as np
from scipy.optimize import linear_sum_assignment, linprog

from customer_profiles.project import vocabulary

# Root mean square over the features, in standard deviations. On the shipped sample the same segment
# of two halves of the authors is 0.2 apart at most, and 0.4 where another segment has vanished from
# one of the two, which moves the average author; other segments are 0.7 apart at least. So half a
# standard deviation, which is also what Cohen (1988) calls a difference that one can see.
FARTHEST = 0.5
APART = float("inf")
NOTHING = {"former": None, "born": [], "died": [], "flows": []}


def same(one: Mapping, other: Mapping) -> bool:
    """Whether two publications say the same, whatever came before them."""
    return _content(one) == _content(other)


def continued(
    publication: Mapping,
    former: Mapping | None,
    before: Mapping[str, int],
    now: Mapping[str, int],
) -> dict:
    """`publication` as the one after `former`: matched segments keep their name.

    A new segment keeps its own, unless a former one had it: then it gets a number. `before` and
    `now` give the segment of each author, as `migration` takes them.
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
            "flows": migration(publication, former, before, now),
        },
    }


def matched(former: Mapping, publication: Mapping) -> dict[int, int]:
    """Segments of `publication` by their like in `former`, both by id, at most FARTHEST apart.

    The pairs with the least distance in sum (Hungarian method, Kuhn 1955); to have no like counts
    as FARTHEST, so that a far pair spoils no near one. Compared are standard deviations from the
    average author of either time: names say how a segment differs from the average, and bins of
    counts may have been cut elsewhere since. What only one of the two was made of is left out.
    """
    distances = _distances(former, publication)
    costs = np.minimum(distances, FARTHEST)
    return {
        former["segments"][i]["id"]: publication["segments"][j]["id"]
        for i, j in zip(*linear_sum_assignment(costs), strict=True)
        if distances[i, j] <= FARTHEST
    }


def migration(
    publication: Mapping,
    former: Mapping,
    before: Mapping[str, int],
    now: Mapping[str, int],
) -> list[dict]:
    """How many authors went from each former segment to each one now; newcomers and leavers too.

    A flow reads "<k", or ">…" where all but fewer than 2 k of a segment are in it, or is rounded
    to a multiple of 2 k. No flows unless whoever knows the rule, all sizes and all flows (`bounds`)
    is left with k possible numbers for each that reads "<k", and with two for any other; with two
    for each where authors are as many as before and he takes them for the same. Then no group below
    k follows exactly: where every flow has room only sums and differences of sizes do, and of these
    only whole segments are groups. Whether there is room depends on nothing but what would be
    shown, so this tells no more; nor do missing flows, which may also mean that `before` or `now`
    (segments by author) were not as published, some authors having been erased since.
    """
    k = max(told["certificate"]["published"]["k"] for told in (former, publication))
    rows, columns = _sizes(former), _sizes(publication)
    if Counter(before.values()) != rows or Counter(now.values()) != columns:
        return []
    table = crossed(list(rows), list(columns), before, now)
    largest = np.minimum.outer([*rows.values(), len(now)], [*columns.values(), len(before)])
    read = shown(table, largest, k)
    low, high = known(read, largest, k)
    high[-1, -1] = 0  # nobody was not seen then and is not seen now
    closed = high.copy()
    closed[-1] = closed[:, -1] = 0
    sizes = list(rows.values()), list(columns.values())
    if not _room(low, high, *sizes, k) or (
        len(before) == len(now) and not _room(low, closed, *sizes, 2)
    ):
        return []
    origins = [*(row["name"] for row in former["segments"]), None]
    ends = product(origins, [*columns, None])
    flows = [
        {"origin": origin, "segment": segment, "authors": authors}
        for (origin, segment), authors in zip(ends, read.ravel().tolist(), strict=True)
    ]
    return flows[:-1]


def crossed(
    rows: Sequence[int],
    columns: Sequence[int],
    before: Mapping[str, int],
    now: Mapping[str, int],
) -> np.ndarray:
    """Authors int (rows + 1, columns + 1) by their segment before and now; the last: not seen."""
    origins, ends = ({name: place for place, name in enumerate(of)} for of in (rows, columns))
    table = np.zeros((len(rows) + 1, len(columns) + 1), dtype=int)
    for author in before.keys() | now.keys():
        table[origins.get(before.get(author), -1), ends.get(now.get(author), -1)] += 1
    return table


def shown(table: np.ndarray, largest: np.ndarray, k: int) -> np.ndarray:
    """How each flow of `table` reads that can be `largest` at most: int, or a bound.

    In units of 2 k: of 50 pairs of clusterings of the shipped sample 46 leave the room that
    `migration` demands; in units of k there would be 13.
    """

    def read(authors: int, of: int) -> int | str:
        if authors < k:
            return vocabulary.at_least(authors, k)
        if of - authors < 2 * k:
            return f">{max(of - 2 * k, k - 1)}"
        return (authors + k) // (2 * k) * 2 * k

    return np.vectorize(read, otypes=[object])(table, largest)


def known(read: np.ndarray, largest: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The least and the most that each flow can be which reads so (`shown`)."""

    def between(reading: int | str, of: int) -> tuple[int, int]:
        if not isinstance(reading, str):
            return max(reading - k, k), min(reading + k - 1, of - 2 * k)
        bound = int(reading[1:])
        return (0, bound - 1) if reading[0] == "<" else (bound + 1, of)

    return np.vectorize(between, otypes=[int, int])(read, largest)


def bounds(
    low: np.ndarray, high: np.ndarray, rows: Sequence[int], columns: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """The least and the most that each flow can be between `low` and `high` under all sizes.

    Exact: the vertices of such a transport problem are whole numbers (Hoffman and Kruskal 1956).
    Raises ValueError where there are no such flows.
    """
    shape = low.shape
    cells = np.arange(low.size).reshape(shape)
    sums = np.zeros((len(rows) + len(columns), low.size))
    for equation, of in zip(sums, [*cells[:-1], *cells.T[:-1]], strict=True):
        equation[of] = 1
    limits = np.column_stack([low.ravel(), high.ravel()])
    limits[-1] = 0
    goals = np.concatenate([np.eye(low.size), -np.eye(low.size)])
    found = [linprog(goal, A_eq=sums, b_eq=[*rows, *columns], bounds=limits) for goal in goals]
    if not all(one.success for one in found):
        raise ValueError("no flows between these bounds have these sums; check the sizes")
    least, most = np.split(np.round([one.fun for one in found]).astype(int), 2)
    return least.reshape(shape), -most.reshape(shape)


def _room(
    low: np.ndarray, high: np.ndarray, rows: Sequence[int], columns: Sequence[int], numbers: int
) -> bool:
    """Whether two numbers are possible for each flow, and so many for one that may be 0."""
    try:
        least, most = bounds(low, high, rows, columns)
    except ValueError:
        return True  # nobody who sees the flows can think so
    needed = np.where(low == 0, numbers - 1, 1)
    return bool((most - least >= needed)[high > 0].all())


def _content(publication: Mapping) -> dict:
    rows = [{**row, "name": None} for row in publication["segments"]]
    return {**publication, "segments": rows, "_id": None, "continuity": None}


def _sizes(publication: Mapping) -> dict[int, int]:
    return {row["id"]: row["customers"] for row in publication["segments"]}


def _distances(former: Mapping, publication: Mapping) -> np.ndarray:
    """How far each former segment is from each one now, as FARTHEST says; APART if not alike."""
    old, new = former["segments"], publication["segments"]
    found = np.full((len(old), len(new)), APART)
    for (i, one), (j, other) in product(enumerate(old), enumerate(new)):
        everybody = [
            row["customers"] == told["summary"]["authors"]
            for row, told in ((one, former), (other, publication))
        ]
        features = one["centroid"].keys() & other["centroid"].keys()
        if all(everybody):
            found[i, j] = 0
        elif features and not any(everybody):  # a part is never like the whole
            gaps = [one["centroid"][name] - other["centroid"][name] for name in features]
            found[i, j] = np.sqrt(np.mean(np.square(gaps)))
    return found


def _named(rows: Sequence[dict], kept: Mapping[int, str], former: Iterable[str]) -> list[dict]:
    """Segments with the names they `kept`; a new one with a name that no `former` one had."""
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
