"""Privacy certificate: test of a publication against simulated attackers."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil

import numpy as np
import pandas as pd

from customer_profiles.privacy import attacks, cells
from customer_profiles.privacy.aggregates import Aggregate
from customer_profiles.privacy.attacks import Outcome
from customer_profiles.privacy.generalisation import gridded
from customer_profiles.project import vocabulary
from customer_profiles.project.vocabulary import ATTACKERS

MORE = "give an archive of more authors (pull.archive in params.yaml), or let fewer posts expire"
QUARTERS = 4
# A mean of many equal shares may differ from the share in its last digits.
SLACK = 1e-9


@dataclass(frozen=True)
class Release:
    """Data to be published, with the people behind it.

    `people`: profiles with `segment`; `tiers` (as `cells.tiers` gives it) of the same rows, and
    `cells`, their groups, as `cells.cells` gives them; `described` segments, and the `aggregates`
    they were made of. `authors`: number of authors of each day, and of each share of a segment's
    posts, as `segments.mood_daily` and `aggregates.of_segments` give them.
    """

    people: pd.DataFrame
    tiers: pd.DataFrame
    cells: pd.DataFrame
    described: Sequence[dict]
    aggregates: Sequence[Aggregate]
    authors: Sequence[int]

    @cached_property
    def codes(self) -> pd.Series:
        """Cell of each person as one string."""
        return cells.cell_codes(self.tiers)

    @cached_property
    def published_mask(self) -> pd.Series:
        """Mask of the people whose cell is shown."""
        kept = self.cells.loc[self.cells["shown"], list(self.tiers)]
        return self.codes.isin(cells.cell_codes(kept))

    @cached_property
    def groups(self) -> list[int]:
        """Sizes of all groups that can be computed from the publication, the smallest first.

        These are the published numbers of people, and the remainders after subtraction of others.
        """
        segment = self.people["segment"]
        described = segment.where(segment.isin([row["id"] for row in self.described]))
        totals = list(self._totals())
        sizes = [*self.cells.loc[self.cells["shown"], "authors"], *self.authors]
        sizes += [total.sum() for total in totals]
        for parts in (described, self.codes.where(self.published_mask)):
            sizes += attacks.subtracted(totals, parts)
        return sorted(int(size) for size in sizes if size)

    def _totals(self) -> Iterator[np.ndarray]:
        """Masks of everybody, of each shown segment, and of its parts with an exact number."""
        yield np.ones(len(self.people), dtype=bool)
        for row in self.described:
            inside = (self.people["segment"] == row["id"]).to_numpy()
            yield inside
            for flag in ("verified", "protected"):
                if not isinstance(row[f"no_{flag}"], str):
                    has = self.people[flag].to_numpy(dtype=bool)
                    yield inside & has
                    yield inside & ~has


def issue(
    release: Release,
    known: Mapping[str, pd.DataFrame],
    k: int,
    max_suppressed: float,
    seed: int,
) -> dict:
    """Certificate of the `release`: `published`, `passed`, and `reasons` if it did not pass.

    `known` gives the tiers that the attackers of `exact_join` and `drifted_join` looked up, in the
    rows of the release's people, NaN where a person was not found. Numbers of people below `k` read
    "<k".

    Success is rounded up to halves of the bound, numbers of people down to multiples of `k`, and
    reasons name none: exact values would reveal a person's segment to an attacker who recomputes
    the certificate for each possible member.
    """
    cells, published = release.cells, release.cells.loc[release.cells["shown"], "authors"]
    total, smallest = len(release.people), min(release.groups, default=0)
    suppressed = float(total - published.sum()) / total if total else 1.0
    outcomes = attacked(release, known, k, seed)
    remedy = advice(release, k)
    reasons = [
        f"{name}: an attacker who {ATTACKERS[name]} succeeds for more than 1 in {k} of his "
        f"targets; {remedy}"
        for name, outcome in outcomes.items()
        if outcome.success > (1 + SLACK) / k
    ]
    if suppressed > max_suppressed:
        reasons.append(
            f"more than {max_suppressed:.1%} of the authors are in suppressed cells; {remedy}"
        )
    if total < k:  # no bound can be held, for this one reason
        reasons = [remedy]
    return {
        "published": {
            "k": k,
            "k_min": vocabulary.at_least(_in_whole_groups(smallest, k), k),
            "uniqueness": float((published == 1).sum() / total) if total else 0.0,
            "suppressed_share": suppressed,
            "cells": len(published),
            "cells_suppressed": int((~cells["shown"]).sum()),
            "l_diversity": diversity(release),
            "attacks": {
                name: {
                    "success": ceil(outcome.success * 2 * k - SLACK) / (2 * k),
                    "bound": 1 / k,
                    "targets": vocabulary.at_least(_in_whole_groups(outcome.targets, k), k),
                }
                for name, outcome in outcomes.items()
            },
        },
        "passed": not reasons,
        "reasons": reasons,
    }


def advice(release: Release, k: int) -> str:
    """Ways to a certificate for a `release` that did not pass, as far as it leaves any."""
    if len(release.people) < k:
        return f"there are fewer than {k} authors, the least that a group may have: {MORE}"
    ways = []
    if len(release.tiers.columns) > 1:
        ways.append("name fewer or coarser tiers in section publish")
    if release.people["segment"].nunique() > 1:
        ways.append("ask for fewer segments (k_max, or k by hand, in section cluster)")
    return ", or ".join(ways or [MORE])


def missed(certificate: Mapping, max_suppressed: float) -> str:
    """Bounds that a `certificate` missed, as a clause."""
    published = certificate["published"]
    succeed = [
        name
        for name, attack in published["attacks"].items()
        if attack["success"] > attack["bound"] + SLACK
    ]
    clauses = [f"attackers would succeed too often ({', '.join(succeed)})"] if succeed else []
    if published["suppressed_share"] > max_suppressed:
        clauses.append(f"more than {max_suppressed:.1%} of the authors would be left out")
    return ", and ".join(clauses)


def known_tiers(counts: pd.DataFrame, tiers: Mapping, people: Iterable[str]) -> pd.DataFrame:
    """Tiers that an attacker computes from `counts` (by pseudonym, as `attacks.looked_up`).

    A row for each of `people`, NaN for a person whom he did not find. Fields that X does not show
    have no tiers.
    """
    knowable = {name: cuts for name, cuts in tiers.items() if name in cells.KNOWABLE}
    return cells.tiers(counts.assign(segment=0), knowable)[list(knowable)].reindex(people)


def known(
    counts: pd.DataFrame, tiers: Mapping, people: Iterable[str], drift: float, seed: int
) -> dict[str, pd.DataFrame]:
    """Tiers that the attackers of `exact_join` and `drifted_join` compute (`known_tiers`).

    The second looks the `counts` up later, when they have `drifted`.
    """
    at = {"exact_join": counts, "drifted_join": attacks.drifted(counts, drift, seed)}
    return {name: known_tiers(public, tiers, people) for name, public in at.items()}


def attacked(
    release: Release, known: Mapping[str, pd.DataFrame], k: int, seed: int
) -> dict[str, Outcome]:
    """Outcome of each of ATTACKERS against the `release`; arguments as of `issue`."""
    records = release.tiers.astype(float)
    records[~release.published_mask] = np.nan
    return {
        **{name: attacks.linkage(records[list(tiers)], tiers) for name, tiers in known.items()},
        # Scoring is deterministic: with the model he finds our profiles, with the clusters' centres
        # our segments. His success is therefore computed without scoring again.
        "rescoring_join": attacks.linkage(records, release.tiers),
        "differencing": attacks.differencing(release.codes, k, seed),
        "small_groups": attacks.smallest(release.groups),
        **_aggregates(release),
    }


def diversity(release: Release) -> int:
    """Fewest different quarters of polarity in a shown cell (distinct l-diversity); 0 for none.

    It is reported and not bounded: a shared polarity does not reveal the members of a group.
    """
    tiers = release.tiers[release.published_mask]
    if tiers.empty:
        return 0
    marks = pd.Series(gridded(release.people["polarity"], QUARTERS), release.people.index)
    return int(marks.groupby([tiers[name] for name in tiers]).nunique().min())


def at_rest(
    observations: pd.DataFrame, profiles: Iterable[str], author_ids: Iterable[str]
) -> dict[str, float]:
    """Risks of a database stolen without the key: measured and disclosed, not bounded.

    Readable in it are, for each author, the number of `observations` by month, scorer and origin,
    and whether the author is among `profiles` (pseudonyms). `linkage`: expected share of the
    authors recognised by these, by a thief who knows every post. `uniqueness`: share of the authors
    whom nobody is like. `dictionary`: share of the pseudonyms recovered by hashing all
    `author_ids`.
    """
    readable = [observations["day"].str[:7], observations["scorer"], observations["origin"]]
    posts = pd.crosstab(observations["author"], readable)
    alike = posts.groupby([*(posts[name] for name in posts), posts.index.isin(profiles)]).size()
    return {
        "uniqueness": float((alike == 1).sum() / len(posts)),
        "linkage": len(alike) / len(posts),
        "dictionary": attacks.dictionary(posts.index, author_ids),
    }


def table(certificate: Mapping) -> pd.DataFrame:
    """Attacks on the publication, one a row, as texts to read."""
    rows = {
        name: {
            "the attacker": ATTACKERS[name],
            "targets": str(attack["targets"]),
            "success": f"{attack['success']:.1%}",
            "bound": f"{attack['bound']:.1%}",
        }
        for name, attack in certificate["published"]["attacks"].items()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def overview(certificate: Mapping, max_suppressed: float) -> pd.DataFrame:
    """Bounds and measured values of a certificate with `at_rest`, one a row, as texts to read."""
    published, stolen = certificate["published"], certificate["at_rest"]
    least, most = f"at least {published['k']}", f"at most {max_suppressed:.0%}"
    rows = [
        ("authors in the smallest published group", least, published["k_min"]),
        ("authors alone in their cell", "none", f"{published['uniqueness']:.1%}"),
        ("authors whose cell is suppressed", most, f"{published['suppressed_share']:.1%}"),
        ("quarters of polarity in a cell, at least", "reported", published["l_diversity"]),
        ("pseudonyms turned back by hashing all ids", "disclosed", f"{stolen['dictionary']:.1%}"),
        ("stored authors recognised without the key", "disclosed", f"{stolen['linkage']:.1%}"),
        ("stored authors with nobody alike", "disclosed", f"{stolen['uniqueness']:.1%}"),
        ("passed", "", "yes" if certificate["passed"] else "no"),
    ]
    return pd.DataFrame(rows, columns=["what", "bound", "found"]).set_index("what")


def _aggregates(release: Release) -> dict[str, Outcome]:
    """Worst outcomes, over all segments, of the two attacks on a segment's aggregate."""
    nothing = dict.fromkeys(("extreme_values", "last_member"), Outcome(0.0, 0))
    by_segment = [nothing]
    for row, aggregate in zip(release.described, release.aggregates, strict=True):
        if not aggregate.published().items() <= row.items():
            raise ValueError(f"segment {row['id']} is not described by its aggregate")
        by_segment.append(aggregate.attacked())
    return {name: max(outcomes[name] for outcomes in by_segment) for name in nothing}


def _in_whole_groups(people: int, k: int) -> int:
    """`people`, rounded down to a multiple of `k`."""
    return people // k * k
