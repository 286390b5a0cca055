"""Figures of the evaluation of the sentiment model: data in, a matplotlib Figure out."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from customer_profiles.project.charts import ACCENT, NEUTRAL, cells, grid, styled


@styled
def intervals(table: pd.DataFrame, title: str, xlabel: str) -> Figure:
    """Shares with their intervals (columns accuracy, low, high), the first row on top."""
    figure, (axis,) = grid(1, 1, (6, 0.8 + 0.34 * len(table)))
    rows = table.iloc[::-1]
    spread = [rows["accuracy"] - rows["low"], rows["high"] - rows["accuracy"]]
    axis.errorbar(rows["accuracy"], rows.index, xerr=spread, fmt="o", color=ACCENT, capsize=3)
    axis.set(title=title, xlabel=xlabel, ylim=(-0.6, len(rows) - 0.4))
    axis.set_xlim(min(0.3, rows["low"].min() - 0.02), 1)
    axis.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    return figure


@styled
def confusion(counts: np.ndarray, classes: tuple[str, ...]) -> Figure:
    """Confusion matrix: counts, shaded by the share of their true class."""
    figure, (axis,) = grid(1, 1, (4, 3.4))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    cells(axis, shares, [[f"{count:,}" for count in row] for row in counts], "Blues", (0, 1))
    axis.set(title="Confusion", xlabel="predicted", ylabel="true")
    axis.set_xticks(range(len(classes)), classes)
    axis.set_yticks(range(len(classes)), classes)
    return figure


@styled
def calibration(reliability: pd.DataFrame, curve: pd.DataFrame) -> Figure:
    """Share of right posts over the probability of their class, and risk over coverage.

    Columns of `reliability`: confidence, right, posts (a point is as large as its share of posts).
    Columns of `curve`: coverage, risk.
    """
    figure, (left, right) = grid(1, 2, (8, 3.2))
    left.plot([0, 1], [0, 1], color=NEUTRAL, linewidth=1)
    left.plot(reliability["confidence"], reliability["right"], color=ACCENT)
    sizes = 10 + 200 * reliability["posts"] / reliability["posts"].sum()
    left.scatter(reliability["confidence"], reliability["right"], sizes, color=ACCENT)
    left.set(title="Reliability", xlabel="probability of the class", ylabel="share right")
    right.plot(curve["coverage"], curve["risk"], color=ACCENT)
    right.axhline(curve["risk"].iloc[-1], color=NEUTRAL, linewidth=1)
    right.set(title="Risk and coverage", xlabel="share of posts kept, the surest first",
              ylabel="errors among them", xlim=(0, 1))  # fmt: skip
    right.set_ylim(bottom=0)
    right.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    right.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    return figure
