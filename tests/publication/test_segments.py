"""What is published of the clusters: figures worked out by hand on six profiles, k = 2."""

import pandas as pd
import pytest

from customer_profiles.privacy import aggregates, cells, microdata
from customer_profiles.project import vocabulary
from customer_profiles.publication import document, segments

PEOPLE = pd.DataFrame({
    "_id": list("abcdef"),
    "segment": [0, 0, 1, 0, 0, 1],
    "polarity": [1, 0.78, 0.31, 0.52, 0.5, 0.34],
    "subjectivity": [0, 0.22, 0.95, 0.2, 0.5, 1],
    "favorites": [0, 0, 5, 1.5, 20, 4],
    "posts": [1, 2, 1, 4, 9, 1],
    "account_posts": [150, 120, 20_000, 5000, 50, 11_000],
    "followers": [1500, 2500, 40, 250, 50, 35],
    "verified": [True, True, False, False, False, False],
    "protected": [True, False, False, False, False, False],
})  # fmt: skip
WRITTEN = pd.DataFrame({
    "author": list("aabbccddef"),
    "label": ["positive"] * 5 + ["negative"] * 3 + ["neutral"] * 2,
    "day": ["2026-05-04"] * 6 + ["2026-05-09"] * 4,  # a Monday and a Saturday
})  # fmt: skip


# One segment of everybody: who belongs to it is no secret, so nothing is rounded further.
ALL = PEOPLE.assign(segment=0)
REPORT = {
    "verdict": "in kind", "reason": "They come back.", "k": 2,
    "jaccard": 0.75,
    "preferred": dict.fromkeys(document.CLUSTERS["properties"]["preferred"]["properties"], 2),
    "sizes": [4, 2], "small": [2], "stability": {"jaccard": [0.991, 0.7]}, "elbow": 2,
}  # fmt: skip
FLAGGED = {"flagged": 0.02, "flagged_excluded": True, "unread": "", "caution": ""}
CURVES = pd.DataFrame([document.example(document.CURVES)]).assign(more=1)


def gathered(people):
    return microdata.gather(people, WRITTEN, ("polarity", "followers"), clip=0.99)


def described(people, k=2):
    painted, _ = aggregates.of_segments(
        gathered(people), segments.published_segments(people, k), k, seed=7
    )
    return segments.describe(people, painted, k)


def summary(people, written=WRITTEN, days=(), k=2):
    averages = aggregates.of_everybody(gathered(people))
    return segments.summary(people, written, days, averages, REPORT, CURVES, FLAGGED, k)


def test_the_nine_figures_of_a_segment_and_its_shares():
    hundred = {"index": 100, "low": 100, "high": 100}
    (row,) = described(ALL)
    assert row.pop("index") == dict.fromkeys(document.AVERAGES, hundred)
    days = dict.fromkeys(vocabulary.WEEKDAYS)
    assert row == {
        "id": 0,
        "customers": 6,
        "share": 1.0,
        "avg_polarity": 0.57,  # 1, 0.8, 2·0.5, 2·0.3, the nearest of ten marks
        "avg_subjectivity": 0.5,  # 0, 2·0.2, 0.6, 2·1, the nearest of five
        "no_verified": 2,
        "no_protected": "<2",
        "avg_favorites": 4.8,  # 0, 0, √(1·2), √(10·29), 2·√(3·9)
        "avg_tweets": 3.1,  # 3·√(1·1), √(2·2), √(4·5), √(8·10)
        "avg_account_tweets": 6800.0,  # 2·√(100·299), √(3000·9999), √(30·99), 2·√(1e4·29999)
        "avg_followers": 630.0,  # 2·√(1000·2999), √(100·299), 3·√(30·99)
        "mood": {"negative": 0.3, "neutral": 0.2, "positive": 0.5},
        "weekdays": {**days, "monday": 0.6, "saturday": 0.4},
        "volume": 1.0,
        "centroid": {"polarity": 0.0, "followers": 0.0},
    }


def test_segments_are_described_with_the_largest_first():
    first, second = described(PEOPLE)
    assert (first["id"], first["customers"], first["share"], first["no_verified"]) == (
        0,
        4,
        0.667,
        2,
    )
    assert (second["id"], second["customers"], second["no_verified"]) == (1, 2, "<2")


@pytest.mark.long
def test_a_segment_that_a_few_are_not_in_is_not_the_whole_audience():
    most = pd.concat([PEOPLE.assign(segment=0)] * 700, ignore_index=True)
    most["_id"] = [*"abcdef", *map(str, most.index[6:])]
    most.loc[:1, "segment"] = 1
    first, second = described(most)
    assert (first["customers"], first["share"], second["share"]) == (4198, 0.999, 0.0)


def test_no_favorite_at_all_is_an_average_of_0_and_has_no_index():
    (row,) = described(ALL.assign(favorites=0))
    assert row["avg_favorites"] == 0
    assert "avg_favorites" not in row["index"]


def test_a_segment_below_k_is_left_out():
    split = PEOPLE.assign(segment=[0, 0, 1, 0, 2, 1])
    # Segment 2 is one person; k = 2 also suppresses segment 1, or subtraction would show it.
    assert [row["id"] for row in described(split)] == [0]


def test_personas_have_all_that_is_published_of_a_segment():
    rows = segments.personas(described(PEOPLE), REPORT, summary(PEOPLE), [], sample=True)
    for row in rows:
        assert list(row) == list(document.SEGMENT["properties"])
        assert row["name"] not in str(row["brief"])
    assert [row["stability"] for row in rows] == [0.99, 0.7]
    assert [row["small"] for row in rows] == [False, True]
    assert any("due to chance" in caveat for caveat in rows[1]["brief"]["caveats"])


