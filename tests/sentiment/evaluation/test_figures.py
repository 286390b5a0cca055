"""What the figures of the sentiment model draw, by known answers."""

import numpy as np
import pandas as pd
import pytest

from customer_profiles.sentiment.evaluation import figures


def test_intervals_stand_at_their_shares_the_first_row_on_top():
    table = pd.DataFrame(
        {"accuracy": [0.8, 0.5], "low": [0.7, 0.4], "high": [0.85, 0.6]}, index=["BERT", "chance"]
    )
    (axis,) = figures.intervals(table, "Accuracy", "share").axes
    points, _, (bars,) = axis.containers[0]
    assert points.get_xdata().tolist() == [0.5, 0.8]
    ends = [segment[:, 0].tolist() for segment in bars.get_segments()]
    assert ends == [pytest.approx([0.4, 0.6]), pytest.approx([0.7, 0.85])]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["chance", "BERT"]


def test_confusion_writes_counts_and_shades_by_the_share_of_the_true_class():
    (axis,) = figures.confusion(np.array([[30, 10], [0, 2000]]), ("negative", "positive")).axes
    written = {text.get_position()[::-1]: text.get_text() for text in axis.texts}
    assert written == {(0, 0): "30", (0, 1): "10", (1, 0): "0", (1, 1): "2,000"}
    assert axis.images[0].get_array().tolist() == [[0.75, 0.25], [0, 1]]


def test_calibration_shows_the_shares_over_probability_and_the_errors_over_coverage():
    table = pd.DataFrame({"confidence": [0.1, 0.9], "right": [0.2, 0.8], "posts": [30, 10]})
    curve = pd.DataFrame({"coverage": [0.5, 1.0], "risk": [0.1, 0.3]})
    left, right = figures.calibration(table, curve).axes
    (points,) = left.collections
    assert points.get_offsets().tolist() == [[0.1, 0.2], [0.9, 0.8]]
    assert points.get_sizes().tolist() == [160, 60]
    line, all_kept = right.lines
    assert line.get_xydata().tolist() == [[0.5, 0.1], [1.0, 0.3]]
    assert list(all_kept.get_ydata()) == [0.3, 0.3]
    assert right.get_ylim()[0] == 0
