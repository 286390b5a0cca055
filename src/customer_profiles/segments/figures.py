"""Figures of the evidence for segments: data in, a matplotlib Figure out."""

import pandas as pd
from matplotlib.figure import Figure

from customer_profiles.project.charts import ACCENT, NEGATIVE, NEUTRAL, grid, styled


@styled
def elbow(table: pd.DataFrame, k: int) -> Figure:
    """Inertia, silhouette and, where `table` has it, the gap over k, the chosen k marked.

    One segment (k = 1) is not on the curves, so it is not marked. With a column `holds`, each k
    that does not hold is drawn hollow.
    """
    titles = {
        "inertia": "Inertia (squared distances)",
        "silhouette": "Silhouette (1: well apart)",
        "gap": "Gap (tighter than chance)",
    }
    names = [name for name in titles if name in table]
    figure, axes = grid(1, len(names), (8 if len(names) < 3 else 9.6, 3))
    weak = table[~table["holds"]] if "holds" in table else table[:0]
    for axis, name in zip(axes, names, strict=True):
        axis.plot(table["k"], table[name], "o-", color=ACCENT)
        if len(weak):
            axis.plot(weak["k"], weak[name], "o", color=ACCENT, markerfacecolor="white")
        axis.set(title=titles[name], xlabel="clusters k")
        axis.xaxis.get_major_locator().set_params(integer=True)
        if f"{name}_chance" in table and len(table):
            axis.plot(table["k"], table[f"{name}_chance"], color=NEUTRAL)
            axis.annotate("chance", (table["k"].iloc[-1], table[f"{name}_chance"].iloc[-1]),
                          va="bottom", ha="right", color=NEUTRAL)  # fmt: skip
        if name == "gap":
            error = table["gap_error"]
            axis.errorbar(table["k"], table["gap"], error, color=ACCENT, fmt="none", capsize=2)
            axis.axhline(0, color=NEUTRAL, linewidth=0.8)
            axis.annotate("chance", (1, 0), xycoords=("axes fraction", "data"),
                          va="bottom", ha="right", color=NEUTRAL)  # fmt: skip
        if k > 1:
            axis.axvline(k, color=NEGATIVE, linestyle="--", linewidth=1)
            axis.margins(y=0.14)  # room for the words above the curve
            axis.annotate(f" k = {k}", (k, axis.get_ylim()[1]), va="top", color=NEGATIVE)
    return figure


@styled
def above(values: pd.Series, bound: float, title: str, xlabel: str) -> Figure:
    """Bars of named values from 0 to 1 beside the `bound` that they must reach; red below it."""
    figure, (axis,) = grid(1, 1, (6, 0.9 + 0.3 * len(values)))
    colors = [ACCENT if value >= bound else NEGATIVE for value in values]
    drawn = axis.barh(values.index.astype(str), values, color=colors, height=0.7)
    axis.bar_label(drawn, fmt="%.2f", padding=3)
    axis.axvline(bound, color=NEGATIVE, linestyle="--", linewidth=1)
    axis.annotate(f" bound {bound:g}", (bound, 1), xycoords=("data", "axes fraction"),
                  va="bottom", color=NEGATIVE)  # fmt: skip
    axis.grid(visible=False, axis="y")
    axis.invert_yaxis()
    axis.set(xlabel=xlabel, xlim=(0, 1.1))
    figure.suptitle(title, x=0.01, ha="left", size=11, weight="bold")
    return figure
