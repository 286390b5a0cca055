"""How many segments there are, by evidence: a rule, its reasons, and "no stable structure".

The rule. A number k *holds* when

1. it beats chance: K-Means parts the profiles more tightly than rearranged ones (`nulls`), by more
   than ERRORS standard errors of the gap;
2. every cluster comes back in bootstrap samples: mean Jaccard similarity of at least `jaccard`;
3. the whole comes back from every seed: adjusted Rand index of at least `ari`.

Of the k that hold, that one is taken which most of the five criteria prefer among them: the elbow;
the gap, by the rule of one standard error; silhouette, Calinski-Harabasz and Davies-Bouldin, each
by how much better it is than on rearranged profiles. By themselves these three prefer two clusters
of any long cloud. Of equal k that of the best silhouette is taken. Where none holds, there is no
stable structure: everybody is one segment. Somebody may ask for another k by hand; the verdict
stays what the evidence says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from customer_profiles.evidence import elbow

ERRORS = 3  # by chance passed once in 740 times, not once in 20
# Of a single feature all rearrangements are the same profiles: only rounding parts them.
LEAST_GAP = 1e-6
STABLE = "stable structure"
UNSTABLE = "no stable structure"
TITLES = {
    "elbow": "the elbow of the inertia",
    "silhouette": "the silhouette",
    "gap": "the gap statistic",
    "calinski_harabasz": "Calinski-Harabasz",
    "davies_bouldin": "Davies-Bouldin",
}
DIGITS = {
    "silhouette": 2, "gap": 2, "gap_error": 3, "davies_bouldin": 2, "jaccard": 2, "ari": 2,
    "smallest": 2,
}  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """What the evidence says, and what is published: `k` segments, for a `reason` (a sentence)."""

    k: int
    verdict: str
    reason: str
    by_hand: bool
    elbow: int | None
    preferred: Mapping[str, int | None]


def judged(table: pd.DataFrame, jaccard: float, ari: float) -> pd.DataFrame:
    """`table` of `evidence.weigh` with the tests of the rule: beats_chance, recurs, repeats, holds.

    The first three are each on its own, `holds` is all of them.
    """
    tests = {
        "beats_chance": table["gap"] > np.maximum(ERRORS * table["gap_error"], LEAST_GAP),
        "recurs": table["jaccard"] >= jaccard,
        "repeats": table["ari"] >= ari,
    }
    return table.assign(**tests, holds=np.logical_and.reduce(list(tests.values())))


def preferred(table: pd.DataFrame, among: Sequence[int]) -> dict[str, int | None]:
    """For each criterion the k of `among` that it prefers, None where it prefers none of them.

    The gap's is the first whose gap the next one does not surpass by a standard error.
    """
    rows = table[table["k"].isin(among)].set_index("k")
    if rows.empty:
        return dict.fromkeys(TITLES)
    knee = elbow(table)
    gap, error = rows["gap"], rows["gap_error"]
    enough = gap >= (gap - error).shift(-1, fill_value=-np.inf)
    return {
        "elbow": knee if knee in rows.index else None,
        "silhouette": int(_apart(rows).idxmax()),
        "gap": int(enough.idxmax()),
        "calinski_harabasz": int(
            (rows["calinski_harabasz"] / rows["calinski_harabasz_chance"]).idxmax()
        ),
        "davies_bouldin": int((rows["davies_bouldin"] - rows["davies_bouldin_chance"]).idxmin()),
    }


def decide(table: pd.DataFrame, jaccard: float, ari: float, by_hand: int = 0) -> Verdict:
    """The rule applied to `table` as `judged` gives it; `by_hand` a k that is asked for, or 0."""
    held = table.loc[table["holds"], "k"].tolist()
    votes = preferred(table, held or table["k"].tolist())
    k = _best(table, held) if held else 1
    reason = _for(k, held, votes) if held else _against(table, jaccard, ari)
    if by_hand:
        reason = f"{_named(by_hand)} asked for by hand in params.yaml. By evidence: {reason}"
    return Verdict(
        k=by_hand or k,
        verdict=STABLE if (by_hand or k) in held else UNSTABLE,
        reason=reason,
        by_hand=bool(by_hand),
        elbow=elbow(table),
        preferred=votes,
    )


def summary(found: Verdict, table: pd.DataFrame, remarks: Sequence[str] = ()) -> dict:
    """`found` as the report tells it, with `remarks` (sentences) and what `table` says of its k.

    Of one segment there is nothing to say: no silhouette, nothing that could come back.
    """
    about = {**asdict(found), "reason": " ".join([found.reason, *remarks])}
    row = shown(table).set_index("k").reindex([found.k]).iloc[0]
    weighed = found.k in set(table["k"])
    return about | {
        "silhouette": float(row["silhouette"]) if weighed else None,
        "stability": {
            "ari": float(row["ari"]) if weighed else None,
            "jaccard": [round(value, 2) for value in row["jaccards"]] if weighed else [],
        },
    }


def certainty(found: Verdict, table: pd.DataFrame) -> pd.Series:
    """Mean Jaccard similarities by name: of the clusters of `found`; of the least certain cluster
    of each k where it has one segment, or a k that was not weighed."""
    rows = shown(table).set_index("k")
    if found.k in rows.index:
        clusters = rows.loc[found.k, "jaccards"]
        return pd.Series(clusters, [f"cluster {n}" for n in range(1, found.k + 1)], dtype=float)
    return rows["jaccard"].astype(float).rename(lambda k: f"the least certain of {k}")


def remarks(
    rows: np.ndarray, features: Sequence[str], ks: Sequence[int], k_max: int, small: Sequence[int],
    share: float,
) -> list[str]:  # fmt: skip
    """Sentences on what else a reader has to know of the evidence on `rows` (n, features).

    Features without differences, a range that ends below `k_max`, and the `small` clusters.
    """
    same = [n for n, width in zip(features, np.ptp(rows, axis=0), strict=True) if not width]
    found = [f"{_listed(same)} told nobody apart: the same for all."] if same else []
    if ks and ks[-1] < k_max:
        found.append(
            f"Not more than {ks[-1]} were looked at, below k_max: there are too few different "
            "profiles."
        )
    if small:
        names = _listed([str(number) for number in small])
        found.append(f"Small, with under {share:.0%} of the authors each: cluster {names}.")
    return found


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """The evidence as anyone may see it: so few digits that nobody's part can be made out."""
    coarse = table.round({name: digits for name, digits in DIGITS.items() if name in table})
    for name in {"inertia", "calinski_harabasz"} & set(table):
        coarse[name] = [float(f"{value:.3g}") for value in table[name]]
    return coarse


