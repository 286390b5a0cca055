"""Each simulated attacker fails against what is generalised, and succeeds against what is not."""

import hashlib
import hmac

import numpy as np
import pandas as pd
import pytest

from customer_profiles.privacy import attacks, cells, generalisation
from customer_profiles.privacy.keys.key import Key

K = 10
TIERS = {"followers": [1000, 100_000], "account_posts": [100, 10_000]}
# Where the bins of the averages of one figure begin.
EDGES = [100, 1000, 10_000]


@pytest.fixture(scope="module")
def counts():
    """What X shows of 600 people, as heavy-tailed as it is."""
    rng = np.random.default_rng(5)
    drawn = {
        name: np.exp(rng.normal(mean, spread, 600)).astype(int)
        for name, mean, spread in (
            ("followers", 6.5, 2.2), ("following", 5.5, 1.4), ("listed", 2.5, 2),
            ("account_posts", 7.5, 2),
        )
    }  # fmt: skip
    flags = {name: rng.random(600) < 0.05 for name in ("verified", "protected")}
    seen = {"posts": rng.geometric(0.4, 600), "account_age": rng.integers(0, 200, 600)}
    return pd.DataFrame({**seen, **drawn, **flags})


@pytest.fixture(scope="module")
def two_segments(counts):
    """Tiers of these people in two segments; NaN where the cell is suppressed."""
    tiers = cells.tiers(counts.assign(segment=np.arange(600) % 2), TIERS)
    table = cells.cells(tiers, list(tiers), K)
    kept = cells.cell_codes(table.loc[table["shown"], list(tiers)])
    return tiers, tiers.where(cells.cell_codes(tiers).isin(kept)).astype(float)


def tiers_of(counts):
    return cells.tiers(counts.assign(segment=0), TIERS)[list(TIERS)]


def test_a_guess_among_n_alike_counts_1_over_n():
    known = [[0, 0], [0, 0], [0, 0], [5, 5]]
    assert attacks.linkage(known, known) == (0.5, 4)  # 1/3 for three, 1 for one


def test_whoever_is_not_among_the_nearest_is_not_found():
    # The first record is nearest to the second person, and the other way round.
    assert attacks.linkage([[0.0], [10.0], [4.0]], [[9.0], [1.0], [4.0]]) == (1 / 3, 3)


def test_a_suppressed_record_and_an_unknown_person_are_no_targets():
    nan = float("nan")
    assert attacks.linkage([[0.0], [nan], [2.0]], [[0.0], [0.0], [nan]]) == (0.5, 1)
    assert attacks.linkage([[nan]], [[1.0]]) == (0.0, 0)


def test_without_any_field_everybody_is_alike():
    assert attacks.linkage(np.empty((4, 0)), np.empty((4, 0))) == (0.25, 4)


def test_linkage_is_what_comparing_everybody_with_everybody_gives():
    rng = np.random.default_rng(0)
    for _ in range(20):
        records, known = rng.integers(0, 4, (2, 60, 3)).astype(float)
        records[rng.random(60) < 0.2] = np.nan
        away = np.linalg.norm(records[:, None] - known[None], axis=2)
        nearest = np.isclose(away, away.min(axis=1, keepdims=True))
        linked = ~np.isnan(records[:, 0])
        expected = (nearest.diagonal() / nearest.sum(axis=1).clip(1))[linked].mean()
        assert attacks.linkage(records, known).success == pytest.approx(expected)


def test_no_knowledge_at_all_helps_against_k_alike():
    # 25 records of 10 people each; whatever is known, one guess for each record is right at most.
    rng = np.random.default_rng(1)
    records = np.repeat(rng.normal(size=(25, 2)), K, axis=0)
    for noise in (0, 0.01, 0.1, 1, 10):
        known = records + rng.normal(size=records.shape) * noise
        assert attacks.linkage(records, known).success <= 1 / K + 1e-12


def test_exact_counts_link_nobody_to_a_cell_and_everybody_to_exact_counts(counts, two_segments):
    _, published = two_segments
    outcome = attacks.linkage(published[list(TIERS)], tiers_of(counts))
    assert 0 < outcome.success <= 1 / K
    assert outcome.targets > 500
    leaky = counts[list(TIERS)]
    assert attacks.linkage(leaky, leaky).success >= 0.9


def test_counts_looked_up_later_link_nobody_to_a_cell_and_nearly_all_to_exact_counts(
    counts, two_segments
):
    _, published = two_segments
    later = attacks.drifted(counts, 0.1, seed=7)
    assert 0 < attacks.linkage(published[list(TIERS)], tiers_of(later)).success <= 1 / K
    # On the scale on which counts differ.
    exact, known = (np.log1p(frame[list(attacks.DRIFTING)]) for frame in (counts, later))
    assert attacks.linkage(exact, known).success >= 0.9


