"""Cells: groups of people with equal attributes, and suppression of those that may not be shown.

k-anonymity: everyone is one of at least k alike (Sweeney 2002, IJUFKS 10:557).
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from customer_profiles.privacy import generalisation
from customer_profiles.project.vocabulary import (
    AUTHOR_COUNTS,
    FIELDS,
    at_least,
)

# Fields of a profile that X shows of an account to everybody.
KNOWABLE = ("posts", *AUTHOR_COUNTS, "verified", "protected")

# Where the bins of a figure of exact counts begin.
DECADES = (1, 10, 100, 1000, 10_000, 100_000, 1_000_000)


def sizes(counts: Sequence[int], k: int) -> list[int | str]:
    """Sizes of groups that are everybody: exact, or a bound for each where one is below `k`.

    Reason: the size below `k` could otherwise be computed by subtraction from the whole.
    """
    if min(counts, default=k) >= k:
        return [int(count) for count in counts]
    return [f">{k - 1}" if count >= k else at_least(count, k) for count in counts]


def part(count: int, of: int, k: int) -> int | str:
    """`count` people `of` a shown group, or a bound where the count, or the rest, is below `k`.

    A bound covers 0 to k - 1, so that it does not reveal the existence of a small group.
    """
    if of - count < k:
        return f">{of - k}"
    return at_least(count, k)


def cells(people: pd.DataFrame, columns: Sequence[str], k: int) -> pd.DataFrame:
    """Cells of `people` alike in `columns`, with their number `authors`, and `shown`.

    Every cell below k is suppressed. The suppressed people can be computed by subtraction from the
    segment's total, so within a segment (the first of `columns`) they must be none or at least k:
    until then the smallest shown cell is suppressed too. The same rule holds for the segments
    within the whole, and a suppressed segment shows no cell. Suppressed rows have `shown` False.
    """
    return suppressed(people.groupby(list(columns)).size().rename("authors").reset_index(), k)


def suppressed(table: pd.DataFrame, k: int) -> pd.DataFrame:
    """`table` of groups with a column `shown`, by the suppression rule of `cells`.

    Its columns are those of the groups, the segment first, and `authors`.
    """
    segment = table.columns[0]
    segments = table.groupby(segment)["authors"]
    within = segments.transform(_suppressed, k=k)
    whole = _suppressed(segments.sum(), k)
    return table.assign(shown=~within & ~table[segment].map(whole))


def atoms(codes: pd.Series, k: int) -> pd.Series:
    """Atom of each person: the smallest group in which a reader can place the person.

    `codes` are each person's cell, its segment first ("0/2/1"). An atom is a shown cell, or the
    suppressed rest of a shown segment ("0/"), or of the whole (""). Every group that can be
    computed from a publication, by subtraction too, is a union of atoms.
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
    """Number of people with each pair of `atoms`, one of each of two publications.

    Both are indexed by author; an author in only one of them counts as absent from the other. All
    that can be computed from the two together, sums and differences of any of their groups, is
    about unions of these pairs.
    """
    pairs = pd.concat([earlier, later], axis=1, keys=["earlier", "later"]).fillna("absent")
    return pairs.groupby(["earlier", "later"]).size()


def together(earlier: pd.Series, later: pd.Series, k: int) -> bool:
    """True if two publications can be read side by side, and are about different people.

    Every pair of atoms that a person has must be shared by at least `k` people. Then the people who
    joined, left or stayed in any group are none or at least k. Groups are compared by their
    members, so clusters may have been renumbered.
    """
    if set(earlier.index) == set(later.index):
        return False
    return bool((crossed(earlier, later) >= k).all())


def groups(rows: pd.DataFrame, columns: Sequence[str], k: int, people: str) -> pd.DataFrame:
    """Groups of `rows` alike in `columns`: these, and `rows`, the number of rows in each.

    A group is left out unless it has at least `k` different `people` (a column). All left-out
    groups together have none or at least `k` people: else they could be computed by subtraction
    from the whole. Note: totals of a part, for example of one class, must not be shown beside the
    result.
    """
    grouped = rows.groupby(list(columns))[people]
    counts = grouped.agg(rows="size", people="nunique")
    members, hidden = grouped.unique(), counts["people"] < k
    # The same people may be in several groups: sizes cannot simply be added up.
    for place in counts.loc[~hidden, "people"].sort_values(kind="stable").index:
        if not 0 < len({who for group in members[hidden] for who in group}) < k:
            break
        hidden[place] = True
    return counts.loc[~hidden, ["rows"]].reset_index()


