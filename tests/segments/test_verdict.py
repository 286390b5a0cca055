"""Groups that are there are told, noise is called what it is, and every verdict has its reason."""

import os
import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from customer_profiles.bench import segments
from customer_profiles.privacy import features
from customer_profiles.project.vocabulary import BY_DEGREE, BY_HAND, EVERYBODY, IN_KIND
from customer_profiles.segments import clustering, evidence, evidence_table, verdict
from tests.segments import degrees

pytestmark = pytest.mark.slow

BOUNDS = verdict.Bounds(jaccard=0.75, ari=0.95, bootstrap_ari=0.8, min_share=0.02)
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


def table_of(**columns):
    """Evidence for k = 2 to 5 that holds up to 4, in kind, unless `columns` say otherwise."""
    evidence_columns = {
        "k": [2, 3, 4, 5],
        "inertia": [90.0, 40.0, 35.0, 31.0],
        "silhouette": [0.5, 0.6, 0.4, 0.3],
        "silhouette_chance": 0.3,
        "gap": [0.2, 0.5, 0.51, 0.4],
        "gap_error": 0.02,
        "calinski_harabasz": [100.0, 90.0, 50.0, 40.0],
        "calinski_harabasz_chance": [99.0, 60.0, 50.0, 40.0],
        "davies_bouldin": [0.5, 0.6, 0.9, 1.0],
        "davies_bouldin_chance": [0.6, 1.0, 1.0, 1.0],
        "jaccards": [[0.9] * (k - 1) + [0.8] for k in range(2, 6)],
        "jaccard": [0.9, 0.8, 0.8, 0.1],
        "bootstrap_ari": [0.9, 0.8, 0.8, 0.1],
        "ari": [1.0, 1.0, 1.0, 0.1],
        "smallest": [0.2] * 4,
    }
    for name, values in columns.items():
        evidence_columns[name] = (
            [*values, evidence_columns[name][3]] if isinstance(values, list) else values
        )
    return verdict.with_tests(pd.DataFrame(evidence_columns), BOUNDS)


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
    people, _ = features.prepared(degrees.audience(), degrees.FEATURES, 0.99)
    decision, table = judged(people[list(degrees.FEATURES)])
    assert decision.verdict == BY_DEGREE
    assert decision.k >= 3
    assert not table["in_kind"].any()
    assert decision.reason.startswith(f"{decision.k} segments by degree: they are separated no bet")


def test_a_real_like_audience_is_parted_in_five_that_come_back():
    file = Path(os.environ.get("REAL_DATA", ""), "authors", "audience.csv")
    if not file.is_file():
        pytest.skip("REAL_DATA names no folder that holds authors/audience.csv")
    people, left_out = features.prepared(pd.read_csv(file), degrees.FEATURES, 0.99)
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


@pytest.mark.parametrize(
    ("columns", "holds"),
    [
        ({}, True),
        ({"gap": 0.06}, False),
        ({"gap": 0.061}, True),
        ({"gap": 1e-9, "gap_error": 0}, False),
        ({"jaccard": 0.75}, True),
        ({"jaccard": 0.74}, False),
        ({"ari": 0.95}, True),
        ({"ari": 0.94}, False),
    ],
)
def test_a_number_holds_when_it_beats_chance_and_every_cluster_and_the_whole_come_back(
    columns, holds
):
    sure = {"jaccard": 1, "ari": 1, "gap_error": 0.02}
    assert table_of(**sure | columns)["in_kind"].tolist() == [holds] * 4


@pytest.mark.parametrize(
    ("columns", "holds"),
    [
        ({}, [False, True, True, False]),
        ({"jaccard": 0.74}, [False] * 4),
        ({"ari": 0.94}, [False] * 4),
        ({"bootstrap_ari": 0.79}, [False] * 4),
        ({"smallest": 0.019}, [False] * 4),
        ({"smallest": 0.02}, [False, True, True, False]),
    ],
)
def test_three_or_more_hold_by_degree_when_each_is_large_and_all_come_back(columns, holds):
    table = table_of(gap=0.0, **columns)
    assert table["by_degree"].tolist() == table["holds"].tolist() == holds


def test_numbers_in_kind_go_before_numbers_by_degree():
    table = table_of(gap=[0.0, 0.5, 0.0])
    assert table["by_degree"].tolist() == [False, True, True, False]
    assert table["holds"].tolist() == [False, True, False, False]
    decision = verdict.decide(table, BOUNDS)
    assert (decision.k, decision.verdict) == (3, IN_KIND)


