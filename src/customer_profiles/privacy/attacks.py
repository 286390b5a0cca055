"""Simulated attackers who link a person to published data, and their success.

Each attacker holds the whole public conversation: every post, and the public counts of every
author. `success` is the expected share of his targets whom he links correctly; a guess among n
indistinguishable people counts 1/n. It is computed exactly, never by drawing guesses.

Against k-anonymous cells no attacker exceeds 1/k, whatever he knows. His guess depends on the
record, it is right for one person at most, and k people share the record.
"""

import hashlib
import hmac
from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.spatial import KDTree

from customer_profiles.privacy import cells
from customer_profiles.privacy.generalisation import months_between
from customer_profiles.project.vocabulary import AUTHOR_COUNTS

DRIFTING = ("followers", "following", "listed", "account_posts")
# Distances of the same two points may differ in their last digits.
SLACK = 1e-9
HASHES = ("md5", "sha1", "sha256", "sha512", "blake2b")
TARGETS, CANDIDATES, CHUNK = 500, 2000, 100


class Outcome(NamedTuple):
    """Expected share of the `targets` (a number of people) that are linked correctly."""

    success: float
    targets: int


def looked_up(posts: pd.DataFrame, authors: pd.DataFrame) -> pd.DataFrame:
    """Public counts of each author, exactly: one row per author_id.

    `posts` and `authors` as `pages.collect` gives them. Columns: posts, the AUTHOR_COUNTS
    (account_age in months on the day of the last post), verified, protected.
    """
    seen = posts.groupby("author_id").agg(posts=("day", "size"), day=("day", "max"))
    counts = authors.set_index("author_id").join(seen, how="inner", validate="one_to_one")
    counts["account_age"] = months_between(counts["created"], counts["day"])
    return counts[["posts", *AUTHOR_COUNTS, "verified", "protected"]]


def public(
    posts: pd.DataFrame,
    authors: pd.DataFrame,
    counted: Iterable[str],
    pseudonyms: Callable[[str, Iterable[str]], list[str]],
) -> tuple[pd.DataFrame, list[str]]:
    """Public counts by pseudonym, as `looked_up` gives them by id, and the ids in that order.

    Only posts among `counted` (pseudonyms) count: the attacker knows our rules as well.
    `pseudonyms` gives those of ids of a kind, "post" or "author" (`Key.pseudonyms`).
    """
    ours = pd.Index(pseudonyms("post", posts["post_id"])).isin(counted)
    counts = looked_up(posts[ours], authors)
    author_ids = list(counts.index)
    return counts.set_axis(pseudonyms("author", author_ids)), author_ids


def drifted(counts: pd.DataFrame, drift: float, seed: int) -> pd.DataFrame:
    """`counts` some time later: DRIFTING grow by `drift` on average (0.1: a tenth).

    Each count has its own factor exp(drift · (1 + z)), z standard normal.
    """
    normal = np.random.default_rng(seed).standard_normal((len(counts), len(DRIFTING)))
    grown = counts[list(DRIFTING)] * np.exp(drift * (1 + normal))
    return counts.assign(**grown.round())


def linkage(records: np.ndarray, known: np.ndarray) -> Outcome:
    """Outcome of an attacker who names, for each record, one of the nearest known people at random.

    `records` and `known` are float arrays (n, d); row i of both is the same person. A record with
    NaN is suppressed, a known person with NaN is not known: neither can be linked, so neither is a
    target.
    """
    # A constant in front: without any field everybody is alike.
    records, known = (np.insert(np.asarray(x, dtype=float), 0, 0, axis=1) for x in (records, known))
    there = ~np.isnan(known).any(axis=1)
    targets = there & ~np.isnan(records).any(axis=1)
    if not targets.any():
        return Outcome(0.0, 0)
    # Many people are alike, so distinct points with their numbers of people are compared.
    places, people = np.unique(known[there], axis=0, return_counts=True)
    distinct, which = np.unique(records[targets], axis=0, return_inverse=True)
    tree = KDTree(places)
    reach = tree.query(distinct)[0] * (1 + SLACK) + SLACK
    alike = np.array([people[near].sum() for near in tree.query_ball_point(distinct, reach)])
    own = np.linalg.norm(records[targets] - known[targets], axis=1) <= reach[which]
    return Outcome(float((own / alike[which]).mean()), int(targets.sum()))


def smallest(groups: Iterable[int]) -> Outcome:
    """Outcome of an attacker who names a member of the smallest of `groups` (numbers of people).

    It is not the average over all groups, in which one small group would vanish.
    """
    size = min((size for size in groups if size), default=0)
    return Outcome(1 / size if size else 0.0, size)


