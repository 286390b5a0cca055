"""Figures of labelled posts: data in, a matplotlib Figure out."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from customer_profiles.project.charts import CLASSES, grid, legend, styled


@styled
def class_shares(table: pd.DataFrame, title: str) -> Figure:
    """A bar for each row of `table` (columns: classes), split by class; the counts inside."""
    figure, (axis,) = grid(1, 1, (7, 1.1 + 0.27 * len(table)))
    shares = table.div(table.sum(axis=1), axis=0).fillna(0)
    places, start = np.arange(len(table)), np.zeros(len(table))
    for name in (name for name in CLASSES if name in table):
        bars = axis.barh(places, shares[name], left=start, color=CLASSES[name], label=name)
        room = zip(table[name], shares[name] > 0.04, strict=True)
        texts = [f"{count:,}" if fits else "" for count, fits in room]
        axis.bar_label(bars, texts, label_type="center", color="white")
        start += shares[name].to_numpy()
    axis.set_title(title, pad=22)
    axis.set_yticks(places, table.index)
    axis.xaxis.set_major_formatter("{x:.0%}")
    axis.set(xlim=(0, 1), ylim=(len(table) - 0.5, -0.5))
    legend(axis, ncols=3, loc="lower left", bbox_to_anchor=(0, 1), borderpad=0)
    return figure


@styled
def lengths(values: pd.Series, classes: pd.Series, title: str, longest: int = 150) -> Figure:
    """Characters of the posts of each class, in steps of ten; a longer post counts as `longest`.

    The curves are shares and not counts, because the classes differ in size.
    """
    figure, (axis,) = grid(1, 1, (6, 2.8))
    steps = np.arange(0, longest + 11, 10)
    for name, color in CLASSES.items():
        sizes = values[classes == name].clip(upper=longest)
        if len(sizes):
            shares = np.histogram(sizes, steps)[0] / len(sizes)
            axis.stairs(shares, steps, color=color, linewidth=1.8, label=f"{name} ({len(sizes):,})")
    marks = range(0, longest + 1, 30)
    axis.set_xticks(marks, [*map(str, marks[:-1]), f"{longest}+"])
    axis.yaxis.set_major_formatter("{x:.0%}")
    axis.set(title=title, xlabel="characters", ylabel="share of the class")
    legend(axis)
    return figure
