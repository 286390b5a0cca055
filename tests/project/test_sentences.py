"""Sentences of result: what they name, and what they say where nothing may be shown."""

import numpy as np
import pandas as pd

from customer_profiles.project import sentences

NOTHING = pd.Series([np.nan, np.nan], ["a", "b"])


def test_the_largest_group_is_named_with_its_number_and_share():
    values = pd.Series({"en": 1500, "de": 500, "fr": np.nan})
    told = "Of 2,000 posts shown, the largest group is en: 1,500 (75%)."
    assert sentences.largest(values, "posts") == told


def test_a_group_is_named_by_its_day_or_by_the_names_of_its_levels():
    languages = pd.Series({"en": 3, "de": 1}).rename_axis("language")
    assert "is language en: 3 (75%)" in sentences.largest(languages, "posts")
    days = pd.Series([1, 3], pd.to_datetime(["2026-05-01", "2026-05-02"]))
    assert "is 2026-05-02: 3 (75%)" in sentences.largest(days, "posts")
    pairs = pd.DataFrame({"actual": list("aab"), "predicted": list("ccd")}).value_counts()
    assert "is actual a, predicted c: 2 (67%)" in sentences.largest(pairs, "mistakes")


def test_the_field_is_named_in_which_most_are_in_one_bin():
    fields = {
        "likes": pd.Series({"under 3": 6.0, "3 and more": np.nan}),
        "lists": pd.Series({"under 2": 9.0, "2 and more": 1.0}),
    }
    told = 'The posts differ least in "lists": 90% are in "under 2".'
    assert sentences.most_alike(fields, 10, "posts") == told


def test_the_lowest_and_the_highest_value_are_named():
    values = pd.Series({"monday": 0.25, "tuesday": np.nan, "sunday": 0.5})
    told = "The polarity lies between 0.25 (monday) and 0.50 (sunday)."
    assert sentences.extremes(values, "polarity") == told


def test_the_entry_furthest_from_the_average_is_named_with_its_sign():
    means = pd.DataFrame({"likes": [0.2, np.nan], "lists": [-1.4, 1.2]}, ["cluster 1", "cluster 2"])
    told = "Furthest from the average, by -1.4, is cluster 1 in lists."
    assert sentences.furthest(means) == told


def test_where_nothing_may_be_shown_the_sentence_says_so():
    assert {
        sentences.largest(NOTHING, "posts"),
        sentences.largest(NOTHING[:0], "posts"),
        sentences.most_alike({"likes": NOTHING}, 2, "posts"),
        sentences.extremes(NOTHING, "polarity"),
        sentences.furthest(NOTHING.to_frame()),
    } == {sentences.NOTHING}