def shares(values: pd.Series, people: pd.Series, names: Sequence[str], k: int) -> pd.Series:
    """Share of the rows with each of the `names` among their `values`; NaN where suppressed.

    `people` are the persons behind the rows. A share is suppressed unless `k` people have rows in
    it, and `k` people have rows in all suppressed shares together. If any share is suppressed, a
    share of 0 is suppressed as well: otherwise a missing share would reveal that it is above 0.
    """
    rows = pd.DataFrame({"value": values, "who": people})
    counts = groups(rows, ["value"], k, "who").set_index("value")["rows"]
    blank = 0 if counts.sum() == len(rows) else np.nan
    return counts.reindex(names).fillna(blank) / max(len(rows), 1)


def bin_counts(
    rows: pd.DataFrame, fields: Sequence[str], k: int, people: str
) -> dict[str, pd.Series]:
    """Number of `rows` in each power of ten of each of `fields`, exact counts; NaN if suppressed.

    An unknown count is left out.
    """
    tables = {}
    for field in fields:
        known = rows[rows[field] >= 0]
        binned = known[[people]].assign(bin=generalisation.binned(known[field], DECADES))
        counts = groups(binned, ["bin"], k, people).set_index("bin")["rows"]
        names = generalisation.bin_names(DECADES)
        tables[field] = counts.reindex(range(len(names))).set_axis(names)
    return tables


def _suppressed(sizes: pd.Series, k: int) -> pd.Series:
    """Mask of the suppressed `sizes`: those below k, then the smallest until they add up to k."""
    hidden = sizes < k
    for place in sizes[~hidden].sort_values(kind="stable").index:
        if not 0 < sizes[hidden].sum() < k:
            break
        hidden[place] = True
    return hidden


def tiers(people: pd.DataFrame, cuts: Mapping[str, Sequence[int]]) -> pd.DataFrame:
    """`segment` and, for each field of `cuts`, its tier: the number of counts it has reached.

    An unknown count (below 0) is in the lowest tier.
    """
    fields = {name: np.searchsorted(at, people[name], side="right") for name, at in cuts.items()}
    return pd.DataFrame({"segment": people["segment"], **fields})


def affordable(
    people: pd.DataFrame, cuts: Mapping[str, Sequence[int]], k: int, most: float
) -> tuple[dict[str, list[int]], list[str]]:
    """`cuts` that leave at most the share `most` of the `people` in suppressed cells; the others.

    As long as more are, the cut is left out without which the fewest are. Without any cut a cell is
    a whole segment. The cuts left out read "followers from 100,000".
    """
    kept, left_out = {name: list(at) for name, at in cuts.items()}, []
    while kept and _suppressed_share(people, kept, k) > most:
        tried = [(name, at) for name, own in kept.items() for at in own]
        name, at = min(tried, key=lambda cut: _suppressed_share(people, _less(kept, *cut), k))
        kept = _less(kept, name, at)
        left_out.append(f"{FIELDS[name]} from {at:,}")
    return kept, left_out


def _less(cuts: Mapping[str, Sequence[int]], field: str, at: int) -> dict[str, list[int]]:
    left = {name: [cut for cut in own if (name, cut) != (field, at)] for name, own in cuts.items()}
    return {name: own for name, own in left.items() if own}


def _suppressed_share(people: pd.DataFrame, cuts: Mapping[str, Sequence[int]], k: int) -> float:
    table = cells(tiers(people, cuts), ("segment", *cuts), k)
    return float(table.loc[~table["shown"], "authors"].sum() / max(len(people), 1))


def cell_codes(table: pd.DataFrame) -> pd.Series:
    """Cell of each row of `table` (as `tiers` gives it) as one string: "0/2/1"."""
    first, *others = (table[name].astype(str) for name in table)
    return first.str.cat(others, sep="/") if others else first


def tier_names(cuts: Mapping[str, Sequence[int]]) -> dict[str, list[str]]:
    """Names of the tiers of each field, by the counts in `cuts` where they begin."""
    return {name: generalisation.bin_names(at) for name, at in cuts.items()}


def named_cells(table: pd.DataFrame, names: Mapping[str, Sequence[str]]) -> list[dict]:
    """Shown rows of `table` (as `cells` gives it), tiers by the `names` of their field."""
    return [
        {
            "segment": int(row["segment"]),
            **{field: names[field][row[field]] for field in names},
            "authors": int(row["authors"]),
        }
        for row in table[table["shown"]].to_dict("records")
    ]


def across(named: Sequence[dict], names: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Cells as `named_cells` gives them, as texts: the tiers of the last field side by side.

    A dash stands for a suppressed cell, and for one with nobody in it.
    """
    table = pd.DataFrame(named, columns=["segment", *names, "authors"]).rename(columns=FIELDS)
    table["segment"] += 1
    if not names:
        return table.set_index("segment").astype(str)
    *fields, last = ("segment", *(FIELDS[name] for name in names))
    wide = table.set_index([*fields, last])["authors"].unstack(sort=False)
    wide = wide.reindex(columns=pd.Index(list(names.values())[-1], name=last))
    return wide.map("{:.0f}".format, na_action="ignore").astype(object).fillna("-")