@pytest.mark.parametrize(("last", "k"), [(0.86, 4), (0.84, 3)])
def test_by_degree_the_largest_is_taken_unless_a_smaller_one_is_clearly_more_stable(last, k):
    table = table_of(gap=0.0, jaccard=[0.9, 0.95, last], bootstrap_ari=[0.9, 0.95, 0.95])
    decision = verdict.decide(table, BOUNDS)
    assert (decision.k, decision.verdict) == (k, BY_DEGREE)
    other = f"{7 - k} also passes these tests, but {k} is the largest number that no smaller one "
    assert other in decision.reason


def test_the_only_number_by_degree_is_said_to_be_that():
    table = table_of(gap=0.0, jaccard=[0.9, 0.8, 0.1])
    reason = verdict.decide(table, BOUNDS).reason
    assert reason.endswith("No other number of segments passes these tests.")


def test_by_degree_nothing_is_claimed_of_numbers_that_do_beat_chance_but_are_not_found_again():
    table = table_of(gap=[0.5, 0.0, 0.0], jaccard=[0.1, 0.8, 0.8])
    decision = verdict.decide(table, BOUNDS)
    assert (decision.k, decision.verdict) == (4, BY_DEGREE)
    assert "they are separated no better than rearranged data" in decision.reason
    assert "no number of segments" not in decision.reason


def test_the_criteria_prefer_what_is_furthest_above_chance():
    assert verdict.preferred(table_of(), [2, 3, 4]) == {
        "elbow": 3, "silhouette": 3, "gap": 3, "calinski_harabasz": 3, "davies_bouldin": 3,
    }  # fmt: skip
    assert verdict.preferred(table_of(), [2, 4]) == {
        "elbow": None, "silhouette": 2, "gap": 4, "calinski_harabasz": 2, "davies_bouldin": 2,
    }  # fmt: skip


def test_the_gap_prefers_the_first_that_the_next_does_not_surpass_by_an_error():
    for last, k in ((0.519, 3), (0.521, 4)):
        assert verdict.preferred(table_of(gap=[0.2, 0.5, last]), [2, 3, 4])["gap"] == k


def test_of_equally_preferred_numbers_the_better_silhouette_wins():
    # Elbow and silhouette are for 3, two others for 2, the gap is for 4.
    votes = {"gap": [0.2, 0.5, 0.9], "calinski_harabasz": [900.0, 90.0, 50.0]}
    table = table_of(**votes, davies_bouldin=[0.1, 1.0, 1.0])
    assert verdict.decide(table, BOUNDS).k == 3
    # Silhouette now for 4, which has two as well: it wins by what it wins.
    better = table_of(**votes, davies_bouldin=[0.1, 1.0, 1.0], silhouette=[0.5, 0.6, 0.7])
    assert verdict.decide(better, BOUNDS).k == 4


def test_the_reason_names_the_others_that_hold_and_who_prefers_the_chosen():
    reason = verdict.decide(table_of(jaccard=[0.9, 0.8, 0.7]), BOUNDS).reason
    assert "2 also passes these tests, but all five criteria prefer 3." in reason
    alone = verdict.decide(table_of(jaccard=[0.7, 0.8, 0.7]), BOUNDS).reason
    assert alone.endswith("No other number of segments passes these tests.")


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (
            {"gap": 0.0, "bootstrap_ari": 0.6},
            "no number of segments from 2 to 5 separates .* and of 3 segments by degree they are "
            "others in bootstrap samples: the mean adjusted Rand index is 0.60, and 0.8 ",
        ),
        ({"gap": 0.0, "jaccard": 0.6}, "of 3 segments by degree they are not found again"),
        ({"gap": 0.0, "smallest": 0.01}, "of 3 .* the smallest has less than 2% of the authors"),
        ({"jaccard": 0.6}, "3 would be .* least stable one is 0.60, and 0.75 is required"),
        ({"ari": 0.6}, "3 would be separated .* index of two runs is 0.60, and 0.95 is required"),
        # The one that came furthest is told of, not the one that is preferred.
        ({"gap": [0.5, 0, 0], "jaccard": 0.6}, "2 would be separated"),
    ],
)
def test_without_structure_the_first_test_that_the_best_candidate_fails_is_told(columns, words):
    decision = verdict.decide(table_of(**columns), BOUNDS)
    assert (decision.k, decision.verdict) == (1, EVERYBODY)
    assert re.search(words, decision.reason)


