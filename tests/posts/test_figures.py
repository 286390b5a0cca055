"""Figures by known answers."""

import numpy as np
import pandas as pd

from customer_profiles.posts.figures import stacked
from tests.project.drawn import heights


def test_stacked_bars_stand_on_each_other_and_a_missing_one_has_no_height():
    table = pd.DataFrame({"positive": [np.nan, 20], "negative": [10, 5]}, index=[0.0, 0.05])
    (axis,) = stacked(table, "Posts", "polarity").axes
    assert heights(axis, 0) == [10, 5]
    assert heights(axis, 1) == [0, 20]
    assert [bar.get_y() for bar in axis.containers[1]] == [10, 5]
    legend = [text.get_text() for text in axis.get_legend().texts]
    assert legend == ["negative (15)", "positive (20)"]
