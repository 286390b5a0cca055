"""What is published of the clusters: figures worked out by hand on six profiles, k = 2."""

import pandas as pd
import pytest

from customer_profiles import privacy, segments

EDGES = {
    "favorites": [1, 3, 10, 30],
    "posts": [2, 3, 5],
    "account_posts": [100, 1000, 10000],
    "followers": [100, 1000],
}
STEPS = {"polarity": 4, "subjectivity": 4}
PEOPLE = pd.DataFrame({
    "segment": [0, 0, 1, 0, 0, 1],
    "polarity": [4, 3, 1, 2, 2, 1],
    "subjectivity": [0, 1, 4, 1, 2, 4],
    "favorites": [0, 0, 2, 1, 3, 2],
    "posts": [0, 1, 0, 2, 3, 0],
    "account_posts": [1, 1, 3, 2, 0, 3],
    "followers": [2, 2, 0, 1, 0, 0],
    "verified": [True, True, False, False, False, False],
    "protected": [True, False, False, False, False, False],
})  # fmt: skip


def test_the_nine_figures_of_each_segment():
    first, second = segments.describe(PEOPLE, EDGES, STEPS, k=2)
    assert first == {
        "id": 0,
        "customers": 4,
        "share": 0.667,
        "avg_polarity": 0.69,  # 11/4 of 4 marks
        "avg_subjectivity": 0.25,
        "no_verified": 2,
        "no_protected": "<2",
        "avg_favorites": 4.6,  # 0, 0, √(1·2), √(10·29)
        "avg_tweets": 3.3,  # √(1·1), √(2·2), √(3·4), √(5·9)
        "avg_account_tweets": 950.0,  # 2·√(100·999), √(1000·9999), √(1·99)
        "avg_followers": 790.0,  # 2·√(1000·1999), √(100·999), √(1·99)
    }
    assert second == {
        "id": 1,
        "customers": 2,
        "share": 0.333,
        "avg_polarity": 0.25,
        "avg_subjectivity": 1.0,
        "no_verified": "<2",
        "no_protected": "<2",
        "avg_favorites": 5.2,  # √(3·9)
        "avg_tweets": 1.0,
        "avg_account_tweets": 14000.0,  # √(10000·19999)
        "avg_followers": 9.9,
    }


def test_no_favorite_at_all_is_an_average_of_0():
    assert segments.describe(PEOPLE.assign(favorites=0), EDGES, STEPS, 2)[0]["avg_favorites"] == 0


def test_a_segment_below_k_is_left_out():
    split = PEOPLE.assign(segment=[0, 0, 1, 0, 2, 1])
    # Segment 2 is one person; k = 2 also holds back segment 1, or subtraction would show it.
    assert [row["id"] for row in segments.describe(split, EDGES, STEPS, k=2)] == [0]


def test_segments_are_shown_as_texts_with_a_column_each():
    first, second = segments.describe(PEOPLE, EDGES, STEPS, k=2)
    table = segments.titled([{**first, "avg_followers": 63000.0}, second])
    assert list(table.columns) == ["segment 1", "segment 2"]
    shown = table["segment 1"]
    assert shown["authors"] == "4"
    assert shown["share of the audience"] == "67%"
    assert shown["protected authors"] == "<2"
    assert shown["followers, about"] == "63,000"
    assert not table.isna().any(axis=None)


def test_the_mood_of_a_day_needs_k_authors():
    observations = pd.DataFrame({
        "day": ["2026-05-01"] * 3 + ["2026-05-02"] * 2 + ["2026-04-30"] * 2,
        "author": ["ann", "ann", "bob", "ann", "ann", "ann", "bob"],
        "polarity": [20, 11, 0, 20, 20, 1, 0],
    })  # fmt: skip
    assert segments.mood_daily(observations, k=2) == (
        [
            {"day": "2026-04-30", "posts": 2, "avg_polarity": 0.03},  # 0.5 of 20 marks, 0.025
            {"day": "2026-05-01", "posts": 3, "avg_polarity": 0.52},  # 31/3 of 20 marks
        ],
        [2, 2],
    )


def test_tiers_join_bins():
    tiers = segments.tiers(PEOPLE, {"account_posts": [1, 3], "verified": [1]})
    assert tiers.to_dict("list") == {
        "segment": [0, 0, 1, 0, 0, 1],
        "account_posts": [1, 1, 2, 1, 0, 2],
        "verified": [1, 1, 0, 0, 0, 0],
    }


def test_a_tier_of_a_field_that_profiles_do_not_have_is_refused():
    with pytest.raises(ValueError, match=r"publish\.tiers names likes.*followers"):
        segments.tiers(PEOPLE, {"likes": [1]})


def test_tiers_are_called_by_the_counts_where_they_begin():
    names = ["under 100", "100 to 9,999", "10,000 and more"]
    assert segments.tier_names([1, 3], EDGES["account_posts"]) == names


def test_only_shown_cells_are_named():
    table = privacy.cells(segments.tiers(PEOPLE, {"followers": [1]}), ("segment", "followers"), 2)
    # Segment 0: one below 100 followers and three above; the three go with the one.
    assert segments.named_cells(table, {"followers": ["under 100", "100 and more"]}) == [
        {"segment": 1, "followers": "under 100", "authors": 2}
    ]


def test_the_summary_is_of_the_whole_audience():
    observations = pd.DataFrame({
        "day": ["2026-05-02", "2026-05-01", "2026-05-03"],
        "label": ["positive", "neutral", "positive"],
    })  # fmt: skip
    days = [{"day": "2026-05-01"}, {"day": "2026-05-02"}]  # too few people on the third
    assert segments.summary(PEOPLE, observations, days, STEPS) == {
        "authors": 6,
        "posts": 3,
        "first_day": "2026-05-01",
        "last_day": "2026-05-02",
        "avg_polarity": 0.54,  # 13/6 of 4 marks
        "avg_subjectivity": 0.5,
        "mood": {"negative": 0.0, "neutral": 0.33, "positive": 0.67},
    }


def test_a_thief_links_by_what_can_be_looked_up_and_tells_apart_by_all():
    same = dict.fromkeys((*segments.KNOWABLE, *segments.MOOD, *segments.MONTHS), 0)
    profiles = pd.DataFrame([same, same, {**same, "polarity": 1}, {**same, "followers": 1}])
    assert segments.at_rest(profiles) == {"uniqueness": 0.5, "linkage": 0.25}


def test_a_publication_is_called_by_its_content():
    one = segments.identified({"segments": [{"id": 0, "customers": 4}], "summary": {"posts": 3}})
    same = segments.identified({"summary": {"posts": 3}, "segments": [{"customers": 4, "id": 0}]})
    other = segments.identified({"segments": [{"id": 0, "customers": 5}], "summary": {"posts": 3}})
    assert one == same
    assert one["_id"] == same["_id"] != other["_id"]
    assert one["segments"] == [{"id": 0, "customers": 4}]