@pytest.mark.parametrize(
    ("columns", "k", "words"),
    [
        ({}, 2, r"^2 segments, asked for by hand in params.yaml. By evidence: 3 segments: "),
        ({}, 5, r"by hand in params.yaml, though they are not found again .* is 0.10, and"),
        ({"gap": [0.0, 0.5, 0.5]}, 2, r"though they are not separated .* By evidence: 3 segments"),
        ({"gap": 0.0}, 3, r"^3 segments, asked for by hand .* By evidence: 4 .* degree"),
        ({}, 1, r"^One segment, asked for by hand in params.yaml. By evidence: 3 seg"),
    ],
)
def test_a_number_asked_for_by_hand_is_published_as_that_beside_the_evidence(columns, k, words):
    decision = verdict.decide(table_of(**columns), BOUNDS, by_hand=k)
    assert (decision.k, decision.verdict) == (k, BY_HAND)
    assert re.search(words, decision.reason)


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


def test_the_table_is_shown_in_few_digits():
    table = table_of(
        inertia=[12345.6, 98.765, 1.2345], silhouette=0.3456, gap=0.12345, jaccard=0.29,
        calinski_harabasz=1234.5, davies_bouldin=1.2345, ari=0.94999,
    )  # fmt: skip
    report = evidence_table.report(table, 0)
    assert list(report) == [
        "k", "inertia", "silhouette", "silhouette_chance", "gap", "gap_error", "calinski_harabasz",
        "calinski_harabasz_chance", "davies_bouldin", "davies_bouldin_chance", "jaccard",
        "bootstrap_ari", "ari", "smallest", "holds",
    ]  # fmt: skip
    assert report["inertia"].tolist() == [12300, 98.8, 1.23, 31]
    assert report.loc[0, "silhouette":].tolist() == [
        0.35, 0.3, 0.12, 0.02, 1230, 99, 1.23, 0.6, 0.29, 0.9, 0.94, 0.2, False,
    ]  # fmt: skip


def test_the_share_of_a_cluster_below_k_is_not_shown():
    table = table_of().assign(smallest=[0.3, 9 / 60, 1 / 60, 1 / 60])
    report = evidence_table.report(table, least=10 / 60)
    assert report["smallest"].tolist() == [0.3, 0.17, 0.17, 0.17]


def test_the_agreement_table_says_what_fails_and_who_prefers():
    table = table_of(ari=[1, 1, 0.5], jaccard=[0.9, 0.8, 0.7])
    overview = evidence_table.overview(table, verdict.decide(table, BOUNDS).preferred, 0)
    assert overview["fails"].tolist() == ["none: it holds"] * 2 + ["bootstrap, seeds"] * 2
    degree = table_of(gap=0.0, bootstrap_ari=[0.9, 0.9, 0.7], smallest=[0.2, 0.01, 0.2])
    fails = evidence_table.overview(degree, verdict.decide(degree, BOUNDS).preferred, 0)["fails"]
    assert fails.tolist()[:3] == ["two only", "share", "bootstrap ARI"]
    assert overview.loc[3, "preferred by"].startswith("elbow, silhouette, gap")
    assert overview.loc[[2, 4, 5], "preferred by"].tolist() == ["-"] * 3
    columns = ["inertia", "silhouette", "gap", "CH", "DB", "Jaccard", "ARI", "smallest", "fails"]
    assert overview.columns.tolist() == [*columns, "preferred by"]
    row = ["90", "0.50 (0.30)", "0.20 (0.020)", "100 (99)", "0.50 (0.60)", "0.90", "1.00", "0.20"]
    assert overview.loc[2, :"smallest"].tolist() == row


def test_certainty_is_of_the_clusters_or_of_each_number_where_there_is_one_segment():
    table = table_of()
    assert evidence_table.certainty(table, 3).to_dict() == {
        "cluster 1": 0.9, "cluster 2": 0.9, "cluster 3": 0.8,
    }  # fmt: skip
    assert evidence_table.certainty(table, 1).loc["the least certain of 3"] == 0.8


def test_the_least_certain_cluster_is_named_beside_the_bound():
    table = table_of()
    told = "The smallest similarity, of cluster 3, is 0.80: it reaches the bound 0.75."
    assert evidence_table.weakest(evidence_table.certainty(table, 3), 0.75) == told
    told = (
        "The smallest similarity, of the least certain of 5, is 0.10: it is below the bound 0.75."
    )
    assert evidence_table.weakest(evidence_table.certainty(table, 1), 0.75) == told
    assert evidence_table.weakest(pd.Series(dtype=float), 0.75).startswith("One segment")
