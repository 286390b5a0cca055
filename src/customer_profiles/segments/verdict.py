"""Rule for the number of segments, its reasons, and the verdict on them.

The rule. A number k of segments is one of

- *groups in kind* ("natural" in Dolnicar and Leisch 2010, Marketing Letters 21:83): K-Means parts
  the profiles more tightly than rearranged ones (`null_model`), by more than ERRORS standard errors
  of the gap; every cluster recurs in bootstrap samples, with a mean Jaccard similarity of at least
  `jaccard`; and every seed gives the same clustering, with an adjusted Rand index of at least
  `ari`;
- *groups by degree* ("reproducible"): apart no better than rearranged ones, but at least DEGREES
  of them, which recur as above, each with `min_share` of the profiles or more; the whole recurs in
  bootstrap samples too, with a mean adjusted Rand index of at least `bootstrap_ari`; and the
  clusters recur better, by MARGIN, than those of a uniform cloud (`evidence.featureless`).

A number is left out, if another one holds in kind or by degree, where more than `min_share` of the
profiles would be in clusters too small to be shown, or suppressed with these (`cells.suppressed`).

Of numbers in kind, the rule takes the one that most of five criteria prefer: the elbow; the gap, by
the rule of one standard error; silhouette, Calinski-Harabasz and Davies-Bouldin, each by its
improvement over rearranged profiles. By themselves these three prefer two clusters of any long
cloud. Ties go to the best silhouette. Only where there is none, it takes the largest number by
degree, unless a smaller one is CLEARLY more stable. If there is neither, everybody is one segment.
The operator may set another k by hand, which the verdict says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil

import numpy as np
import pandas as pd

from customer_profiles.privacy.cells import suppressed
from customer_profiles.project.vocabulary import BY_DEGREE, BY_HAND, EVERYBODY, IN_KIND
from customer_profiles.segments.evidence import elbow, featureless, weigh
from customer_profiles.segments.evidence_table import coarsened

ERRORS = 3  # passed by chance once in 740 times, not once in 20
# Two groups by degree are the halves of any cloud.
DEGREES = 3
# In the Jaccard similarity of the least stable cluster.
MARGIN = 0.05
# In the lower of the two measures over bootstrap samples, both at most 1.
CLEARLY = 0.1
# Of a share times a number, in the last digits.
ROUNDING = 1e-9
# All rearrangements of a single feature are the same profiles: they differ by rounding only.
LEAST_GAP = 1e-6
NO_OTHER = "No other number of segments passes these tests."
TITLES = {
    "elbow": "the elbow of the inertia",
    "silhouette": "the silhouette",
    "gap": "the gap statistic",
    "calinski_harabasz": "Calinski-Harabasz",
    "davies_bouldin": "Davies-Bouldin",
}


@dataclass(frozen=True)
class Bounds:
    """Bounds of section cluster: of similarities, from 0 to 1, and of the smallest share."""

    jaccard: float
    ari: float
    bootstrap_ari: float
    min_share: float


@dataclass(frozen=True)
class Verdict:
    """Verdict of the evidence, and the published `k` segments with a `reason` (a sentence)."""

    k: int
    verdict: str
    reason: str
    elbow: int | None
    preferred: Mapping[str, int | None]


def examine(
    rows: np.ndarray,
    ks: Sequence[int],
    seed: int,
    effort: tuple[int, int, int],
    bounds: Bounds,
    by_hand: int = 0,
    least: float = 0,
) -> tuple[Verdict, pd.DataFrame]:
    """Verdict on `rows` (scaled, weighted), and the table of evidence with its tests.

    `effort`: the numbers of bootstrap samples, other seeds and rearranged references. `least`: the
    share of the smallest group that may be shown.
    """
    table = weigh(rows, ks, seed, *effort)
    table["hidden"] = [hidden(sizes, least) for sizes in table["sizes"]]
    table = with_tests(table, bounds)
    drawn = table.loc[table["by_degree"], "k"].tolist()
    if drawn and not (table["in_kind"] & table["publishable"]).any():
        by_cloud = featureless(rows, drawn, seed)
        table = with_tests(table.assign(jaccard_uniform=table["k"].map(by_cloud)), bounds)
    return decide(table, bounds, by_hand), table


def hidden(sizes: Sequence[int], least: float) -> float:
    """Share of the people in clusters of these `sizes` that would be suppressed.

    `least`: the share of the smallest group that may be shown.
    """
    table = pd.DataFrame({"all": 0, "cluster": range(len(sizes)), "authors": sizes})
    table = suppressed(table, ceil(least * sum(sizes) - ROUNDING))
    return float(table.loc[~table["shown"], "authors"].sum() / sum(sizes))


def with_tests(table: pd.DataFrame, bounds: Bounds) -> pd.DataFrame:
    """`table` of `evidence.weigh` with the tests of the rule, bool.

    Single tests: beats_chance, recurs, repeats, agrees, large, several, and, where the table has
    `jaccard_uniform`, beats_cloud; and publishable, where it has `hidden`. All of a kind: in_kind,
    by_degree. `holds`: the first that there is of in kind and publishable, by degree and
    publishable, in kind, by degree.
    """
    cloud = table.get("jaccard_uniform", pd.Series(np.nan, table.index))
    tests = {
        "beats_chance": table["gap"] > np.maximum(ERRORS * table["gap_error"], LEAST_GAP),
        "recurs": table["jaccard"] >= bounds.jaccard,
        "repeats": table["ari"] >= bounds.ari,
        "agrees": table["bootstrap_ari"] >= bounds.bootstrap_ari,
        "large": table["smallest"] >= bounds.min_share,
        "several": table["k"] >= DEGREES,
        "publishable": table.get("hidden", pd.Series(0.0, table.index)) <= bounds.min_share,
        "beats_cloud": ~(table["jaccard"] < cloud + MARGIN),
    }
    again = tests["recurs"] & tests["repeats"]
    kinds = {
        "in_kind": again & tests["beats_chance"],
        "by_degree": again
        & tests["agrees"]
        & tests["large"]
        & tests["several"]
        & tests["beats_cloud"],
    }
    ranks = [kind & tests["publishable"] for kind in kinds.values()] + [*kinds.values()]
    holds = next((rank for rank in ranks if rank.any()), kinds["by_degree"])
    return table.assign(**tests, **kinds, holds=holds)


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


def decide(table: pd.DataFrame, bounds: Bounds, by_hand: int = 0) -> Verdict:
    """Verdict on `table` (see `with_tests`); `by_hand` is a k that the operator sets, or 0."""
    holds = table.loc[table["holds"], "k"].tolist()
    votes = preferred(table, holds or table["k"].tolist())
    chosen = table[table["holds"]]
    other = table[(table["in_kind"] | table["by_degree"]) & ~table["holds"]]
    too_small = other.loc[~other["publishable"], "k"].tolist()
    if len(chosen) and chosen["in_kind"].all():
        k, verdict = _best(table, holds), IN_KIND
        reason = _less(_for(k, holds, votes), too_small)
    elif holds:
        k, verdict = _largest(table, holds), BY_DEGREE
        reason = _less(_of_degrees(k, holds), too_small)
    else:
        k, verdict = 1, EVERYBODY
        reason = _against(table, bounds)
    if by_hand:
        reason = _by_hand(by_hand, table, bounds) + reason[0].lower() + reason[1:]
        k, verdict = by_hand, BY_HAND
    return Verdict(k, verdict, reason, elbow(table), votes)


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
            "bootstrap_ari": float(row["bootstrap_ari"]) if weighed else None,
            "jaccard": row["jaccards"] if weighed else [],
        },
    }


def remarks(ks: Sequence[int], k_max: int, small: Sequence[int], share: float) -> list[str]:
    """Sentences for readers on a range of k that ends below `k_max`, and on `small` clusters."""
    sentences = []
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


def _largest(table: pd.DataFrame, among: Sequence[int]) -> int:
    """The largest k of `among` that no smaller one clearly exceeds in stability."""
    stability = table.set_index("k").loc[list(among), ["jaccard", "bootstrap_ari"]].min(axis=1)
    return max(k for k in among if (stability.loc[:k] <= stability[k] + CLEARLY).all())


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
        return f"{text}. {NO_OTHER}"
    passes, prefer = "pass" if others[1:] else "passes", "prefer" if likes[1:] else "prefers"
    by = "all five criteria" if len(likes) == len(TITLES) else _listed(likes)
    return f"{text}. {_listed(others)} also {passes} these tests, but {by} {prefer} {k}."


def _less(reason: str, too_small: Sequence[int]) -> str:
    """`reason` with a sentence on the numbers of which some groups are `too_small` to be shown."""
    if not too_small:
        return reason
    names = _listed([str(k) for k in too_small])
    text = reason.removesuffix(NO_OTHER).rstrip()
    return f"{text} {names} would pass these tests as well, but with groups too small to be shown."


def _of_degrees(k: int, drawn: Sequence[int]) -> str:
    others = [str(other) for other in drawn if other != k]
    text = (
        f"{_named(k)} by degree: they are separated no better than rearranged data, but they are "
        "found again in bootstrap samples and from every start of K-Means"
    )
    if not others:
        return f"{text}. {NO_OTHER}"
    larger = f"{k} is the largest number that no smaller one clearly exceeds in stability"
    passes = "pass" if others[1:] else "passes"
    return f"{text}. {_listed(others)} also {passes} these tests, but {larger}."


def _against(table: pd.DataFrame, bounds: Bounds) -> str:
    """Reason that no k holds: the first test that the candidate nearest to holding fails."""
    if table.empty:
        return "One segment: the authors are too similar, or too few, to be divided."
    parted = table[table["beats_chance"]]
    some = parted if len(parted) else table[table["k"] >= DEGREES]
    low, high = table["k"].min(), table["k"].max()
    apart = (
        f"no number of segments from {low} to {high} separates the authors better than rearranged "
        "data"
    )
    if some.empty:
        return f"One segment: {apart}."
    tests = ["recurs", "repeats", *([] if len(parted) else ["agrees", "large", "beats_cloud"])]
    passed = some[tests].cumprod(axis=1).sum(axis=1)
    nearest = some.loc[passed == passed.max()]
    row = _row(table, _best(table, nearest["k"].tolist()))
    failure = _failure(row, bounds, tests)
    if len(parted):
        better = f"{row['k']} would be separated better than rearranged data"
        return f"One segment: {better}, but {failure}."
    return f"One segment: {apart}, and of {row['k']} segments by degree {failure}."


def _by_hand(k: int, table: pd.DataFrame, bounds: Bounds) -> str:
    text = f"{_named(k)}, asked for by hand in params.yaml"
    row = _row(table, k)
    if row is not None and not row["holds"]:
        tests = ["recurs", "repeats", "agrees", "large", "beats_cloud", "beats_chance"]
        text += f", though {_failure(row, bounds, tests)}"
    return f"{text}. By evidence: "


def _failure(row: pd.Series, bounds: Bounds, tests: Sequence[str]) -> str:
    """Text on the first of `tests` that the k of this `row` fails."""
    figures = coarsened(row.to_frame().T.infer_objects()).iloc[0]
    texts = {
        "beats_chance": "they are not separated better than rearranged data",
        "recurs": (
            "they are not found again in bootstrap samples: the mean Jaccard similarity of the "
            f"least stable one is {figures['jaccard']:.2f}, and {bounds.jaccard:g} is required"
        ),
        "repeats": (
            "they depend on the start of K-Means: the adjusted Rand index of two runs is "
            f"{figures['ari']:.2f}, and {bounds.ari:g} is required"
        ),
        "agrees": (
            "they are others in bootstrap samples: the mean adjusted Rand index is "
            f"{figures['bootstrap_ari']:.2f}, and {bounds.bootstrap_ari:g} is required"
        ),
        "beats_cloud": "those of a uniform cloud, which has no groups, recur nearly as well",
        "large": f"the smallest has less than {bounds.min_share:.0%} of the authors",
    }
    return next(texts[test] for test in tests if not row[test])


def _row(table: pd.DataFrame, k: int) -> pd.Series | None:
    rows = table[table["k"] == k]
    return None if rows.empty else rows.iloc[0]


def _named(k: int) -> str:
    return "One segment" if k == 1 else f"{k} segments"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
