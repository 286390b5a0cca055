"""Samples and splits of labelled posts, by their counts."""

import pandas as pd
import pytest

from customer_profiles.sentiment.data import sampling
from tests.sentiment.data.rows import balanced, posts, texts


def test_a_sample_keeps_the_labels_shares_and_has_exactly_the_rows_asked_for():
    frame = pd.concat([balanced(40).query("label == 0"), balanced(160).query("label == 4")])
    drawn = sampling.sample(frame, 10, seed=1)
    assert len(drawn) == 10
    assert drawn["label"].value_counts().to_dict() == {4: 8, 0: 2}
    assert texts(drawn) <= texts(frame)


def test_an_even_sample_has_as_many_rows_of_each_label():
    frame = pd.concat([balanced(40).query("label == 0"), balanced(160).query("label == 4")])
    for rows, expected in ((40, {0: 20, 4: 20}), (39, {0: 20, 4: 19})):
        drawn = sampling.sample(frame, rows, seed=1, even=True)
        assert drawn["label"].value_counts().to_dict() == expected
    with pytest.raises(
        ValueError, match=r"fetch\.rows=42 .* label 0 there are 20; draw at most 40"
    ):
        sampling.sample(frame, 42, seed=1, even=True)
    assert len(sampling.sample(frame, 0, seed=1, even=True)) == 100


def test_the_same_rows_are_drawn_in_whatever_order_they_came():
    frame = balanced(200)
    first = sampling.sample(frame, 50, seed=3)
    pd.testing.assert_frame_equal(sampling.sample(frame[::-1], 50, seed=3), first)
    assert texts(sampling.sample(frame, 50, seed=4)) != texts(first)


def test_zero_rows_means_all_of_them_with_the_labels_mixed():
    drawn = sampling.sample(balanced(200), 0, seed=3)
    assert len(drawn) == 200
    assert 30 < drawn["label"].iloc[:100].eq(4).sum() < 70


@pytest.mark.parametrize("rows", [101, -1])
def test_more_rows_than_there_are_is_an_error_that_names_the_parameter(rows):
    with pytest.raises(ValueError, match=rf"fetch\.rows must be 0 \(all\) to 100.*got {rows}"):
        sampling.sample(balanced(100), rows, seed=1)


def test_a_sample_that_leaves_a_label_out_is_an_error():
    with pytest.raises(ValueError, match=r"fetch\.rows gives 1 of 10 rows, none of them with"):
        sampling.sample(balanced(10), 1, seed=1)


def test_a_set_with_one_label_or_none_cannot_be_drawn_from():
    for frame in (posts((4, "a"), (4, "b")), posts()):
        with pytest.raises(ValueError, match="expected two labels"):
            sampling.sample(frame, 0, seed=1)
        with pytest.raises(ValueError, match="expected two labels"):
            sampling.split(frame, 0.5, seed=1)


def test_a_split_gives_each_row_to_one_side_with_the_labels_in_their_shares():
    train, validation = sampling.split(balanced(50), 0.2, seed=1)
    assert train["label"].value_counts().to_dict() == {0: 20, 4: 20}
    assert validation["label"].value_counts().to_dict() == {0: 5, 4: 5}
    assert texts(train) | texts(validation) == texts(balanced(50))


@pytest.mark.parametrize("share", [0.1, 0.9])
def test_a_split_that_leaves_a_label_on_one_side_only_is_an_error(share):
    with pytest.raises(ValueError, match=r"fetch\.validation_share"):
        sampling.split(posts((0, "a"), (0, "b"), (4, "c")), share, seed=1)
