"""Figures by known answers."""

import matplotlib as mpl
import pandas as pd

from customer_profiles.project import charts
from customer_profiles.segments.figures import above, elbow
from tests.project.drawn import texts

ELBOW = pd.DataFrame({"k": [2, 3, 4], "inertia": [90.0, 40.0, 35.0], "silhouette": [0.3, 0.5, 0.4]})


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


def test_a_value_below_its_bound_is_red():
    (axis,) = above(pd.Series([0.9, 0.7], index=["a", "b"]), 0.75, "Held", "Jaccard").axes
    reached, missed = (bar.get_facecolor() for bar in axis.patches)
    assert mpl.colors.to_hex(reached) == charts.ACCENT
    assert mpl.colors.to_hex(missed) == charts.NEGATIVE
    assert texts(axis) == ["0.90", "0.70", " bound 0.75"]
