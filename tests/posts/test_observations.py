"""A scored post becomes exact values under pseudonyms, in an order no pseudonym decides."""

from datetime import date

import pandas as pd
import pytest

from customer_profiles.posts import observations, retention
from customer_profiles.privacy import generalisation
from customer_profiles.project.vocabulary import UNKNOWN

POSTS = pd.DataFrame({
    "post_id": ["1", "2", "3"],
    "author_id": ["70", "60", "70"],
    "day": ["2026-05-01", "2026-05-02", "2026-05-01"],
    "text": ["good", "bad", "good"],
    "favorites": [2, 10, 2],
    "retweets": [0, 3, 0],
})  # fmt: skip
AUTHORS = pd.DataFrame({
    "author_id": ["60", "70"],
    "followers": [99, 1000],
    "following": [30, 29],
    "listed": [0, 31],
    "account_posts": [5000, 100],
    "verified": [True, False],
    "protected": [False, False],
    "created": ["2010-06", None],
})  # fmt: skip
SCORES = pd.DataFrame({
    "polarity": [0.9, 0.024, 0.9],
    "subjectivity": [0.25, 1.0, 0.25],
    "label": ["positive", "negative", "positive"],
})  # fmt: skip


def build(ids=("aa", "bb", "cc"), author_ids=None, **options):
    author_ids = author_ids or {"60": "dd", "70": "ee"}
    posts = POSTS.assign(_id=ids, author=POSTS["author_id"].map(author_ids))
    return observations.build(posts, AUTHORS, SCORES, "scorer", **options)


def test_a_post_keeps_its_exact_counts_and_scores_and_no_text():
    bad = build().set_index("_id").loc["bb"]
    assert bad.to_dict() == {
        "author": "dd",
        "scorer": "scorer",
        "origin": "archive",
        "day": "2026-05-02",
        "label": "negative",
        "flag": "",
        "polarity": 0.024,
        "subjectivity": 1.0,
        "favorites": 10,
        "retweets": 3,
        "followers": 99,
        "following": 30,
        "listed": 0,
        "account_posts": 5000,
        "account_age": 191,  # June 2010 to May 2026
        "verified": True,
        "protected": False,
    }


def test_a_flag_goes_with_its_post():
    rows = build(flags=["copies", "", "links"])
    assert dict(zip(rows["_id"], rows["flag"], strict=True)) == {
        "aa": "copies", "bb": "", "cc": "links"
    }  # fmt: skip


def test_flagged_rows_count_unless_they_are_excluded(observe):
    rows = observe({"author": "ann"}, {"author": "bob", "flag": "burst"})
    assert len(observations.without_flagged(rows, exclude_flagged=False)) == 2
    assert observations.without_flagged(rows, exclude_flagged=True).index.tolist() == [0]
    with pytest.raises(ValueError, match=r"all 1 posts are flagged .* exclude_flagged to false"):
        observations.without_flagged(rows[1:], exclude_flagged=True)


def test_an_age_that_no_page_gives_is_unknown():
    assert build().set_index("_id").loc["aa", "account_age"] == UNKNOWN


def test_the_order_does_not_depend_on_pseudonyms():
    one = build()
    other = build(ids=("cc", "aa", "bb"), author_ids={"60": "ee", "70": "dd"})
    hidden = ["_id", "author"]
    pd.testing.assert_frame_equal(one.drop(columns=hidden), other.drop(columns=hidden))
    assert one["_id"].tolist() == ["aa", "cc", "bb"]
    assert other["_id"].tolist() == ["bb", "cc", "aa"]


def test_pseudonyms_break_ties_so_that_the_order_is_one():
    frame = pd.DataFrame(
        {"_id": ["b", "a", "c"], "author": ["x", "y", "x"], "day": ["1", "1", "0"]}
    )
    ordered = observations.ordered(frame, last=("author", "_id"))
    assert ordered["_id"].tolist() == ["c", "b", "a"]
    again = observations.ordered(frame.iloc[::-1], last=("author", "_id"))
    pd.testing.assert_frame_equal(ordered, again)


@pytest.mark.parametrize(
    ("created", "day", "months"),
    [
        ("2020-11", "2021-10-31", 11),
        ("2020-11", "2021-11-01", 12),
        ("2009-03", "2026-05-10", 206),
        ("2026-05", "2026-05-10", 0),
        ("2026-06", "2026-05-10", 0),
        (None, "2026-05-10", UNKNOWN),
    ],
)
def test_months_are_whole_months(created, day, months):
    result = generalisation.months_between(pd.Series([created], dtype=object), pd.Series([day]))
    assert result.tolist() == [months]
    assert result.dtype == "int64"


@pytest.fixture
def days():
    return pd.DataFrame({"day": ["2026-05-01", "2026-05-09", "2026-05-10", "2026-05-11"]})


TODAY = date(2026, 5, 20)


def left(frame, days, as_of="", today=TODAY):
    return [day[-2:] for day in retention.unexpired(frame, days, as_of, today)["day"]]


def test_days_are_counted_back_from_the_newest_day_held(days):
    # What is exactly so old is not older.
    assert left(days, 1) == ["10", "11"]
    assert left(days, 2) == ["09", "10", "11"]
    assert left(days, 9) == ["09", "10", "11"]
    assert left(days, 10) == ["01", "09", "10", "11"]


