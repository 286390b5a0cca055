"""What is published of a segment, attacked by whoever knows all of its members but one."""

from dataclasses import replace

import numpy as np
import pytest

from customer_profiles.privacy import aggregates, attacks, averages
from customer_profiles.privacy.microdata import KINDS
from customer_profiles.publication import segments
from tests.privacy import invented

pytestmark = pytest.mark.slow

K = 10


@pytest.fixture(scope="module")
def people():
    return invented.people(400)


@pytest.fixture(scope="module")
def microdata(people):
    return invented.gathered(people)


@pytest.fixture(scope="module")
def painted(microdata):
    return aggregates.of_segments(microdata, [0, 1, 2], K, seed=7)


def everything():
    return {name: np.ones(len(kinds), dtype=bool) for name, kinds in KINDS.items()}


def test_an_aggregate_says_the_figures_of_its_members(people, painted):
    (first, *_), _ = painted
    mine = people[people["segment"] == 0]
    published = first.published()
    assert list(published) == [
        "avg_polarity", "avg_subjectivity", "avg_favorites", "avg_tweets", "avg_account_tweets",
        "avg_followers", "index", "mood", "weekdays", "volume", "centroid",
    ]  # fmt: skip
    assert published["avg_polarity"] == pytest.approx(mine["polarity"].mean(), abs=0.02)
    written = invented.posts(people)
    own = written[written["author"].isin(mine["_id"])]
    assert published["volume"] == pytest.approx(len(own) / len(written), abs=0.006)
    assert published["mood"]["negative"] == pytest.approx(
        (own["label"] == "negative").mean(), abs=0.06
    )
    assert published["index"]["avg_polarity"]["high"] < 100
    assert published["centroid"]["polarity"] < 0


def test_the_last_member_is_named_no_better_than_by_one_in_k(painted):
    for aggregate in painted[0]:
        outcome = aggregate.attacked()
        assert 0 < outcome["last_member"].success <= 1 / K
        assert 0 < outcome["extreme_values"].success <= 1 / K
        assert outcome["last_member"].targets == len(aggregate.members)


def test_what_is_not_rounded_names_nearly_everybody(painted):
    for aggregate in painted[0]:
        leaky = replace(aggregate, factors=dict.fromkeys(aggregate.factors, 0))
        assert leaky.attacked()["last_member"].success >= 0.9
    # Every quantity by itself gives something away.
    for name in aggregate.factors:
        one = dict.fromkeys(aggregate.factors, 10**6) | {name: 0}
        assert replace(aggregate, factors=one).attacked()["last_member"].success > 1 / len(
            aggregate.others
        ), name


def test_an_exact_average_gives_the_celebrity_away():
    # One of 30 has much more than anybody outside, and one much less.
    members, others = np.array([1, 14, 14, 1]), np.array([0, 100, 260, 0])
    average = averages.average(np.array([1.0, 10.0, 100.0, 5000.0]), members, others, 0, seed=7)
    marks = np.repeat(np.arange(4), members), np.repeat(np.arange(4), others)
    assert attacks.extreme_values(*marks, average.unchanged(0)) == (1.0, 2)
    assert attacks.extreme_values(*marks, average.unchanged(1)).success > 1 / K
    assert attacks.extreme_values(*marks, average.unchanged(500)).success == pytest.approx(1 / 361)


