"""The rule for the number of segments by known answers, and the reason that it gives."""

import re

import numpy as np
import pytest

from customer_profiles.project.vocabulary import BY_DEGREE, BY_HAND, EVERYBODY, IN_KIND
from customer_profiles.segments import evidence, verdict
from tests.segments.weighed import BOUNDS, table_of


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
        # No better, by 0.05, than a uniform cloud's.
        ({"jaccard_uniform": 0.76}, [False] * 4),
        ({"jaccard_uniform": [0.5, 0.75, 0.76]}, [False, True, False, False]),
        ({"jaccard_uniform": np.nan}, [False, True, True, False]),
    ],
)
def test_three_or_more_hold_by_degree_when_each_is_large_and_all_come_back(columns, holds):
    table = table_of(gap=0.0, **columns)
    assert table["by_degree"].tolist() == table["holds"].tolist() == holds


def test_a_plane_is_parted_by_chance_and_of_more_features_a_cloud_recurs_less_than_groups():
    rng = np.random.default_rng(1)
    plane = rng.uniform(size=(200, 2))
    assert evidence.featureless(np.hstack([plane, np.ones((200, 3))]), [3, 4], 7) == {3: 1, 4: 1}
    cloud = evidence.featureless(rng.normal(size=(200, 5)), [3, 4], 7)
    assert 0.2 < cloud[3] < 0.9
    assert 0.2 < cloud[4] < 0.9


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
    ("sizes", "least", "share"),
    [
        ([600, 500, 400], 10 / 1500, 0),
        ([33, 22, 5], 10 / 60, 27 / 60),  # the 22 are suppressed, or the 5 could be subtracted
        ([980, 10, 4, 6], 10 / 1000, 10 / 1000),
        ([5], 10 / 5, 1),
        ([5, 4], 0, 0),
    ],
)
def test_people_in_clusters_too_small_to_be_shown_are_counted_with_those_suppressed_for_them(
    sizes, least, share
):
    assert verdict.hidden(sizes, least) == pytest.approx(share)


@pytest.mark.parametrize(
    ("columns", "hidden", "k", "kind"),
    [
        ({}, [0, 0, 0, 0], 3, IN_KIND),
        ({}, [0, 0.45, 0.45, 0], 2, IN_KIND),
        ({}, [0.02, 0.021, 0.021, 0], 2, IN_KIND),
        # Of those in kind none may be shown: one by degree may.
        ({"gap": [0.5, 0.5, 0.0]}, [0.3, 0.3, 0, 0], 4, BY_DEGREE),
        # None may be shown at all: the evidence decides, and another stage what is published.
        ({}, [0.3] * 4, 3, IN_KIND),
        ({"gap": 0.0}, [0, 0, 0.3, 0], 3, BY_DEGREE),
    ],
)
def test_a_number_whose_groups_may_all_be_shown_goes_before_one_with_hidden_groups(
    columns, hidden, k, kind
):
    table = verdict.with_tests(table_of(**columns).assign(hidden=hidden), BOUNDS)
    decision = verdict.decide(table, BOUNDS)
    assert (decision.k, decision.verdict) == (k, kind)


def test_the_numbers_left_out_because_of_small_groups_are_named():
    table = verdict.with_tests(table_of().assign(hidden=[0, 0.45, 0.45, 0]), BOUNDS)
    reason = verdict.decide(table, BOUNDS).reason
    assert reason.endswith(
        "start of K-Means. 3 and 4 would pass these tests as well, but with groups too small to be "
        "shown."
    )
    assert "No other number" not in reason


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
