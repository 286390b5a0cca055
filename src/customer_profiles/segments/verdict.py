"""Rule for the number of segments, its reasons, and the verdict "no stable structure".

The rule. A number k *holds* when

1. it beats chance: K-Means parts the profiles more tightly than rearranged ones (`null_model`), by
   more than ERRORS standard errors of the gap;
2. every cluster recurs in bootstrap samples: mean Jaccard similarity of at least `jaccard`;
3. the whole clustering recurs from every seed: adjusted Rand index of at least `ari`.

Of the k that hold, the rule takes the one that most of five criteria prefer: the elbow; the gap, by
the rule of one standard error; silhouette, Calinski-Harabasz and Davies-Bouldin, each by its
improvement over rearranged profiles. By themselves these three prefer two clusters of any long
cloud. Ties go to the best silhouette. If no k holds, there is no stable structure, and everybody is
one segment. The operator may set another k by hand; the verdict still follows the evidence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from customer_profiles.project.vocabulary import STABLE, UNSTABLE
from customer_profiles.segments.evidence import elbow
from customer_profiles.segments.evidence_table import coarsened

ERRORS = 3  # passed by chance once in 740 times, not once in 20
# All rearrangements of a single feature are the same profiles: they differ by rounding only.
LEAST_GAP = 1e-6
TITLES = {
    "elbow": "the elbow of the inertia",
    "silhouette": "the silhouette",
    "gap": "the gap statistic",
    "calinski_harabasz": "Calinski-Harabasz",
    "davies_bouldin": "Davies-Bouldin",
}


@dataclass(frozen=True)
class Verdict:
    """Verdict of the evidence, and the published `k` segments with a `reason` (a sentence)."""

    k: int
    verdict: str
    reason: str
    by_hand: bool
    elbow: int | None
    preferred: Mapping[str, int | None]


def with_tests(table: pd.DataFrame, jaccard: float, ari: float) -> pd.DataFrame:
    """`table` of `evidence.weigh` with the tests of the rule: beats_chance, recurs, repeats, holds.

    The first three are separate tests, `holds` is all of them.
    """
    tests = {
        "beats_chance": table["gap"] > np.maximum(ERRORS * table["gap_error"], LEAST_GAP),
        "recurs": table["jaccard"] >= jaccard,
        "repeats": table["ari"] >= ari,
    }
    return table.assign(**tests, holds=np.logical_and.reduce(list(tests.values())))


def preferred(table: pd.DataFrame, among: Sequence[int]) -> dict[str, int | None]:
    """Preferred k of each criterion, out of `among`; None where it prefers none of them.

    The gap prefers the first k whose gap is not below the next gap less its standard error.
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
    """Verdict on `table` (see `with_tests`); `by_hand` is a k that the operator sets, or 0."""
    stable = table.loc[table["holds"], "k"].tolist()
    votes = preferred(table, stable or table["k"].tolist())
    k = _best(table, stable) if stable else 1
    reason = _for(k, stable, votes) if stable else _against(table, jaccard, ari)
    if by_hand:
        reason = _by_hand(by_hand, table, jaccard, ari) + reason[0].lower() + reason[1:]
    return Verdict(
        k=by_hand or k,
        verdict=STABLE if (by_hand or k) in stable else UNSTABLE,
        reason=reason,
        by_hand=bool(by_hand),
        elbow=elbow(table),
        preferred=votes,
    )


def summary(verdict: Verdict, table: pd.DataFrame, remarks: Sequence[str] = ()) -> dict:
    """`verdict` for the report, with `remarks` (sentences) and its row of `table`.

    One segment has neither silhouette nor stability.
    """
    about = {**asdict(verdict), "reason": " ".join([verdict.reason, *remarks])}
    row = coarsened(table).set_index("k").reindex([verdict.k]).iloc[0]
    weighed = verdict.k in set(table["k"])
    return about | {
        "silhouette": float(row["silhouette"]) if weighed else None,
        "stability": {
            "ari": float(row["ari"]) if weighed else None,
            "jaccard": row["jaccards"] if weighed else [],
        },
    }