def test_our_own_model_links_nobody_to_a_cell_and_nearly_all_to_exact_polarity(two_segments):
    tiers, published = two_segments
    assert 0 < attacks.linkage(published, tiers).success <= 1 / K
    polarity = np.random.default_rng(2).beta(2, 2, (600, 3)).mean(axis=1, keepdims=True)
    assert attacks.linkage(polarity, polarity).success >= 0.9
    # A grid of twentieths alone would not do either, with the counts beside it.
    assert (
        attacks.linkage(np.c_[published, polarity.round(2)], np.c_[tiers, polarity]).success > 0.3
    )


def test_counts_drift_by_about_as_much_as_is_said_and_the_same_each_time(counts):
    later = attacks.drifted(counts, 0.1, seed=7)
    grown = (later["account_posts"] / counts["account_posts"])[counts["account_posts"] > 500]
    assert np.log(grown).mean() == pytest.approx(0.1, abs=0.02)
    assert np.log(grown).std() == pytest.approx(0.1, abs=0.02)
    assert later.equals(attacks.drifted(counts, 0.1, seed=7))
    assert later["posts"].equals(counts["posts"])


def test_an_author_is_looked_up_with_all_that_x_shows_and_months_up_to_the_last_post():
    posts = pd.DataFrame(
        {"author_id": ["2", "1", "2"], "day": ["2026-06-30", "2026-05-09", "2026-05-01"]}
    )
    authors = pd.DataFrame({
        "author_id": ["1", "2"], "followers": [150, 20], "following": [0, 300], "listed": [3, -1],
        "account_posts": [99, 100], "verified": [True, False], "protected": False,
        "created": [None, "2023-12"],
    })  # fmt: skip
    looked_up = attacks.looked_up(posts, authors)
    assert looked_up.loc["2"].to_dict() == {
        "posts": 2, "followers": 20, "following": 300, "listed": -1, "account_posts": 100,
        "account_age": 30, "verified": False, "protected": False,
    }  # fmt: skip
    assert looked_up.loc["1", "account_age"] == -1


def test_only_the_posts_that_we_count_are_looked_up_and_authors_have_their_pseudonyms():
    posts = pd.DataFrame({
        "post_id": ["5", "6", "7"], "author_id": ["2", "1", "2"],
        "day": ["2026-05-01", "2026-05-09", "2026-06-01"],
    })  # fmt: skip
    authors = pd.DataFrame({
        "author_id": ["1", "2"], "followers": [150, 20], "following": 0, "listed": 0,
        "account_posts": 9, "verified": False, "protected": False, "created": "2020-06",
    })  # fmt: skip

    def pseudonyms(kind, ids):
        return [f"{kind} {each}" for each in ids]

    counts, ids = attacks.public(posts, authors, ["post 5", "post 7"], pseudonyms)
    assert ids == ["2"]
    assert counts.index.tolist() == ["author 2"]
    assert counts.loc["author 2", ["posts", "followers"]].tolist() == [2, 20]


@pytest.fixture(scope="module")
def everybody():
    """Cells of 900 people: two segments, and three cells too small to be shown."""
    sizes = {"0/0": 300, "0/1": 150, "0/2": 7, "0/3": 6, "1/0": 400, "1/1": 30, "2/0": 7}
    return pd.Series([code for code, size in sizes.items() for _ in range(size)])


def test_two_publications_single_nobody_out_unless_the_policy_is_switched_off(everybody):
    outcome = attacks.differencing(everybody, K, seed=7)
    # Of the five that are simulated it keeps the one where k of the largest cell left.
    assert outcome == (1 / K, K)
    leaky = attacks.differencing(everybody, K, seed=7, policy=lambda *_: True)
    assert leaky.success >= 0.9


def test_nobody_is_compared_where_nothing_is_kept(everybody):
    assert attacks.differencing(everybody, K, 7, policy=lambda *_: False) == (0.0, 0)


def test_subtracting_cells_from_a_segment_finds_what_was_held_back():
    segment = np.array([True] * 30 + [False] * 12)
    whole = np.ones(42, dtype=bool)
    # 1 is left of the segment, of the whole also the other segment, which shows no cell.
    parts = pd.Series(["a"] * 20 + ["b"] * 9 + [None] * 13)
    assert attacks.subtracted([segment, whole], parts) == [1, 13]
    assert attacks.smallest([30, 12, 20, 1, 13]) == (1.0, 1)


def test_a_part_that_reaches_out_of_a_total_cannot_be_taken_from_it():
    total = np.array([True] * 5 + [False] * 5)
    assert attacks.subtracted([total], pd.Series(["a"] * 3 + ["b"] * 4 + ["c"] * 3)) == [2]


def test_the_smallest_of_the_suppressed_groups_has_k_members(two_segments):
    tiers, published = two_segments
    segment = tiers["segment"].to_numpy()
    totals = [np.ones(600, dtype=bool), segment == 0, segment == 1]
    parts = cells.cell_codes(tiers).where(published["segment"].notna())
    left = [size for size in attacks.subtracted(totals, parts) if size]
    assert left
    assert attacks.smallest(left).success <= 1 / K
    # Without complementary suppression one cell alone is missing.
    table = tiers.groupby(list(tiers)).size()
    small = table[table < K].idxmin()
    naive = cells.cell_codes(tiers).where((tiers != small).any(axis=1))
    alone = [size for size in attacks.subtracted(totals[1 + small[0] :][:1], naive) if size]
    assert attacks.smallest(alone).success > 1 / K


