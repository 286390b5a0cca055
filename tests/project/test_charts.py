"""Charts that several rooms draw, by known answers; they can be shown, and are always the same."""

import numpy as np
import pandas as pd
import pytest

from customer_profiles.posts.figures import stacked
from customer_profiles.privacy import cells
from customer_profiles.project import charts
from customer_profiles.publication.figures import mood
from tests.project.drawn import cell_texts, heights, texts, widths

DAYS = pd.DataFrame({"day": ["2026-05-01", "2026-05-02"], "posts": [30, 12],
                     "avg_polarity": [0.6, 0.4]})  # fmt: skip


def test_bars_have_the_heights_of_the_values_whether_days_or_names():
    named = pd.Series([3, 7], index=["1", "2+"])
    dated = pd.Series([3, 7], index=pd.to_datetime(["2026-05-01", "2026-05-02"]))
    for values in (named, dated):
        assert heights(charts.bars(values, "Posts").axes[0]) == [3, 7]


def test_a_field_is_spread_over_its_bins_and_what_is_suppressed_is_hatched():
    counts = pd.Series([50, np.nan, 30], index=["under 10", "10 to 99", "100 and more"])
    (axis,) = charts.bins_figure({"followers": counts}, 100, "Authors").axes
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
        charts.bins_figure(
            cells.bin_counts(posts, {"mark": ["no", "yes"]}, 10, "author"), 2, "Posts"
        ),
    ):
        assert figure._repr_png_().startswith(b"\x89PNG")


def test_the_same_figure_is_the_same_bytes_also_as_svg():
    first, second = (mood(DAYS) for _ in range(2))
    assert first._repr_png_() == second._repr_png_()
    assert charts.svg(first) == charts.svg(second)


def test_a_saved_figure_looks_as_the_one_that_is_shown(tmp_path):
    mood(DAYS).savefig(tmp_path / "mood.png", metadata={"Software": None})
    assert (tmp_path / "mood.png").read_bytes() == mood(DAYS)._repr_png_()
