"""Figures of posts: data in, a matplotlib Figure out."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from customer_profiles.project.charts import CLASSES, grid, legend, styled


@styled
def stacked(table: pd.DataFrame, title: str, xlabel: str, ylabel: str = "posts") -> Figure:
    """Stacked bars of the classes (columns) over the evenly spaced numbers of the index."""
    figure, (axis,) = grid(1, 1, (6, 2.8))
    width = 0.9 * np.diff(table.index.to_numpy(float)).min(initial=1)
    base = np.zeros(len(table))
    for name in (name for name in CLASSES if name in table):
        counts = table[name].fillna(0).to_numpy()
        label = f"{name} ({int(counts.sum()):,})"
        axis.bar(table.index, counts, width, base, color=CLASSES[name], label=label)
        base += counts
    axis.yaxis.set_major_formatter("{x:,.0f}")
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel)
    legend(axis)
    return figure
