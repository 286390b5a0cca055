"""Figure of the daily mood, as published: data in, a matplotlib Figure out."""

import pandas as pd
from matplotlib.figure import Figure

from customer_profiles.project.charts import ACCENT, NEUTRAL, grid, name_days, styled


@styled
def mood(days: pd.DataFrame) -> Figure:
    """Posts a day as bars, their average polarity as a line (columns day, posts, avg_polarity)."""
    figure, axes = grid(2, 1, (8, 3.6), sharex=True)
    day = pd.to_datetime(days["day"])
    axes[0].plot(day, days["avg_polarity"], color=ACCENT)
    axes[0].axhline(0.5, color=NEUTRAL, linewidth=0.8)
    axes[0].set(title="Average polarity (0 negative, 1 positive)", ylim=(0, 1))
    axes[1].bar(day, days["posts"], color=NEUTRAL, width=0.8)
    axes[1].set(title="Posts a day")
    name_days(axes[1])
    return figure