def test_days_are_counted_back_from_a_given_day(days):
    assert left(days, 2, "2026-05-12") == ["10", "11"]


def test_nothing_expires_after_0_days(days):
    assert left(days, 0, "2036-01-01") == ["01", "09", "10", "11"]


def test_a_post_of_the_future_is_left_out_and_does_not_make_the_others_old(days):
    broken = pd.concat([days, pd.DataFrame({"day": ["2099-01-01"]})])
    for kept in (0, 10):
        assert left(broken, kept) == ["01", "09", "10", "11"]
    assert left(broken, 1) == ["10", "11"]


def test_tomorrow_may_have_come_elsewhere_but_no_later_day(days):
    assert left(days, 0, today=date(2026, 5, 9)) == ["01", "09", "10"]
    assert retention.in_future(days["day"], date(2026, 5, 9)).tolist() == [False] * 3 + [True]
    assert retention.in_future(days["day"], date(2026, 5, 10)).sum() == 0


def test_nothing_left_is_an_error_that_names_the_parameters(days):
    with pytest.raises(ValueError, match=r"left of 4: none between 2035-12-02.*as_of.*clock"):
        left(days, 30, "2036-01-01")
    with pytest.raises(ValueError, match=r"left of 4: none between the first day and 2020-01-02"):
        left(days, 0, today=date(2020, 1, 1))


@pytest.mark.parametrize(
    ("days", "as_of", "first"),
    [(0, "", ""), (0, "2026-05-01", ""), (1, "", "2026-05-10"), (3, "2026-03-01", "2026-02-26")],
)
def test_the_first_day_kept_is_so_many_days_before_the_newest_held(days, as_of, first):
    assert retention.first_day(["2026-05-11", "2026-05-02"], days, as_of) == first
    assert retention.first_day([], 5, "") == ""


@pytest.mark.parametrize(("days", "as_of"), [(1, "yesterday"), (1, "2026-13-01"), (10**7, "")])
def test_a_day_that_is_none_is_refused(days, as_of):
    with pytest.raises(ValueError, match="as_of is a day like 2026-06-30"):
        retention.first_day(["2026-05-11"], days, as_of)


def test_erased_posts_and_those_of_erased_authors_are_left_out(observe, pseudonym):
    rows = observe(*({"_id": post, "author": who} for post, who in ("1a", "2a", "3b", "4c")))
    for names, expected in (("1", "234"), ("b", "124"), ("4a", "3"), ("", "1234"), ("xyz", "1234")):
        erased = {pseudonym(name)[::-1] for name in names}
        kept = retention.without_erased(rows, erased, lambda name: name[::-1])
        assert kept["_id"].tolist() == [pseudonym(name) for name in expected]


def test_retained_are_living_posts_of_days_that_count_and_those_of_the_future_are_counted(
    observe, pseudonym, caplog
):
    days = {"1a": "2026-05-01", "2a": "2026-05-10", "3b": "2026-05-10", "4c": "2099-01-01"}
    rows = observe(*({"_id": post, "author": who} for post, who in days))
    rows = rows.assign(day=list(days.values()))
    erased = {pseudonym("b")}
    kept, future = retention.retained(rows, erased, lambda name: name, 5, "", TODAY)
    assert kept["_id"].tolist() == [pseudonym("2")]
    assert future == 1
    assert "left out: 1 posts dated after tomorrow" in caplog.text


def test_the_report_holds_shares_and_rounded_averages(observe):
    labels = ("neutral", "positive", "positive")
    rows = observe(*({"author": "a", "label": label} for label in labels))
    scores = pd.DataFrame({"polarity": [0.5, 0.9, 0.91], "subjectivity": [0.0, 1.0, 1.0]})
    unread = pd.Series({"es": 0.25, "others": 0.02})
    assert observations.report(rows, scores, 2, {"share": {"any": 0.1}}, unread, k=1) == {
        "posts": 3, "posts_in_future": 2,
        "labels": {"negative": 0.0, "neutral": 0.33, "positive": 0.67},
        "polarity": 0.77, "subjectivity": 0.67, "flags": {"share": {"any": 0.1}},
        "unread": {"es": 0.25, "others": 0.02},
    }  # fmt: skip


def test_the_share_of_a_class_of_few_authors_is_suppressed_and_so_are_those_that_tell_it(observe):
    rows = observe(*(
        {"author": f"{label} {n}", "label": label}
        for label, authors in (("negative", 4), ("positive", 30)) for n in range(authors)
    ))  # fmt: skip
    scores = pd.DataFrame({"polarity": [0.5] * 34, "subjectivity": [0.5] * 34})
    made = observations.report(rows, scores, 0, {}, pd.Series(dtype=float), k=10)
    # Of two classes the one tells the other.
    assert made["labels"] == {"negative": None, "neutral": None, "positive": None}
    made = observations.report(rows, scores, 0, {}, pd.Series(dtype=float), k=4)
    assert made["labels"] == {"negative": 0.12, "neutral": 0.0, "positive": 0.88}
