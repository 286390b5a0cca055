"""What figures draw, by known answers; that they can be shown; that they are always the same."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from customer_profiles.posts.figures import stacked
from customer_profiles.privacy import cells
from customer_profiles.project import charts
from customer_profiles.publication.figures import mood
from customer_profiles.segments.figures import above, elbow, held_back, tradeoff
from customer_profiles.sentiment.data.figures import class_shares, lengths
from customer_profiles.sentiment.training.figures import learning_curves

CURVES = pd.DataFrame({
    "epoch": [1, 2], "loss": [0.6, 0.3], "accuracy": [0.7, 0.9],
    "val_loss": [0.5, 0.4], "val_accuracy": [0.75, 0.8],
})  # fmt: skip
ELBOW = pd.DataFrame({"k": [2, 3, 4], "inertia": [90.0, 40.0, 35.0], "silhouette": [0.3, 0.5, 0.4]})
DAYS = pd.DataFrame({"day": ["2026-05-01", "2026-05-02"], "posts": [30, 12],
                     "avg_polarity": [0.6, 0.4]})  # fmt: skip
SETS = pd.DataFrame({"positive": [30, 5], "negative": [10, 15]}, index=["train", "test"])


def heights(axis, container=0):
    return [bar.get_height() for bar in axis.containers[container]]


def widths(axis):
    """Widths of all horizontal bars, by the bars' row from the top."""
    rows = {}
    for bar in (bar for container in axis.containers for bar in container):
        rows.setdefault(round(bar.get_y() + bar.get_height() / 2), []).append(bar.get_width())
    return rows


def texts(axis):
    return [text.get_text() for text in axis.texts]


def cell_texts(axis):
    """The numbers written into a table of coloured cells, by (row, column)."""
    return {(text.get_position()[1], text.get_position()[0]): text.get_text()
            for text in axis.texts}  # fmt: skip


def test_learning_curves_show_training_within_the_epochs_and_validation_after_each():
    points = pd.DataFrame({
        "step": [5, 10, 20], "epoch": [0.5, 1.0, 2.0],
        "loss": [0.7, 0.5, 0.3], "accuracy": [0.6, 0.8, 0.9],
    })  # fmt: skip
    accuracy, loss = learning_curves(CURVES, points).axes
    assert [line.get_ydata().tolist() for line in accuracy.lines] == [
        [0.6, 0.8, 0.9], [0.7, 0.9], [0.75, 0.8],
    ]  # fmt: skip
    assert loss.lines[0].get_xdata().tolist() == [0.5, 1.0, 2.0]
    assert loss.lines[2].get_ydata().tolist() == [0.5, 0.4]


def test_a_tradeoff_names_each_option_where_it_lies_and_marks_the_chosen_one():
    table = pd.DataFrame({"option": ["exact", "chosen"], "linkage": [1, 0.03],
                          "agreement": [1, 0.9]})  # fmt: skip
    nearby = pd.DataFrame({"linkage": [0.02], "agreement": [0.7]})
    (axis,) = tradeoff(table, "chosen", nearby, "Bins").axes
    assert texts(axis) == ["exact", "chosen"]
    assert [line.get_xydata().tolist() for line in axis.lines] == [
        [[0.02, 0.7]], [[1, 1]], [[0.03, 0.9]],
    ]  # fmt: skip
    assert [line.get_marker() for line in axis.lines] == [".", "o", "D"]


def test_shares_held_back_stand_beside_their_bound_with_the_cells_that_are_shown():
    table = pd.DataFrame({"option": ["one", "two"], "suppressed": [0.2, 0.05], "cells": [3, 9]})
    (axis,) = held_back(table, "two", 0.1, "Tuples").axes
    assert widths(axis) == {0: [0.2], 1: [0.05]}
    assert texts(axis) == ["20.0%, 3 cells shown", "5.0%, 9 cells shown", " bound 10%"]
    assert axis.lines[0].get_xdata() == [0.1, 0.1]


def test_the_elbow_marks_k_on_both_curves():
    for axis, name in zip(elbow(ELBOW, 3).axes, ("inertia", "silhouette"), strict=True):
        curve, mark = axis.lines
        assert curve.get_ydata().tolist() == ELBOW[name].tolist()
        assert list(mark.get_xdata()) == [3, 3]
        assert texts(axis) == [" k = 3"]


def test_the_elbow_shows_the_gap_and_what_does_not_hold_hollow_where_the_table_tells():
    table = ELBOW.assign(gap=[0.1, 0.5, 0.4], gap_error=0.1, holds=[False, True, True])
    inertia, _, gap = elbow(table, 1).axes
    _, hollow = inertia.lines  # one segment is on no curve: no mark
    assert hollow.get_xdata().tolist() == [2]
    assert hollow.get_markerfacecolor() == "white"
    (bars,) = gap.containers[0].lines[2]
    assert bars.get_segments()[1].tolist() == [[3, 0.4], [3, 0.6]]
    assert texts(gap) == ["chance"]