def remarks(
    rows: np.ndarray, features: Sequence[str], ks: Sequence[int], k_max: int, small: Sequence[int],
    share: float,
) -> list[str]:  # fmt: skip
    """Sentences of further facts on the evidence of `rows` (n, features), for readers.

    They name features without differences, a range that ends below `k_max`, and the `small`
    clusters.
    """
    same = [n for n, width in zip(features, np.ptp(rows, axis=0), strict=True) if not width]
    sentences = [f"{_listed(same)}: the same for all authors."] if same else []
    if ks and ks[-1] < k_max:
        sentences.append(
            f"At most {ks[-1]} segments were tried, fewer than k_max: there are too few different "
            "profiles."
        )
    if small:
        names = _listed([str(number) for number in small])
        sentences.append(
            f"Small (under {share:.0%} of the authors each, or too few to be published): cluster "
            f"{names}."
        )
    return sentences


def _best(table: pd.DataFrame, among: Sequence[int]) -> int:
    """Number k of `among` that most criteria prefer; ties go to the best silhouette."""
    liked = list(preferred(table, among).values())
    silhouette = _apart(table.set_index("k"))
    return max(among, key=lambda k: (liked.count(k), silhouette[k]))


def _apart(table: pd.DataFrame) -> pd.Series:
    return table["silhouette"] - table["silhouette_chance"]


def _for(k: int, stable: Sequence[int], votes: Mapping[str, int | None]) -> str:
    likes = [TITLES[name] for name, at in votes.items() if at == k]
    others = [str(other) for other in stable if other != k]
    text = (
        f"{_named(k)}: they are separated better than rearranged data, and they are found "
        "again in bootstrap samples and from every start of K-Means"
    )
    if not others:
        return f"{text}. No other number of segments passes these tests."
    passes, prefer = "pass" if others[1:] else "passes", "prefer" if likes[1:] else "prefers"
    by = "all five criteria" if len(likes) == len(TITLES) else _listed(likes)
    return f"{text}. {_listed(others)} also {passes} these tests, but {by} {prefer} {k}."


def _against(table: pd.DataFrame, jaccard: float, ari: float) -> str:
    """Reason that no k holds: the first test that the candidate nearest to holding fails."""
    if table.empty:
        return "One segment: the authors are too similar, or too few, to be divided."
    passed = table[["beats_chance", "recurs", "repeats"]].cumprod(axis=1).sum(axis=1)
    row = _row(table, _best(table, table.loc[passed == passed.max(), "k"].tolist()))
    if not row["beats_chance"]:
        low, high = table["k"].min(), table["k"].max()
        return (
            f"One segment: no number of segments from {low} to {high} separates the authors better "
            "than rearranged data. They differ by degree, not in kind."
        )
    return (
        f"One segment: {row['k']} would be separated better than rearranged data, but "
        f"{_failure(row, jaccard, ari)}."
    )


def _by_hand(k: int, table: pd.DataFrame, jaccard: float, ari: float) -> str:
    text = f"{_named(k)}, asked for by hand in params.yaml"
    row = _row(table, k)
    if row is not None and not row["holds"]:
        text += f", though {_failure(row, jaccard, ari)}"
    return f"{text}. By evidence: "


def _failure(row: pd.Series, jaccard: float, ari: float) -> str:
    """Text on the first test that the k of this `row` fails."""
    figures = coarsened(row.to_frame().T.infer_objects()).iloc[0]
    if not row["beats_chance"]:
        return "they are not separated better than rearranged data"
    if not row["recurs"]:
        return (
            "they are not found again in bootstrap samples: the mean Jaccard similarity of the "
            f"least stable one is {figures['jaccard']:.2f}, and {jaccard:g} is required"
        )
    return (
        "they depend on the start of K-Means: the adjusted Rand index of two runs is "
        f"{figures['ari']:.2f}, and {ari:g} is required"
    )


def _row(table: pd.DataFrame, k: int) -> pd.Series | None:
    rows = table[table["k"] == k]
    return None if rows.empty else rows.iloc[0]


def _named(k: int) -> str:
    return "One segment" if k == 1 else f"{k} segments"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
