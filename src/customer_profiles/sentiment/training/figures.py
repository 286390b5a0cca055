"""Figures of a training: data in, a matplotlib Figure out."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from customer_profiles.project.charts import ACCENT, NEUTRAL, grid, legend, styled


@styled
def learning_curves(curves: pd.DataFrame, points: pd.DataFrame) -> Figure:
    """Accuracy and loss by epoch: training within the epochs (`points`), validation after each."""
    figure, axes = grid(1, 2, (8, 3))
    for axis, name in zip(axes, ("accuracy", "loss"), strict=True):
        axis.plot(points["epoch"], points[name], color=NEUTRAL, linewidth=1)
        axis.plot(curves["epoch"], curves[name], "o", color=NEUTRAL, label="training, epoch")
        axis.plot(curves["epoch"], curves[f"val_{name}"], "o-", color=ACCENT, label="validation")
        axis.set(title=name.capitalize(), xlabel="epoch")
        axis.set_xlim(left=0)
        axis.xaxis.get_major_locator().set_params(integer=True)
        legend(axis)
    return figure


@styled
def histogram(values: np.ndarray, title: str, xlabel: str, bins: int = 20) -> Figure:
    """Histogram of `values`."""
    figure, (axis,) = grid(1, 1, (6, 2.6))
    axis.hist(values, bins=bins, color=ACCENT)
    axis.yaxis.set_major_formatter("{x:,.0f}")
    axis.set(title=title, xlabel=xlabel, ylabel="posts")
    return figure


@styled
def architecture(layers: list[tuple[str, str]]) -> Figure:
    """Diagram of the model's layers (name, output) from top to bottom."""
    figure, (axis,) = grid(1, 1, (5, 0.75 * len(layers) + 0.3))
    axis.set(xlim=(0, 1), ylim=(-len(layers) + 0.4, 0.6))
    axis.axis("off")
    box = {"boxstyle": "round,pad=0.5", "facecolor": "#eef3f8", "edgecolor": ACCENT}
    for row, (name, shape) in enumerate(layers):
        axis.text(0.5, -row, f"{name}\n{shape}", ha="center", va="center", bbox=box)
        if row:
            arrow = {"arrowstyle": "->", "color": ACCENT}
            axis.annotate("", (0.5, -row + 0.28), (0.5, -row + 0.72), arrowprops=arrow)
    return figure