def test_the_elbow_of_profiles_that_cannot_be_parted_is_empty():
    table = pd.DataFrame(columns=["k", "inertia", "silhouette", "gap", "gap_error", "holds"])
    assert all(len(axis.lines[0].get_xdata()) == 0 for axis in elbow(table, 1).axes)


def test_mood_has_the_polarity_as_a_line_and_the_posts_as_bars():
    polarity, posts = mood(DAYS).axes
    assert polarity.lines[0].get_ydata().tolist() == [0.6, 0.4]
    assert polarity.get_ylim() == (0, 1)
    assert heights(posts) == [30, 12]


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


def test_stacked_bars_stand_on_each_other_and_a_missing_one_has_no_height():
    table = pd.DataFrame({"positive": [np.nan, 20], "negative": [10, 5]}, index=[0.0, 0.05])
    (axis,) = stacked(table, "Posts", "polarity").axes
    assert heights(axis, 0) == [10, 5]
    assert heights(axis, 1) == [0, 20]
    assert [bar.get_y() for bar in axis.containers[1]] == [10, 5]
    legend = [text.get_text() for text in axis.get_legend().texts]
    assert legend == ["negative (15)", "positive (20)"]


def test_bars_have_the_heights_of_the_values_whether_days_or_names():
    named = pd.Series([3, 7], index=["1", "2+"])
    dated = pd.Series([3, 7], index=pd.to_datetime(["2026-05-01", "2026-05-02"]))
    for values in (named, dated):
        assert heights(charts.bars(values, "Posts").axes[0]) == [3, 7]


def test_a_value_below_its_bound_is_red():
    (axis,) = above(pd.Series([0.9, 0.7], index=["a", "b"]), 0.75, "Held", "Jaccard").axes
    reached, missed = (bar.get_facecolor() for bar in axis.patches)
    assert mpl.colors.to_hex(reached) == charts.ACCENT
    assert mpl.colors.to_hex(missed) == charts.NEGATIVE
    assert texts(axis) == ["0.90", "0.70", " bound 0.75"]


def test_a_field_is_spread_over_its_bins_and_what_is_held_back_is_hatched():
    counts = pd.Series([50, np.nan, 30], index=["under 10", "10 to 99", "100 and more"])
    (axis,) = charts.spread({"followers": counts}, 100, "Authors").axes
    assert widths(axis) == {0: pytest.approx([0.5, 0.3, 0.2])}
    assert [bar.get_hatch() for bar in axis.patches] == [None, None, "////"]
    assert texts(axis) == ["under 10\n50%", "100 and more\n30%"]


@pytest.mark.parametrize(
    ("width", "text"),
    [(16, "10,000 to 99,999\n7%"), (9, "10,000 to\n99,999\n7%"), (6, "7%"), (2, "")],
)
def test_a_bin_is_called_by_what_fits_into_it(width, text):
    assert charts.fitted("10,000 to 99,999", "7%", width) == text


def test_heat_writes_each_number_and_leaves_a_missing_one_empty():
    table = pd.DataFrame([[1.26, np.nan], [-2.0, 0.5]], index=["a", "b"], columns=["x", "y"])
    (axis,) = charts.heat(table, "Centroids", signed=True, digits=1).axes
    assert cell_texts(axis) == {(0, 0): "1.3", (1, 0): "-2.0", (1, 1): "0.5"}
    assert axis.images[0].get_clim() == (-2, 2)


@pytest.mark.parametrize(("color", "ink"), [((1, 1, 1, 1), "black"), ((0, 0, 0.5, 1), "white")])
def test_writing_can_be_read_on_its_colour(color, ink):
    assert charts.ink(color) == ink


def test_where_every_group_is_too_small_an_empty_figure_is_drawn():
    posts = pd.DataFrame({"author": ["a", "b"], "label": ["negative", "positive"], "mark": [0, 1]})
    none = cells.groups(posts, ["mark", "label"], 10, "author")
    table = none.pivot(index="mark", columns="label", values="rows")
    days = pd.Series([], index=pd.to_datetime([]), dtype=float)
    for figure in (
        stacked(table, "Posts", "polarity"),
        charts.heat(table, "Posts"),
        charts.bars(days, "Posts"),
        mood(DAYS[:0]),
        charts.spread(cells.spread(posts, {"mark": ["no", "yes"]}, 10, "author"), 2, "Posts"),
    ):
        assert figure._repr_png_().startswith(b"\x89PNG")


def test_the_same_figure_is_the_same_bytes_also_as_svg():
    first, second = (mood(DAYS) for _ in range(2))
    assert first._repr_png_() == second._repr_png_()
    assert charts.svg(first) == charts.svg(second)


def test_a_saved_figure_looks_as_the_one_that_is_shown(tmp_path):
    mood(DAYS).savefig(tmp_path / "mood.png", metadata={"Software": None})
    assert (tmp_path / "mood.png").read_bytes() == mood(DAYS)._repr_png_()
