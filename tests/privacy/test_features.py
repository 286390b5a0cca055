"""What K-Means sees of a profile: logarithms, clipped, and nothing where nothing is known."""

from io import StringIO

import numpy as np
import pandas as pd
import pytest

from customer_profiles.privacy import features
from customer_profiles.project.vocabulary import UNKNOWN

WEIGHTS = {"polarity": 1, "posts": 1, "followers": 2}


def profiles(**columns):
    """Profiles that differ in polarity and posts, with `columns` beside or in their place."""
    number = len(next(iter(columns.values())))
    usual = {"polarity": np.linspace(0, 1, number), "posts": np.arange(1, number + 1)}
    return pd.DataFrame({"_id": range(number), **usual, **columns})


def prepared(table, names=WEIGHTS, clip=1.0):
    made = features.prepared(table, dict.fromkeys(names, 1), clip)
    assert list(made.weights) == [name for name in names if name in made.table]
    return made.table, made.left_out


def test_counts_are_taken_as_logarithms_of_one_more_and_shares_and_marks_as_they_are():
    names = ("polarity", "posts", "favorites", "followers", "account_age", "verified")
    table = profiles(
        posts=[1, 3, 7], polarity=[0.25, 0.5, 1], favorites=[0.0, 0.5, 3.0],
        followers=[0, 9, 2**40], account_age=[0, 1, 200], verified=[False, True, True],
        first_month="2026-05",
    )  # fmt: skip
    made, sentences = prepared(table, names)
    assert sentences == []
    assert made["posts"].tolist() == pytest.approx(np.log([2, 4, 8]))
    assert made["favorites"].tolist() == pytest.approx(np.log([1, 1.5, 4]))
    assert made["followers"].tolist() == pytest.approx(np.log([1, 10, 2**40 + 1]))
    assert made["account_age"].tolist() == pytest.approx(np.log([1, 2, 201]))
    assert made["polarity"].tolist() == [0.25, 0.5, 1]
    assert made["verified"].tolist() == [0, 1, 1]
    others = ["_id", "first_month"]
    assert made[others].equals(table[others])
    assert set(made) == {*others, *names}


def test_tails_become_the_quantile_on_both_sides():
    table = profiles(polarity=np.arange(101) / 100, followers=np.arange(101))
    made, _ = prepared(table, ("polarity", "followers"), clip=0.9)
    assert made["polarity"].tolist() == pytest.approx(np.clip(np.arange(101) / 100, 0.1, 0.9))
    assert made["followers"].min() == pytest.approx(np.log(11))
    assert made["followers"].max() == pytest.approx(np.log(91))
    unclipped, _ = prepared(table, ("polarity", "followers"), clip=1.0)
    assert unclipped["polarity"].tolist() == table["polarity"].tolist()


@pytest.mark.parametrize("unknown", [UNKNOWN, np.nan, pd.NA])
def test_what_is_unknown_for_most_is_left_out_and_said(unknown):
    followers = pd.Series([5, 10, 20, 40] + 6 * [unknown], dtype="Int64")
    made, sentences = prepared(profiles(followers=followers))
    assert sentences == ["Not clustered on followers: unknown for most authors."]
    assert set(made) == {"_id", "polarity", "posts"}


def test_what_is_known_for_half_is_clustered_on():
    made, sentences = prepared(profiles(followers=[0, 2, 4, 6, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN]))
    assert sentences == ["followers: unknown for some authors, taken as the median."]
    assert "followers" in made


def test_an_unknown_count_is_taken_as_the_median_of_the_known_ones():
    made, sentences = prepared(profiles(followers=[1, UNKNOWN, 9, 99]))
    assert sentences == ["followers: unknown for some authors, taken as the median."]
    assert made["followers"].tolist() == pytest.approx(np.log([2, 10, 10, 100]))
    # 0 is known: it is not the median.
    assert prepared(profiles(followers=[0, 9, 9]))[0]["followers"].tolist()[0] == 0


@pytest.mark.parametrize("others", [20, 99, 200])
def test_one_celebrity_among_nobodies_makes_no_feature(others):
    nobodies = profiles(followers=[1_000_000, *[3] * others])
    made, sentences = prepared(nobodies, clip=0.99)
    assert sentences == ["Not clustered on followers: the same for nearly all authors."]
    assert set(made) == {"_id", "polarity", "posts"}