def subtracted(totals: Iterable[np.ndarray], parts: pd.Series) -> list[int]:
    """Sizes of the remainders of published totals after subtraction of their published parts.

    `totals` are masks bool (n,) over the people. `parts` (n,) names the part each person is counted
    in, NaN where none is shown. Only a part wholly within a total can be subtracted from it.
    """
    code, _ = pd.factorize(parts)
    sizes = np.bincount(code + 1)
    left = []
    for mask in totals:
        whole = np.bincount(code[mask] + 1, minlength=len(sizes)) == sizes
        whole[0] = False  # in no part
        left.append(int((mask & ~whole[code + 1]).sum()))
    return left


def last_member(
    own: np.ndarray,
    outside: np.ndarray,
    unchanged: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> Outcome:
    """Outcome of an attacker who identifies each member of a group from all its published figures.

    Rows `own` (t, …) are the contributions of the members, `outside` (c, …) those of everybody
    else. The attacker knows every member but his target, and how figures are computed and rounded.
    For each candidate he computes the figures of the group with the candidate as last member.
    `unchanged(own, outside)` is a mask, bool (t, c): True where all published figures stay as they
    are. He guesses among these candidates and the target. No attacker who knows all the other
    members can do better.

    Of more than TARGETS members so many, evenly spread, stand for all. Of more than CANDIDATES
    others so many are tried: with the rest he could only do worse.
    """
    if not len(outside) or not len(own):  # membership in a group of everybody is no secret
        return Outcome(0.0, 0)
    members, tried = evenly_spaced(own, TARGETS), evenly_spaced(outside, CANDIDATES)
    alike = np.concatenate([
        1 + unchanged(members[start : start + CHUNK], tried).sum(axis=1)
        for start in range(0, len(members), CHUNK)
    ])  # fmt: skip
    return Outcome(float((1 / alike).mean()), len(own))


def extreme_values(marks: np.ndarray, outside: np.ndarray, unchanged: np.ndarray) -> Outcome:
    """Outcome of an attacker who identifies the members with the extreme values of one figure.

    He uses that figure alone. `marks` (t,) and `outside` (c,) are the indices of the values that
    members and others have. `unchanged`, bool (m, m), is True where the figure stays unchanged if a
    person with the second value replaces one with the first. All else is as in `last_member`.
    Outliers are the targets because they move a figure most.
    """
    ends = marks[(marks == marks.min()) | (marks == marks.max())] if len(marks) else marks
    return last_member(ends, outside, lambda t, c: unchanged[t[:, None], c])


def differencing(
    codes: pd.Series,
    k: int,
    seed: int,
    policy: Callable[[pd.Series, pd.Series, int], bool] = cells.together,
) -> Outcome:
    """Outcome of an attacker who compares two publications, where the `policy` allows both.

    `codes` is each person's cell, as `cells.cell_codes` gives it. The next publication is
    simulated: 1, k - 1, k and 5 k people leave, drawn from all; and k leave the largest cell. The
    attacker counts the people in each pair of groups of the two publications.
    """
    rng = np.random.default_rng(seed)
    before, kept = cells.atoms(codes, k), []
    for leavers in _leavers(codes, k, rng):
        after = cells.atoms(codes.drop(codes.index[leavers]), k)
        if policy(before, after, k):
            kept += cells.crossed(before, after).tolist()
    return smallest(kept)


def dictionary(pseudonyms: Collection[str], identifiers: Iterable[str]) -> float:
    """Share of `pseudonyms` recovered by hashing every known identifier, without the key.

    Tried are each of HASHES and an HMAC with an empty key, of the bare id and of "author:" before
    it, cut to the length of a pseudonym.
    """
    wanted, recovered = set(pseudonyms), set()
    length = max(map(len, wanted), default=0)
    for identifier in identifiers:
        for text in (identifier.encode(), f"author:{identifier}".encode()):
            digests = [hashlib.new(name, text).hexdigest() for name in HASHES]
            digests.append(hmac.digest(b"", text, "sha256").hex())
            recovered.update(wanted.intersection(digest[:length] for digest in digests))
    return len(recovered) / len(wanted) if wanted else 0.0


def evenly_spaced(rows: np.ndarray, most: int) -> np.ndarray:
    """`rows`, or `most` of them, evenly spaced."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).astype(int)]


def _leavers(codes: pd.Series, k: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Positions of the people who leave, for each simulated next publication."""
    numbers = [number for number in (1, k - 1, k, 5 * k) if 0 < number < len(codes)]
    drawn = [rng.choice(len(codes), number, replace=False) for number in numbers]
    largest = np.flatnonzero((codes == codes.mode().iloc[0]).to_numpy())
    return [*drawn, largest[:k]] if len(largest) >= k else drawn