def test_a_published_maximum_gives_its_owner_away(counts):
    exact = counts[["account_posts"]].to_numpy(dtype=float)
    record = np.where(exact == exact.max(), exact, np.nan)
    assert attacks.linkage(record, exact) == (1.0, 1)
    bins = generalisation.binned(exact, EDGES).astype(float)
    highest = np.where(bins == bins.max(), bins, np.nan)
    assert attacks.linkage(highest, bins).success <= 1 / K


def average_as_it_is(values, members, unit):
    """Whether the average of values, rounded, stays what it is, with c in the place of t [t, c]."""
    means = (members @ values + (values - values[:, None])) / members.sum()
    rounded = np.round(means / unit) if unit else means
    return np.isclose(rounded, rounded[0, 0], rtol=0)


def test_an_average_of_exact_counts_gives_the_celebrity_away(counts):
    exact = counts["account_posts"].to_numpy(dtype=float)
    exact[0] = 5_000_000
    values, marks = np.unique(exact, return_inverse=True)
    inside = np.arange(600) % 3 == 0
    members = np.bincount(marks[inside], minlength=len(values))
    for unit in (0, 100):  # rounding helps little
        same = average_as_it_is(values, members, unit)
        assert attacks.extreme_values(marks[inside], marks[~inside], same).success >= 0.5
    same = average_as_it_is(values, members, 0)
    assert attacks.last_member(
        marks[inside], marks[~inside], lambda t, c: same[t[:, None], c]
    ).success >= 0.9  # fmt: skip


def test_an_average_of_typical_values_gives_nobody_away(counts):
    bins = generalisation.binned(counts["account_posts"], EDGES)
    inside = np.arange(600) % 3 == 0
    typical = generalisation.bin_values(EDGES)
    same = average_as_it_is(typical, np.bincount(bins[inside]), 100)
    outcome = attacks.extreme_values(bins[inside], bins[~inside], same)
    assert 0 < outcome.success <= 1 / K
    assert outcome.targets == np.isin(bins[inside], [bins[inside].min(), bins[inside].max()]).sum()


def test_extremes_that_many_outside_share_are_not_found():
    # 20 outside have each of the 4 marks. Of the exact average, 1.8, those of the same mark agree;
    # rounded to 0.2, which is 3 marks for 15 people, also those of the mark beside it.
    members = np.array([3, 0, 9, 3])
    own, outside = np.repeat(np.arange(4), members), np.repeat(np.arange(4), 20)
    exact = attacks.extreme_values(own, outside, average_as_it_is(np.arange(4.0), members, 0))
    assert exact == (pytest.approx(1 / 21), 6)
    rounded = attacks.extreme_values(own, outside, average_as_it_is(np.arange(4.0), members, 0.2))
    assert rounded == (pytest.approx(1 / 41), 6)


def test_the_last_member_is_anyone_outside_with_whom_all_would_be_the_same():
    own, outside = np.array([1, 2, 3]), np.array([1, 1, 1, 2, 9])
    outcome = attacks.last_member(own, outside, lambda t, c: t[:, None] == c)
    assert outcome == (pytest.approx((1 / 4 + 1 / 2 + 1) / 3), 3)


def test_of_very_many_some_stand_for_all_and_success_is_rather_too_high():
    own, outside = np.arange(3_000) % 30, np.arange(9_000) % 30
    outcome = attacks.last_member(own, outside, lambda t, c: t[:, None] == c)
    assert outcome.targets == 3_000
    assert 1 / 301 < outcome.success < 1 / 30


def test_who_belongs_to_a_group_of_everybody_is_no_secret():
    marks, nobody = np.array([0, 0, 1]), np.zeros(0, dtype=int)
    everybody = np.ones((2, 2), dtype=bool)
    assert attacks.extreme_values(marks, nobody, everybody) == (0.0, 0)
    assert attacks.last_member(marks, nobody, lambda t, c: everybody[t[:, None], c]) == (0.0, 0)


IDS = [str(1_500_000_000 + 7 * n) for n in range(200)]


@pytest.mark.parametrize("name", attacks.HASHES)
@pytest.mark.parametrize("prefix", ["", "author:"])
def test_plain_hashes_are_undone_by_hashing_all_ids(name, prefix):
    hashed = [hashlib.new(name, f"{prefix}{i}".encode()).hexdigest()[:32] for i in IDS]
    assert attacks.dictionary(hashed, IDS) == 1


def test_an_hmac_with_an_empty_key_is_undone_as_well():
    hashed = [hmac.new(b"", i.encode(), "sha256").hexdigest()[:32] for i in IDS]
    assert attacks.dictionary([*hashed, "0" * 32], IDS) == 200 / 201


def test_pseudonyms_are_not_undone_without_the_key():
    pseudonyms = Key(b"k" * 32).pseudonyms("author", IDS)
    assert attacks.dictionary(pseudonyms, IDS) == 0
    assert attacks.dictionary([], IDS) == 0
