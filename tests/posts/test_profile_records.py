"""A profile is what its author's observations say, in any order and any number of times."""

import numpy as np
import pandas as pd
import pytest

from customer_profiles.posts import profile_records
from customer_profiles.privacy.sealing import OBSERVATIONS, PROFILES
from customer_profiles.project.vocabulary import AUTHOR_COUNTS, UNKNOWN


def observed(**columns):
    """Observations of ann, three posts, and of bob, one, unless `columns` say otherwise."""
    rows = {
        "author": ["ann", "bob", "ann", "ann"],
        "day": ["2026-05-31", "2026-05-02", "2026-06-01", "2026-06-01"],
        "label": ["positive", "negative", "neutral", "positive"],
        "flag": "",
        "polarity": [0.9, 0.1, 0.4, 0.8],
        "subjectivity": [0.5, 0.25, 0.0, 1.0],
        "favorites": [3, 0, UNKNOWN, 4],
        "retweets": [UNKNOWN, 7, UNKNOWN, UNKNOWN],
        **dict.fromkeys(AUTHOR_COUNTS, 10),
        "followers": [900, 5, 700, 800],
        "listed": [2, UNKNOWN, UNKNOWN, UNKNOWN],
        "verified": [True, False, False, False],
        "protected": False,
    }
    return pd.DataFrame(rows | columns)


def derived(rows, exclude_flagged=True):
    authors, made = profile_records.derive(
        rows["author"].to_numpy(dtype=object), OBSERVATIONS.encoded(rows), exclude_flagged
    )
    return PROFILES.decoded(made).set_index(pd.Index(authors))


def test_a_profile_holds_means_of_the_posts_and_the_latest_counts_of_the_account():
    people = derived(observed())
    ann, bob = people.loc["ann"], people.loc["bob"]
    assert people.index.tolist() == ["ann", "bob"]
    assert (ann["posts"], bob["posts"]) == (3, 1)
    assert ann["polarity"] == pytest.approx(0.7, abs=1e-9)
    assert ann["subjectivity"] == pytest.approx(0.5, abs=1e-9)
    assert (ann["positive"], ann["neutral"], ann["negative"]) == (2 / 3, 1 / 3, 0)
    assert ann["followers"] == 800  # of the two posts of the latest day, the larger
    assert not ann["verified"]
    assert (ann["first_month"], ann["last_month"]) == ("2026-05", "2026-06")


def test_what_no_page_gave_is_unknown_and_what_one_page_gave_is_not_forgotten():
    people = derived(observed())
    assert people.loc["ann", "favorites"] == 3.5  # of the two posts that have it
    assert people.loc["ann", "retweets"] == UNKNOWN
    assert people.loc["ann", "listed"] == 2  # of an earlier day
    assert people.loc["bob", "listed"] == UNKNOWN


def test_a_profile_does_not_depend_on_the_order_of_the_observations():
    rng = np.random.default_rng(1)
    rows = observed().loc[rng.integers(4, size=500)].reset_index(drop=True)
    rows = rows.assign(polarity=rng.random(500), favorites=rng.integers(10**12, size=500))
    expected = derived(rows)
    for seed in range(5):
        pd.testing.assert_frame_equal(derived(rows.sample(frac=1, random_state=seed)), expected)


def test_flagged_posts_do_not_count_unless_they_are_wanted():
    rows = observed(flag=["burst", "copies", "", ""])
    assert derived(rows)["posts"].to_dict() == {"ann": 2}
    assert derived(rows, exclude_flagged=False)["posts"].to_dict() == {"ann": 3, "bob": 1}


def test_without_observations_there_is_no_profile():
    assert derived(observed()[:0]).empty
    assert derived(observed(flag="links")).empty
