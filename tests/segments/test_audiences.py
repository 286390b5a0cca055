"""Groups that are there are told, noise is called what it is, also by a real-like audience."""

import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from customer_profiles.bench import segments
from customer_profiles.privacy import features
from customer_profiles.project.vocabulary import BY_DEGREE, EVERYBODY, IN_KIND
from customer_profiles.segments import clustering, evidence, evidence_table, verdict
from tests.segments import degrees
from tests.segments.weighed import BOUNDS

pytestmark = pytest.mark.slow

EFFORT = 8, 4, 8  # bootstrap samples, seeds, references


def judged(profiles, k_min=2, k_max=5, by_hand=0, **weights):
    """The verdict on `profiles`, and the table that it comes from."""
    rows = clustering.scaled(profiles, {name: weights.get(name, 1) for name in profiles})
    ks = evidence.candidates(rows, k_min, k_max, by_hand)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing is divided by nothing on the way
        return verdict.examine(rows, ks, 7, EFFORT, BOUNDS, by_hand)


def grouped(groups, scale=0.5, each=60):
    """Profiles of `groups` of people in five features with steps, as bins have them."""
    rng = np.random.default_rng(groups)
    middles = rng.permuted(np.tile(np.arange(groups) * 3, (5, 1)), axis=1).T
    values = np.repeat(middles, each, axis=0) + rng.normal(scale=scale, size=(groups * each, 5))
    return pd.DataFrame(np.round(values)).add_prefix("feature_")


@pytest.mark.parametrize("groups", [2, 3, 4, 6])
def test_as_many_groups_are_told_as_there_are(groups):
    decision, _ = judged(grouped(groups), k_max=7)
    assert (decision.k, decision.verdict) == (groups, IN_KIND)
    assert decision.reason.startswith(
        f"{groups} segments: they are separated better than rearranged"
    )


@pytest.mark.parametrize("draw", range(2))
@pytest.mark.parametrize("kind", segments.NOISE)
def test_noise_has_no_groups_but_a_long_cloud_may_be_parted_by_degree(kind, draw):
    profiles = segments.noise(kind, 400, 3 + draw, np.random.default_rng(draw))
    decision, table = judged(profiles)
    assert not table["in_kind"].any()
    if kind != "correlated":
        assert (decision.k, decision.verdict) == (1, EVERYBODY)
        assert decision.reason.startswith(
            "One segment: no number of segments from 2 to 5 separates"
        )
        assert not table["holds"].any()


def test_an_audience_by_degree_is_parted_where_anybody_would_part_it_again():
    people = features.prepared(degrees.audience(), degrees.FEATURES, 0.99).table
    decision, table = judged(people[list(degrees.FEATURES)])
    assert decision.verdict == BY_DEGREE
    assert decision.k >= 3
    assert not table["in_kind"].any()
    assert decision.reason.startswith(f"{decision.k} segments by degree: they are separated no bet")


def test_a_real_like_audience_is_parted_in_five_that_come_back():
    file = Path(os.environ.get("REAL_DATA", ""), "authors", "audience.csv")
    if not file.is_file():
        pytest.skip("REAL_DATA names no folder that holds authors/audience.csv")
    people, _, left_out = features.prepared(pd.read_csv(file), degrees.FEATURES, 0.99)
    decision, table = judged(people[list(degrees.FEATURES)], k_max=6)
    assert not left_out
    assert decision.verdict in {IN_KIND, BY_DEGREE}
    assert decision.k >= 5
    chosen = table.set_index("k").loc[decision.k]
    assert chosen["jaccard"] >= 0.85
    assert chosen["bootstrap_ari"] >= 0.9


def test_bins_of_one_long_cloud_are_no_groups_in_kind():
    rng = np.random.default_rng(1)
    cloud = rng.normal(size=(600, 4)) + 1.5 * rng.normal(size=(600, 1))
    bins = pd.DataFrame(np.digitize(cloud, [-1, 2])).add_prefix("feature_")
    decision, table = judged(bins)
    assert decision.verdict == BY_DEGREE
    # Stable it is in two as well: only the comparison with chance tells.
    assert table.loc[0, ["recurs", "repeats", "beats_chance"]].tolist() == [True, True, False]
    assert not table["in_kind"].any()
    assert "better than rearranged data" in decision.reason


def test_a_number_asked_for_by_hand_is_weighed_beyond_the_range_as_well():
    decision, table = judged(grouped(3), k_max=4, by_hand=6)
    assert (decision.k, table["k"].tolist()) == (6, [2, 3, 4, 6])
    assert len(verdict.summary(decision, table)["stability"]["jaccard"]) == 6


@pytest.mark.parametrize(
    "profiles",
    [
        pd.DataFrame({"a": [1.0], "b": [2.0]}),
        pd.DataFrame({"a": [1.0] * 30, "b": 2.0}),
        pd.DataFrame({"a": [1.0] * 30 + [2.0], "b": 2.0}),
    ],
    ids=["one profile", "all the same", "two different profiles"],
)
def test_profiles_that_cannot_be_parted_are_one_segment(profiles):
    decision, table = judged(profiles)
    assert (decision.k, decision.verdict, decision.elbow) == (1, EVERYBODY, None)
    assert decision.reason.startswith("One segment: the authors are too similar, or too few")
    assert set(decision.preferred.values()) == {None}
    assert evidence_table.report(table, 0).empty
    summary = verdict.summary(decision, table)
    assert summary["silhouette"] is None
    assert summary["stability"] == {"ari": None, "bootstrap_ari": None, "jaccard": []}


@pytest.mark.parametrize("number", [3, 4, 7])
def test_a_handful_of_profiles_is_weighed_and_has_no_structure(number):
    profiles = pd.DataFrame(
        np.random.default_rng(number).normal(size=(number, 2)), columns=["a", "b"]
    )
    decision, table = judged(profiles)
    assert table["k"].max() == min(5, number - 1)
    assert (decision.k, decision.verdict) == (1, EVERYBODY)


def test_few_different_profiles_shorten_the_range_and_it_is_said():
    profiles = pd.DataFrame({"a": np.tile([0.0, 1, 5, 6], 20), "b": np.tile([0.0, 1, 0, 1], 20)})
    decision, table = judged(profiles)
    assert table["k"].tolist() == [2, 3]
    remarks = verdict.remarks([2, 3], 5, [4, 5], 0.02)
    assert [remark.split(",")[0] for remark in remarks] == [
        "At most 3 segments were tried",
        "Small (under 2% of the authors each",
    ]
    assert remarks[-1].endswith("or too few to be published): cluster 4 and 5.")
    assert verdict.summary(decision, table, remarks)["reason"].endswith(" ".join(remarks))


def test_a_feature_without_differences_carries_nothing():
    profiles = grouped(3)
    with_more, _ = judged(profiles.assign(same=7))
    assert with_more == judged(profiles)[0]
