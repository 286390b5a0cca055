"""Figures by known answers."""

import pandas as pd

from customer_profiles.sentiment.data.figures import class_shares, lengths
from tests.project.drawn import texts, widths

SETS = pd.DataFrame({"positive": [30, 5], "negative": [10, 15]}, index=["train", "test"])


def test_classes_share_a_bar_in_the_order_of_polarity_with_their_counts():
    (axis,) = class_shares(SETS, "Sets").axes
    assert widths(axis) == {0: [0.25, 0.75], 1: [0.75, 0.25]}  # negative, positive
    assert texts(axis) == ["10", "15", "30", "5"]
    assert [name.get_text() for name in axis.get_yticklabels()] == ["train", "test"]


def test_lengths_are_shares_of_each_class_and_the_longest_posts_share_the_last_step():
    values, classes = pd.Series([5, 15, 15, 400, 150]), pd.Series(["negative"] * 4 + ["positive"])
    (axis,) = lengths(values, classes, "Length").axes
    negative, positive = (stairs.get_data().values for stairs in axis.patches)
    assert negative.tolist() == [0.25, 0.5, *[0] * 13, 0.25]
    assert positive.tolist() == [*[0] * 15, 1]
