"""Figures of the evidence for segments: data in, a matplotlib Figure out."""

import pandas as pd
from matplotlib.figure import Figure

from customer_profiles.project.charts import ACCENT, NEGATIVE, NEUTRAL, grid, legend, styled


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


@styled
def tradeoff(table: pd.DataFrame, chosen: str, nearby: pd.DataFrame, title: str) -> Figure:
    """Agreement over the share of people recognised, each option with its name.

    Columns option, linkage, agreement. The `chosen` option is marked; the options in `nearby` are
    points.
    """
    figure, (axis,) = grid(1, 1, (8, 3.8))
    axis.plot(nearby["linkage"], nearby["agreement"], ".", color=NEUTRAL, markersize=5,
              label="two bins of the chosen ones merged")  # fmt: skip
    for row in table.itertuples():
        mine = row.option == chosen
        look = {"color": NEGATIVE, "weight": "bold"} if mine else {"color": ACCENT}
        axis.plot(row.linkage, row.agreement, "D" if mine else "o", color=look["color"])
        # To the left, where a coarser option lies lower; above, where "two digits" lies on "exact".
        above = mine or row.option == table["option"].iloc[0]
        place = {"xytext": (0, 8), "ha": "center"} if above else {"xytext": (-8, -3), "ha": "right"}
        at = row.linkage, row.agreement
        axis.annotate(row.option, at, textcoords="offset points", **place, **look)
    axis.set_xscale("log")
    axis.set_xticks(marks := [0.01, 0.03, 0.1, 0.3, 1], [f"{mark:.0%}" for mark in marks])
    axis.set_xticks([], minor=True)
    axis.margins(x=0.12, y=0.12)
    axis.set(title=title, xlabel="people recognised by what X shows of their account",
             ylabel="agreement with exact features")  # fmt: skip
    legend(axis, loc="lower right")
    return figure


@styled
def held_back(table: pd.DataFrame, chosen: str, bound: float, title: str) -> Figure:
    """Share of people in suppressed cells by option (columns option, suppressed, cells).

    The `chosen` option is marked, and the upper `bound` of the share.
    """
    figure, (axis,) = grid(1, 1, (9, 0.9 + 0.3 * len(table)))
    colors = [NEGATIVE if name == chosen else ACCENT for name in table["option"]]
    drawn = axis.barh(table["option"], table["suppressed"], color=colors, height=0.7)
    texts = [f"{row.suppressed:.1%}, {row.cells} cells shown" for row in table.itertuples()]
    axis.bar_label(drawn, texts, padding=3)
    axis.axvline(bound, color=NEGATIVE, linestyle="--", linewidth=1)
    axis.annotate(f" bound {bound:.0%}", (bound, 1), xycoords=("data", "axes fraction"),
                  va="bottom", color=NEGATIVE)  # fmt: skip
    axis.grid(visible=False, axis="y")
    axis.invert_yaxis()
    axis.xaxis.set_major_formatter("{x:.0%}")
    most = max(1.9 * table["suppressed"].max(), 1.2 * bound)
    axis.set(xlabel="authors in suppressed cells", xlim=(0, most))
    figure.suptitle(title, x=0.01, ha="left", size=11, weight="bold")
    return figure