def test_a_celebrity_is_no_further_away_than_the_quantile():
    table = profiles(followers=[2**40, *range(1, 201)])
    made, _ = prepared(table, clip=0.99)
    away = features.standardised(features.matrix(made, ["followers"]))[:, 0]
    # The one beyond the quantile is where the other authors with the most are.
    assert np.sort(away)[-1] == np.sort(away)[-2]
    assert away[0] == away.max() < 3


def test_where_all_are_the_same_one_feature_stays_which_tells_nobody_apart():
    table = pd.DataFrame({name: [7] * 12 for name in WEIGHTS})
    made, sentences = prepared(table)
    assert [sentence.split(":")[0] for sentence in sentences] == [
        "Not clustered on polarity",
        "Not clustered on posts about the brand",
        "Not clustered on followers",
    ]
    assert made.to_dict("list") == {"polarity": [0.0] * 12}
    assert features.standardised(features.matrix(made, ["polarity"])).tolist() == [[0.0]] * 12


def test_one_account_repeated_without_a_single_count_is_everybody_alike():
    counts = dict.fromkeys(("posts", "favorites", "account_posts", "followers"), 0)
    table = pd.DataFrame([{"polarity": 0.5, **counts}] * 30)
    made, sentences = prepared(table, tuple(counts), clip=0.99)
    assert len(sentences) == len(counts)
    assert all("the same for nearly all authors" in sentence for sentence in sentences)
    assert made.to_dict("list") == {"polarity": [0.5] * 30, "posts": [0.0] * 30}


def test_a_column_that_an_imported_table_lacks_is_unknown():
    table = pd.read_csv(StringIO("polarity,posts\n0.1,1\n0.5,4\n0.9,2\n"))
    made, sentences = prepared(table)
    assert sentences == ["Not clustered on followers: unknown for most authors."]
    assert list(made) == ["polarity", "posts"]


def test_an_empty_field_of_an_imported_table_is_unknown():
    table = pd.read_csv(StringIO("polarity,posts,followers\n0.1,1,3\n0.5,4,\n0.9,2,8\n"))
    made, sentences = prepared(table)
    assert sentences == ["followers: unknown for some authors, taken as the median."]
    assert made["followers"].tolist() == pytest.approx([np.log(4), np.log(36) / 2, np.log(9)])


def test_with_nothing_known_one_feature_stays_which_tells_nobody_apart():
    made, sentences = prepared(pd.DataFrame({"_id": range(3)}))
    assert len(sentences) == len(WEIGHTS)
    assert made["polarity"].tolist() == [0, 0, 0]
    assert list(made) == ["_id", "polarity"]


def test_without_profiles_it_is_said_which_stage_makes_them():
    with pytest.raises(ValueError, match="no profile to cluster; stage load writes them"):
        prepared(profiles(followers=[])[:0])


def test_features_are_measured_in_the_range_of_their_deciles():
    # The deciles of 0 to 100 are 10 and 90; in a normal distribution they are 2.563 apart.
    values = np.arange(101.0)[:, None]
    assert features.spread(values) == pytest.approx([80 / 2.563])
    assert features.standardised(values)[[0, 50, 100], 0] == pytest.approx(
        [-50 * 2.563 / 80, 0, 50 * 2.563 / 80]
    )
    # One far out moves the average, and stretches nothing.
    stretched = np.vstack([values[:100], [[10_000.0]]])
    assert features.spread(stretched) == pytest.approx([80 / 2.563])
    normal = np.random.default_rng(1).normal(3, 2, (20_000, 1))
    assert features.spread(normal) == pytest.approx([2], rel=0.03)


def test_where_the_deciles_are_the_same_the_ordinary_standard_deviation_is_taken():
    values = np.array([[0.0, 7.0]] * 95 + [[1.0, 7.0]] * 5)
    assert features.spread(values) == pytest.approx([np.sqrt(0.05 * 0.95), 1])
    away = features.standardised(values)
    assert away[-1] == pytest.approx([0.95 / np.sqrt(0.05 * 0.95), 0])  # 7 tells nobody apart