def report(table: pd.DataFrame) -> pd.DataFrame:
    """The columns of `judged` that are kept, as `shown`."""
    names = [
        "k", "inertia", "silhouette", "gap", "gap_error", "calinski_harabasz", "davies_bouldin",
        "jaccard", "ari", "smallest", "holds",
    ]  # fmt: skip
    return shown(table)[names]


def agreement(table: pd.DataFrame, found: Verdict) -> pd.DataFrame:
    """The agreement table for readers: per k what is `shown`, which tests fail, who prefers it."""
    names = {"beats_chance": "chance", "recurs": "bootstrap", "repeats": "seeds"}
    fails = [
        ", ".join(title for name, title in names.items() if not row[name]) or "none: it holds"
        for _, row in table.iterrows()
    ]
    liked = [
        ", ".join(name.replace("_", " ") for name, k in found.preferred.items() if k == row) or "-"
        for row in table["k"]
    ]
    kept = report(table).drop(columns="holds")
    return kept.assign(**{"fails": fails, "preferred by": liked}).set_index("k")


def _best(table: pd.DataFrame, among: Sequence[int]) -> int:
    """The k of `among` that most criteria prefer, of equal ones that of the best silhouette."""
    liked = list(preferred(table, among).values())
    silhouette = _apart(table.set_index("k"))
    return max(among, key=lambda k: (liked.count(k), silhouette[k]))


def _apart(table: pd.DataFrame) -> pd.Series:
    return table["silhouette"] - table["silhouette_chance"]


def _for(k: int, held: Sequence[int], votes: Mapping[str, int | None]) -> str:
    likes = [TITLES[name] for name, at in votes.items() if at == k]
    others = [str(other) for other in held if other != k]
    text = (
        f"{_named(k)}: they stand further apart than chance makes them, and come back in every "
        "resample and from every start"
    )
    if not others:
        return f"{text}; no other number does."
    does, prefer = "does" if others[1:] == [] else "do", "prefers" if likes[1:] == [] else "prefer"
    return f"{text}. So {does} {_listed(others)}, but {_listed(likes)} {prefer} {k}."


def _against(table: pd.DataFrame, jaccard: float, ari: float) -> str:
    """Why none holds: the first test that the candidate nearest to holding fails."""
    if table.empty:
        return "One segment: these authors are too much alike, or too few, to be parted at all."
    passed = table[["beats_chance", "recurs", "repeats"]].cumprod(axis=1).sum(axis=1)
    k = _best(table, table.loc[passed == passed.max(), "k"].tolist())
    row = table.set_index("k").loc[k]
    if not row["beats_chance"]:
        low, high = table["k"].min(), table["k"].max()
        return (
            f"One segment: no number from {low} to {high} parts these authors better than chance "
            "parts shuffled ones, so they differ by degrees and not in kind."
        )
    start = f"One segment: {k} would stand further apart than chance makes them, but"
    if not row["recurs"]:
        return (
            f"{start} they do not come back when the authors are drawn anew: the least certain one "
            f"is found again to {row['jaccard']:.2f} of 1, and {jaccard:g} is asked for."
        )
    return (
        f"{start} they depend on where the search starts: two searches agree to {row['ari']:.2f} "
        f"of 1, and {ari:g} is asked for."
    )


def _named(k: int) -> str:
    return "One segment" if k == 1 else f"{k} segments"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
