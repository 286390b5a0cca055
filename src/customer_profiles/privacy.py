"""Generalisation and its measure: bins instead of counts, cells instead of persons.

k-anonymity: everyone is one of at least k alike (Sweeney 2002, IJUFKS 10:557).
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

SMALL = "<{k}"


def binned(counts: Sequence[float], edges: Sequence[float]) -> np.ndarray:
    """Bin int (n,) of each count: the number of `edges` it reaches; 0 is below all.

    Raises ValueError unless the edges rise.
    """
    edges = np.asarray(edges, dtype=float)
    if edges.ndim != 1 or not len(edges) or (np.diff(edges) <= 0).any():
        raise ValueError(f"bin edges must rise, got {edges.tolist()}; see section score")
    return np.searchsorted(edges, np.asarray(counts, dtype=float), side="right")


def gridded(values: Sequence[float], steps: int) -> np.ndarray:
    """Nearest of the `steps` + 1 marks 0 … `steps` of each value in [0, 1], int (n,)."""
    return np.floor(np.asarray(values, dtype=float) * steps + 0.5).astype(int)


def bin_names(edges: Sequence[int]) -> list[str]:
    """What each bin of `edges` is called: "under 10", "10 to 99", "100 and more"."""
    inner = [
        f"{low:,}" if high - low == 1 else f"{low:,} to {high - 1:,}"
        for low, high in pairwise(edges)
    ]
    return [f"under {edges[0]:,}", *inner, f"{edges[-1]:,} and more"]


def bin_values(edges: Sequence[int]) -> np.ndarray:
    """A typical count of each bin: its geometric middle; the last reaches twice its edge.

    Averages over them are estimates: counts themselves are never kept.
    """
    low = np.array([0, *edges], dtype=float)
    high = np.array([*edges, 2 * edges[-1]], dtype=float)
    return np.sqrt(np.maximum(low, 1) * (high - 1))


def at_least(count: int, k: int) -> int | str:
    """`count`, or "<k" below k: how a number of people is shown."""
    return int(count) if count >= k else SMALL.format(k=k)


def sizes(counts: Sequence[int], k: int) -> list[int | str]:
    """Sizes of groups that are everybody: exact, or a bound for each where one is below `k`.

    Else that one could be had by subtraction from the whole.
    """
    if min(counts, default=k) >= k:
        return [int(count) for count in counts]
    return [f">{k - 1}" if count >= k else at_least(count, k) for count in counts]


def part(count: int, of: int, k: int) -> int | str:
    """`count` people `of` a shown group, or a bound where it, or the rest, is below `k`.

    A bound says 0 to k - 1, so that not even the existence of a small group can be read off.
    """
    if of - count < k:
        return f">{of - k}"
    return at_least(count, k)


def cells(people: pd.DataFrame, columns: Sequence[str], k: int) -> pd.DataFrame:
    """Groups of `people` alike in `columns`, with `authors`; those that could single out merged.

    Every group below k is suppressed. What is suppressed can be had by subtraction from the
    segment's total, so within a segment (the first of `columns`) it must itself make k: the
    smallest shown cell is suppressed too until it does. The same holds for the segments within
    the whole, and a suppressed segment shows no cell. Suppressed rows have `shown` False.
    """
    return suppressed(people.groupby(list(columns)).size().rename("authors").reset_index(), k)


def suppressed(table: pd.DataFrame, k: int) -> pd.DataFrame:
    """`table` of groups (their columns, the segment first; `authors`) with `shown`, as `cells`."""
    segment = table.columns[0]
    segments = table.groupby(segment)["authors"]
    within = segments.transform(_suppressed, k=k)
    whole = _suppressed(segments.sum(), k)
    return table.assign(shown=~within & ~table[segment].map(whole))


def atoms(codes: pd.Series, k: int) -> pd.Series:
    """The smallest group each person can be placed in by whoever reads a publication.

    `codes` name everybody's cell, its segment first ("0/2/1"). An atom is a shown cell, or what is
    held back of a shown segment ("0/"), or of the whole (""); every group that can be had from a
    publication, by subtraction too, is made of whole atoms.
    """
    sizes = codes.value_counts()
    table = sizes.index.str.split("/", expand=True).to_frame(index=False).astype(int)
    order = table.sort_values(list(table)).index
    table = table.assign(authors=sizes.to_numpy()).loc[order]
    cell = suppressed(table, k)["shown"]
    segments = table.groupby(0)["authors"].sum().rename("authors").reset_index()
    segment = suppressed(segments.assign(all=0)[["all", 0, "authors"]], k).set_index(0)["shown"]
    rest = (table[0].astype(str) + "/").where(table[0].map(segment), "")
    code = sizes.index.to_series().reset_index(drop=True).loc[order]
    return codes.map(dict(zip(code, code.where(cell, rest), strict=True)))


def crossed(earlier: pd.Series, later: pd.Series) -> pd.Series:
    """How many people share a pair of `atoms`, one of each of two publications.

    Both by author; who is in one of them only counts as absent from the other. What can be
    computed from the two together, sums and differences of any of their groups, is about unions
    of these pairs.
    """
    pairs = pd.concat([earlier, later], axis=1, keys=["earlier", "later"]).fillna("absent")
    return pairs.groupby(["earlier", "later"]).size()


def together(earlier: pd.Series, later: pd.Series, k: int) -> bool:
    """Whether two publications can be read beside each other, and are about different people.

    They can when every pair of atoms that anybody has is shared by at least `k`: then whoever
    came to any group, left it, or stayed are none or at least k. Clusters may have been numbered
    anew, since groups are compared by their members.
    """
    if set(earlier.index) == set(later.index):
        return False
    return bool((crossed(earlier, later) >= k).all())


def groups(rows: pd.DataFrame, columns: Sequence[str], k: int, people: str) -> pd.DataFrame:
    """Groups of `rows` alike in `columns`: these, and `rows`, how many they are.

    Only groups of at least `k` different `people` (a column), and so that in what is left out
    there are k as well: else it could be had by subtraction from the whole. Totals of a part, of
    one class say, must not be shown beside it.
    """
    grouped = rows.groupby(list(columns))[people]
    found = grouped.agg(rows="size", people="nunique")
    members, held = grouped.unique(), found["people"] < k
    # The same people may be in several groups: sizes cannot simply be added up.
    for place in found.loc[~held, "people"].sort_values(kind="stable").index:
        if not 0 < len({who for group in members[held] for who in group}) < k:
            break
        held[place] = True
    return found.loc[~held, ["rows"]].reset_index()


def spread(
    rows: pd.DataFrame, names: Mapping[str, Sequence[str]], k: int, people: str
) -> dict[str, pd.Series]:
    """How many `rows` are in each bin of each field, by the bins' `names`; NaN where held back."""
    return {
        field: groups(rows, [field], k, people)
        .set_index(field)["rows"]
        .reindex(range(len(called)))
        .set_axis(list(called))
        for field, called in names.items()
    }


def _suppressed(sizes: pd.Series, k: int) -> pd.Series:
    """Which of `sizes` are held back: those below k, then the smallest until they make k."""
    held = sizes < k
    for place in sizes[~held].sort_values(kind="stable").index:
        if not 0 < sizes[held].sum() < k:
            break
        held[place] = True
    return held


def uniqueness(people: pd.DataFrame, columns: Sequence[str]) -> float:
    """Share of `people` whose combination of `columns` nobody else has; 0 for nobody."""
    if people.empty:
        return 0.0
    sizes = people.groupby(list(columns)).size()
    return float((sizes == 1).sum() / len(people))