@pytest.mark.long
def test_the_attacker_keeps_exactly_those_with_whom_all_would_be_as_it_is(monkeypatch):
    """Worked out once more the long way: the segment with each other member, published anew."""
    monkeypatch.setattr(averages, "DRAWS", 20)
    microdata = invented.gathered(invented.people(16, segments=2, seed=4))
    aggregate = aggregates.finest(microdata, 0, everything(), 1, seed=7)
    aggregate = replace(aggregate, factors=dict.fromkeys(aggregate.factors, 50))
    expected = []
    for member in aggregate.members:
        alike = 1
        for other in aggregate.others:
            segment = microdata.segment.copy()
            segment[[member, other]] = 1, 0
            then = aggregates.finest(
                replace(microdata, segment=segment), 0, everything(), 1, seed=7
            )
            then = replace(
                then,
                averages={
                    name: replace(
                        average,
                        unit=aggregate.averages[name].unit,
                        step=aggregate.averages[name].step,
                    )
                    for name, average in then.averages.items()
                },
                factors=aggregate.factors,
            )
            alike += then.published() == aggregate.published()
        expected.append(1 / alike)
    assert aggregate.attacked()["last_member"].success == pytest.approx(np.mean(expected))
    assert 0.2 < np.mean(expected) < 0.95


@pytest.mark.parametrize("size", [10, 12, 20, 60])
def test_a_small_segment_that_stands_out_is_shown_coarsely(size):
    people = invented.people(300)
    order = people["followers"].sort_values(ascending=False, kind="stable").index
    people = people.loc[order].assign(segment=(np.arange(300) >= size).astype(int))
    (small, rest), _ = aggregates.of_segments(invented.gathered(people), [0, 1], K, seed=7)
    for aggregate in (small, rest):
        assert max(aggregate.attacked().values()).success <= 1 / K
    assert max(small.factors.values()) > 1


def test_of_two_segments_that_are_everybody_each_is_attacked_with_both():
    microdata = invented.gathered(invented.people(150, segments=2, seed=5))
    (one, other), _ = aggregates.of_segments(microdata, [0, 1], K, seed=7)
    assert one.factors == other.factors == one.rest.factors == other.rest.factors
    for aggregate in (one, other):
        assert max(aggregate.attacked().values()).success <= 1 / K
    # Coarse enough alone, but not beside the other in its finest units.
    alone = aggregates.of_segments(microdata, [0], K, seed=7)[0][0]
    assert alone.rest is None
    fine = aggregates.of_segments(microdata, [1], K, seed=7)[0][0]
    assert max(replace(alone, rest=fine).attacked().values()).success > 1 / K


def test_neither_the_order_of_rows_nor_the_key_changes_anything(people, microdata, painted):
    written = invented.posts(people)
    renamed = {name: f"{hash(name) % 2**64:032x}" for name in people["_id"]}
    other = people.sample(frac=1, random_state=3).assign(_id=lambda all_: all_["_id"].map(renamed))
    posts = written.sample(frac=1, random_state=4).assign(
        author=lambda all_: all_["author"].map(renamed)
    )
    again, groups = aggregates.of_segments(invented.gathered(other, posts), [0, 1, 2], K, seed=7)
    assert [row.published() for row in again] == [row.published() for row in painted[0]]
    assert groups == painted[1]


def test_groups_behind_shares_have_k_authors(painted):
    assert min(painted[1]) >= K


def test_everybody_in_one_segment_is_shown_as_finely_as_can_be(people):
    all_ = invented.gathered(people.assign(segment=0))
    (aggregate,), _ = aggregates.of_segments(all_, [0], K, seed=7)
    published = aggregate.published()
    assert set(aggregate.factors.values()) == {1}
    assert aggregate.attacked() == dict.fromkeys(("extreme_values", "last_member"), (0.0, 0))
    assert set(published["centroid"].values()) == {0.0}
    assert published["volume"] == 1
    whole = aggregates.of_everybody(all_)
    assert {name: published[name] for name in whole} == whole
    assert all(index == {"index": 100, "low": 100, "high": 100}
               for index in published["index"].values())  # fmt: skip


def test_without_a_segment_there_is_no_aggregate(microdata):
    assert aggregates.of_segments(microdata, [], K, seed=7) == ([], [])


def test_segments_below_k_have_no_aggregate():
    people = invented.people(300).assign(segment=np.repeat([0, 1, 2], [200, 91, 9]))
    assert segments.published_segments(people, K) == [0]
