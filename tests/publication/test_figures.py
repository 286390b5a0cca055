"""Figures by known answers."""

import pandas as pd

from customer_profiles.publication.figures import mood
from tests.project.drawn import heights

DAYS = pd.DataFrame({"day": ["2026-05-01", "2026-05-02"], "posts": [30, 12],
                     "avg_polarity": [0.6, 0.4]})  # fmt: skip


def test_mood_has_the_polarity_as_a_line_and_the_posts_as_bars():
    polarity, posts = mood(DAYS).axes
    assert polarity.lines[0].get_ydata().tolist() == [0.6, 0.4]
    assert polarity.get_ylim() == (0, 1)
    assert heights(posts) == [30, 12]