def test_everybody_in_one_segment_has_neither_a_name_of_their_own_nor_stability():
    report = {**REPORT, "sizes": [6], "small": []}
    (row,) = segments.personas(described(ALL), report, summary(ALL), [], sample=False)
    assert row["name"] == "The whole audience"
    assert row["stability"] is None


def test_a_cluster_for_each_different_profile_has_no_stability():
    report = {**REPORT, "stability": {"jaccard": [], "ari": None}}
    rows = segments.personas(described(PEOPLE), report, summary(PEOPLE), [], sample=False)
    assert [row["stability"] for row in rows] == [None, None]


def test_segments_are_shown_as_texts_with_a_column_each():
    first, second = described(PEOPLE)
    table = segments.titled([{**first, "avg_followers": 63000.0}, second])
    assert list(table.columns) == ["segment 1", "segment 2"]
    row = table["segment 1"]
    assert row["authors"] == "4"
    assert row["share of the audience"] == "67%"
    assert row["protected authors"] == "<2"
    assert row["followers, about"] == "63,000"
    assert not table.isna().any(axis=None)


def test_the_mood_of_a_day_needs_k_authors():
    # On the second and the third day one author each, but two together.
    observations = pd.DataFrame({
        "day": ["2026-05-01"] * 3 + ["2026-05-02", "2026-05-03"] + ["2026-04-30"] * 2,
        "author": ["ann", "ann", "bob", "ann", "bob", "ann", "bob"],
        "polarity": [1, 0.55, 0, 1, 1, 0.05, 0],
    })  # fmt: skip
    assert segments.mood_daily(observations, k=2) == (
        [
            {"day": "2026-04-30", "posts": 2, "avg_polarity": 0.03},  # 0.025
            {"day": "2026-05-01", "posts": 3, "avg_polarity": 0.52},  # 1.55 / 3
        ],
        [2, 2, 2],
    )


def test_days_are_suppressed_until_k_authors_are_behind_all_of_them():
    # Behind the third day is cat alone, and posts less the shown days would be hers.
    observations = pd.DataFrame({
        "day": ["2026-05-01"] * 3 + ["2026-05-02"] * 2 + ["2026-05-03"],
        "author": ["ann", "bob", "cat", "ann", "bob", "cat"],
        "polarity": 0.5,
    })  # fmt: skip
    rows, authors = segments.mood_daily(observations, k=2)
    assert [row["day"] for row in rows] == ["2026-05-01"]
    assert authors == [3, 3]


def test_without_a_small_day_all_are_shown():
    observations = pd.DataFrame({"day": "2026-05-01", "author": ["ann", "bob"], "polarity": 0.5})
    assert segments.mood_daily(observations, k=2)[1] == [2]


def test_only_shown_cells_are_named():
    table = cells.cells(cells.tiers(PEOPLE, {"followers": [100]}), ("segment", "followers"), 2)
    # Segment 0: one below 100 followers and three above; the three go with the one.
    assert cells.named_cells(table, {"followers": ["under 100", "100 and more"]}) == [
        {"segment": 1, "followers": "under 100", "authors": 2}
    ]


POSTS = pd.DataFrame({
    "day": ["2026-05-02", "2026-05-01", "2026-05-03", "2026-05-01"],
    "label": ["positive", "neutral", "positive", "neutral"],
    "author": ["ann", "ann", "bob", "bob"],
})  # fmt: skip


def test_the_summary_is_of_the_whole_audience():
    days = [{"day": "2026-05-01"}, {"day": "2026-05-02"}]  # too few people on the third
    whole = summary(PEOPLE, POSTS, days)
    assert list(whole) == list(document.SUMMARY["properties"])
    clusters = whole.pop("clusters")
    assert list(clusters) == list(document.CLUSTERS["properties"])
    assert clusters["curves"] == [document.example(document.CURVES)]
    assert whole == {
        "authors": 6,
        "posts": 4,
        "first_day": "2026-05-01",
        "last_day": "2026-05-02",
        "avg_polarity": 0.57,
        "avg_subjectivity": 0.5,
        "avg_favorites": 4.8,
        "avg_tweets": 3.1,
        "avg_account_tweets": 6800.0,
        "avg_followers": 630.0,
        "mood": {"negative": None, "neutral": 0.5, "positive": 0.5},
        "flagged": 0.02,
        "flagged_excluded": True,
        "unread": "",
        "caution": "",
    }


def test_a_class_behind_which_too_few_authors_stand_is_not_in_the_mix():
    # One of few posts could be counted from its share. Only ann was neutral, so with two of each
    # nothing can be left out alone.
    one = POSTS.assign(label=["positive", "neutral", "positive", "positive"])
    assert set(summary(PEOPLE, one)["mood"].values()) == {None}
    two = pd.concat([one, one[:2].assign(label="negative", author=["cat", "dan"])])
    # Shares are of all posts, those that are not shown as well.
    assert summary(PEOPLE, two)["mood"] == {"negative": None, "neutral": None, "positive": 0.5}


def test_a_publication_is_called_by_its_content():
    one = segments.identified({"segments": [{"id": 0, "customers": 4}], "summary": {"posts": 3}})
    same = segments.identified({"summary": {"posts": 3}, "segments": [{"customers": 4, "id": 0}]})
    other = segments.identified({"segments": [{"id": 0, "customers": 5}], "summary": {"posts": 3}})
    assert one == same
    assert one["_id"] == same["_id"] != other["_id"]
    assert one["segments"] == [{"id": 0, "customers": 4}]
