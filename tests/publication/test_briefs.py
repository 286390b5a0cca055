"""Briefs: what is said of a group, what is not, and the forms in which marketing reads it."""

import csv
import io
import json
import subprocess
import sys

import pytest

from customer_profiles.project.vocabulary import WEEKDAYS
from customer_profiles.publication import briefs
from tests.publication import published

CLEAR, UNCLEAR = {"index": 150, "low": 140, "high": 160}, {"index": 103, "low": 95, "high": 110}
SAME = {"index": 100, "low": 100, "high": 100}
LOW = {"index": 20, "low": 15, "high": 25}
EVEN = dict.fromkeys(WEEKDAYS, 1 / 7)
SUMMARY = {
    "posts": 5000, "avg_polarity": 0.53, "avg_favorites": 11.0, "avg_tweets": 3.1,
    "avg_followers": 6000.0,
    "mood": {"negative": 0.14, "neutral": 0.2, "positive": 0.66},
    "clusters": {"verdict": "in kind", "jaccard": 0.75},
}  # fmt: skip
CLUSTERS = SUMMARY["clusters"]


def segment(**changed):
    """A group that speaks well and often, heard by few; nothing else about it is clear."""
    return {
        "name": "Content regulars", "customers": 1385, "share": 0.257, "no_verified": "<10",
        "no_protected": ">375", "avg_polarity": 0.8, "avg_subjectivity": 0.4,
        "avg_favorites": 3.0, "avg_tweets": 4.6, "avg_account_tweets": 1800.0,
        "avg_followers": 1200.0,
        "index": {
            "avg_polarity": CLEAR, "avg_subjectivity": UNCLEAR, "avg_favorites": UNCLEAR,
            "avg_tweets": CLEAR, "avg_account_tweets": UNCLEAR, "avg_followers": LOW,
        },
        "mood": {"negative": 0.05, "neutral": 0.15, "positive": 0.75}, "volume": 0.36,
        "weekdays": {**dict.fromkeys(WEEKDAYS, 0.1), "sunday": 0.4},
        "stability": 0.98, "small": False, **changed,
    }  # fmt: skip


def brief(changed=None, summary=SUMMARY, weekdays=EVEN, sample=False):
    return briefs.brief(segment(**changed or {}), summary, weekdays, sample)


def text(written):
    return " ".join([written["headline"], *written["points"], *written["caveats"]])


def test_a_brief_says_how_much_in_which_mood_when_and_how_far_heard():
    assert brief() == {
        "headline": "1,385 authors, 26% of the audience, who speak of the brand more warmly, post "
        "about it more often and have fewer followers than average",
        "points": [
            "They write 36% of all posts about the brand, more than their 26% of the audience.",
            "Of their posts 75% are positive, 15% are neutral and 5% are negative; in the whole "
            "audience 66%, 20% and 14%.",
            "Above all, they have fewer followers than average: about 1,200 followers each, "
            "against about 6,000 in the audience (index 20, 95% interval 15 to 25).",
            "They speak of the brand more warmly than average: 0.8 on a scale from 0, negative, to "
            "1, positive, against 0.53 in the audience (index 150, 95% interval 140 to 160).",
            "They post about the brand more often than average: about 4.6 posts each, against "
            "about 3.1 in the audience (index 150, 95% interval 140 to 160).",
            "They post more on Sunday: 40% of their posts, against 14% in the audience.",
        ],
        "caveats": [
            "Not clearly different from the audience, as 100 lies in the interval: opinion, likes, "
            "posts of the account.",
            briefs.COUNTS,
            briefs.TERMS,
        ],
    }


def test_nothing_is_claimed_whose_interval_contains_100():
    for index in (
        UNCLEAR,
        {"index": 100, "low": 100, "high": 100},
        {"index": 90, "low": 80, "high": 100},
        {"index": 110, "low": 100, "high": 120},
    ):
        written = brief({"index": dict.fromkeys(segment()["index"], index), "weekdays": EVEN})
        assert written["headline"].endswith("much like the average in mood, activity and reach")
        assert "than average" not in text(written)
        assert " more " not in " ".join(written["points"])
        assert "mood, opinion, likes, posts about the brand" in written["caveats"][0]
    assert "Not clearly" not in text(brief({"index": dict.fromkeys(segment()["index"], CLEAR)}))


def test_without_a_clear_mood_the_brand_is_named_all_the_same():
    written = brief({"index": {**segment()["index"], "avg_polarity": UNCLEAR}})
    assert "who post about the brand more often and have fewer" in written["headline"]


def test_what_lies_furthest_from_average_is_said_first_by_its_nearer_end():
    wide = {"index": 300, "low": 110, "high": 500}
    written = brief({"index": {"avg_polarity": wide, "avg_tweets": CLEAR}})
    assert [point for point in written["points"] if point.startswith("Above all, they post")]


