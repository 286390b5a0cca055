"""What is published of a segment, attacked by whoever knows all of its members but one."""

from dataclasses import replace

import crowds
import numpy as np
import pytest

from customer_profiles import attacks, averages, portraits, segments
from customer_profiles.crowd import KINDS

K = 10


@pytest.fixture(scope="module")
def people():
    return crowds.people(400)


@pytest.fixture(scope="module")
def crowd(people):
    return crowds.gathered(people)


@pytest.fixture(scope="module")
def painted(crowd):
    return portraits.of_segments(crowd, [0, 1, 2], K, seed=7)


def everything():
    return {name: np.ones(len(kinds), dtype=bool) for name, kinds in KINDS.items()}


def test_a_portrait_says_the_figures_of_its_members(people, painted):
    (first, *_), _ = painted
    mine = people[people["segment"] == 0]
    published = first.published()
    assert list(published) == [
        "avg_polarity", "avg_subjectivity", "avg_favorites", "avg_tweets", "avg_account_tweets",
        "avg_followers", "index", "mood", "weekdays", "volume", "centroid",
    ]  # fmt: skip
    assert published["avg_polarity"] == pytest.approx(mine["polarity"].mean() / 4, abs=0.02)
    written = crowds.posts(people)
    own = written[written["author"].isin(mine["_id"])]
    assert published["volume"] == pytest.approx(len(own) / len(written), abs=0.006)
    assert published["mood"]["negative"] == pytest.approx(
        (own["label"] == "negative").mean(), abs=0.06
    )
    assert published["index"]["avg_polarity"]["high"] < 100
    assert published["centroid"]["polarity"] < 0


def test_the_last_member_is_named_no_better_than_by_one_in_k(painted):
    for portrait in painted[0]:
        found = portrait.attacked()
        assert 0 < found["last_member"].success <= 1 / K
        assert 0 < found["extreme_values"].success <= 1 / K
        assert found["last_member"].targets == len(portrait.members)


def test_what_is_not_rounded_names_nearly_everybody(painted):
    for portrait in painted[0]:
        leaky = replace(portrait, factors=dict.fromkeys(portrait.factors, 0))
        assert leaky.attacked()["last_member"].success >= 0.9
    # Every quantity by itself gives something away.
    for name in portrait.factors:
        one = dict.fromkeys(portrait.factors, 10**6) | {name: 0}
        assert replace(portrait, factors=one).attacked()["last_member"].success > 1 / len(
            portrait.others
        ), name


def test_an_exact_average_gives_the_celebrity_away():
    # One of 30 has much more than anybody outside, and one much less.
    members, others = np.array([1, 14, 14, 1]), np.array([0, 100, 260, 0])
    held = averages.average(np.array([1.0, 10.0, 100.0, 5000.0]), members, others, 0, seed=7)
    marks = np.repeat(np.arange(4), members), np.repeat(np.arange(4), others)
    assert attacks.extreme_values(*marks, held.same(0)) == (1.0, 2)
    assert attacks.extreme_values(*marks, held.same(1)).success > 1 / K
    assert attacks.extreme_values(*marks, held.same(500)).success == pytest.approx(1 / 361)


def test_the_attacker_keeps_exactly_those_with_whom_all_would_be_as_it_is(monkeypatch):
    """Worked out once more the long way: the segment with each other member, published anew."""
    monkeypatch.setattr(averages, "DRAWS", 20)
    crowd = crowds.gathered(crowds.people(16, segments=2, seed=4))
    portrait = portraits.finest(crowd, 0, everything(), 1, seed=7)
    portrait = replace(portrait, factors=dict.fromkeys(portrait.factors, 50))
    expected = []
    for member in portrait.members:
        alike = 1
        for other in portrait.others:
            segment = crowd.segment.copy()
            segment[[member, other]] = 1, 0
            then = portraits.finest(replace(crowd, segment=segment), 0, everything(), 1, seed=7)
            then = replace(
                then,
                averages={
                    name: replace(
                        held, unit=portrait.averages[name].unit, step=portrait.averages[name].step
                    )
                    for name, held in then.averages.items()
                },
                factors=portrait.factors,
            )
            alike += then.published() == portrait.published()
        expected.append(1 / alike)
    assert portrait.attacked()["last_member"].success == pytest.approx(np.mean(expected))
    assert 0.2 < np.mean(expected) < 0.95


@pytest.mark.parametrize("size", [10, 12, 20, 60])
def test_a_small_segment_that_stands_out_is_shown_coarsely(size):
    people = crowds.people(300)
    order = people["followers"].sort_values(ascending=False, kind="stable").index
    people = people.loc[order].assign(segment=(np.arange(300) >= size).astype(int))
    (small, rest), _ = portraits.of_segments(crowds.gathered(people), [0, 1], K, seed=7)
    for portrait in (small, rest):
        assert max(portrait.attacked().values()).success <= 1 / K
    assert max(small.factors.values()) > 1


def test_of_two_segments_that_are_everybody_each_is_attacked_with_both():
    crowd = crowds.gathered(crowds.people(150, segments=2, seed=5))
    (one, other), _ = portraits.of_segments(crowd, [0, 1], K, seed=7)
    assert one.factors == other.factors == one.rest.factors == other.rest.factors
    for portrait in (one, other):
        assert max(portrait.attacked().values()).success <= 1 / K
    # Coarse enough alone, but not beside the other in its finest units.
    alone = portraits.of_segments(crowd, [0], K, seed=7)[0][0]
    assert alone.rest is None
    fine = portraits.of_segments(crowd, [1], K, seed=7)[0][0]
    assert max(replace(alone, rest=fine).attacked().values()).success > 1 / K


def test_neither_the_order_of_rows_nor_the_key_changes_anything(people, crowd, painted):
    written = crowds.posts(people)
    renamed = {name: f"{hash(name) % 2**64:032x}" for name in people["_id"]}
    other = people.sample(frac=1, random_state=3).assign(_id=lambda all_: all_["_id"].map(renamed))
    posts = written.sample(frac=1, random_state=4).assign(
        author=lambda all_: all_["author"].map(renamed)
    )
    again, groups = portraits.of_segments(crowds.gathered(other, posts), [0, 1, 2], K, seed=7)
    assert [row.published() for row in again] == [row.published() for row in painted[0]]
    assert groups == painted[1]


def test_groups_behind_shares_have_k_authors(painted):
    assert min(painted[1]) >= K


def test_everybody_in_one_segment_is_shown_as_finely_as_can_be(people):
    all_ = crowds.gathered(people.assign(segment=0))
    (portrait,), _ = portraits.of_segments(all_, [0], K, seed=7)
    published = portrait.published()
    assert set(portrait.factors.values()) == {1}
    assert portrait.attacked() == dict.fromkeys(("extreme_values", "last_member"), (0.0, 0))
    assert set(published["centroid"].values()) == {0.0}
    assert published["volume"] == 1
    whole = portraits.of_everybody(all_)
    assert {name: published[name] for name in whole} == whole
    assert all(index == {"index": 100, "low": 100, "high": 100}
               for index in published["index"].values())  # fmt: skip


def test_without_a_segment_there_is_no_portrait(crowd):
    assert portraits.of_segments(crowd, [], K, seed=7) == ([], [])


def test_segments_below_k_have_no_portrait():
    people = crowds.people(300).assign(segment=np.repeat([0, 1, 2], [200, 91, 9]))
    assert segments.shown(people, K) == [0]