@pytest.mark.parametrize(
    ("share", "posts", "day"), [(0.2, 5000, False), (0.25, 5000, True), (0.25, 50, False)]
)
def test_a_weekday_is_named_only_beyond_rounding_and_chance(share, posts, day):
    summary = {**SUMMARY, "posts": posts}
    written = brief({"weekdays": {**EVEN, "sunday": share, "monday": None}}, summary)
    assert any(point.startswith("They post more on Sunday") for point in written["points"]) == day


def test_where_no_day_is_shown_none_stands_out():
    assert "They post more on" not in text(brief(weekdays=dict.fromkeys(WEEKDAYS, 0.0)))


def test_shares_that_are_suppressed_are_left_out_and_said_to_be():
    written = brief({"mood": {"negative": None, "neutral": None, "positive": 0.75}})
    assert "Of their posts 75% are positive; in the whole audience 66%." in written["points"]
    assert "Some shares of posts are suppressed" in text(written)
    nothing = brief({"mood": dict.fromkeys(("negative", "neutral", "positive"))})
    assert "Of their posts" not in text(nothing)
    unknown = {**SUMMARY, "mood": dict.fromkeys(SUMMARY["mood"])}
    assert "Of their posts 75% are positive, 15% are neutral and 5% are negative." in brief(
        summary=unknown
    )["points"]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "clusters", "caveat"),
    [
        ({"small": True}, {}, "may be due to chance"),
        ({"stability": 0.6}, {}, "only partly found again"),
        ({}, {"verdict": "by hand"}, "operator asked for this number of groups"),
        ({}, {"verdict": "by degree"}, "who is near a border is like both"),
        ({"share": 1.0}, {"verdict": "everybody"}, "No groups can be drawn that would"),
        ({"share": 1.0, "stability": None}, {}, "the figures of the whole audience"),
    ],
)
def test_what_limits_a_group_is_a_caveat(changed, clusters, caveat):
    summary = SUMMARY | {"clusters": CLUSTERS | clusters}
    assert caveat in " ".join(brief(changed, summary)["caveats"])
    assert caveat not in text(brief())


def test_invented_people_are_said_to_be_invented():
    assert "invented" in brief(sample=True)["caveats"][0]
    assert "invented" not in text(brief())


def test_of_the_whole_audience_nothing_is_compared():
    written = brief({
        "share": 1.0, "stability": None,
        "index": dict.fromkeys(segment()["index"], SAME),
    })  # fmt: skip
    assert written["headline"] == "1,385 authors, the whole audience"
    assert "in the whole audience" not in " ".join(written["points"])
    assert "Not clearly" not in text(written)


def test_a_brief_does_not_depend_on_the_name():
    assert brief({"name": "Quiet critics"}) == brief()
    assert "Content regulars" not in text(brief())


def test_a_card_shows_brief_figures_and_caveats():
    row = segment(brief=brief())
    card = briefs.markdown(row)
    assert card.startswith("## Content regulars\n\n**1,385 authors, 26% of the audience")
    for line in (
        "| authors | 1,385 |  |", "| share of the audience | 26% |  |",
        "| protected authors | >375 |  |", "| followers, about | 1,200 | 20 (15 to 25) |",
        *(f"- {sentence}" for sentence in (*row["brief"]["points"], *row["brief"]["caveats"])),
    ):  # fmt: skip
        assert line in card.splitlines(), line
    assert card.endswith("\n")


def test_a_table_has_a_row_for_each_segment_and_a_column_for_each_figure():
    rows = published.audience(2)["segments"]
    del rows[1]["index"]["avg_favorites"]
    first, second = csv.DictReader(io.StringIO(briefs.table(rows)))
    assert first["name"] == rows[0]["name"]
    assert first["index.avg_polarity.low"] == str(rows[0]["index"]["avg_polarity"]["low"])
    assert second["index.avg_favorites.low"] == ""
    assert second["weekdays.sunday"] == ""  # suppressed
    assert second["no_verified"] == "<10"
    assert not [name for name in first if name.startswith("brief")]
    assert briefs.table([{"day": "2026-05-01", "posts": 3}]) == "day,posts\r\n2026-05-01,3\r\n"


def test_no_text_of_a_table_is_a_formula_in_a_spreadsheet():
    (row,) = csv.DictReader(io.StringIO(briefs.table([{"name": "=1+1", "centroid": -0.2}])))
    assert row == {"name": "'=1+1", "centroid": "-0.2"}


def test_every_segment_of_a_publication_has_its_card_and_row():
    for row in published.audience()["segments"]:
        assert row["name"] in briefs.markdown(row)
        assert not any(isinstance(value, dict | list) for value in briefs.flat(row).values())


def test_rendering_briefs_needs_no_library():
    code = "import json, sys, customer_profiles.publication.briefs as _; "
    code += "print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "pandas", "scipy"} & set(json.loads(done.stdout))
