"""Figures of the notebooks, the report and MLflow: data in, a matplotlib Figure out.

What is not to be shown never comes here: groups of people that are too small are missing from the
data (see `privacy.groups`), and a missing value is drawn empty.
"""

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from customer_profiles.drawing import (
    ACCENT,
    CLASSES,
    NEGATIVE,
    NEUTRAL,
    cells,
    fitted,
    grid,
    ink,
    legend,
    name_days,
    styled,
)


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
def heat(table: pd.DataFrame, title: str, signed: bool = False, digits: int = 0) -> Figure:
    """`table` as coloured cells with their numbers, a missing one empty.

    Colours run from 0 to the largest number; with `signed` from red below 0 to blue above it.
    """
    width = max(2.2 + 0.75 * table.shape[1], 0.095 * len(title))
    figure, (axis,) = grid(1, 1, (width, 1.3 + 0.34 * table.shape[0]))
    values = table.to_numpy(dtype=float)
    most = float(np.nanmax(np.abs(values), initial=1e-9))
    texts = [["" if np.isnan(v) else f"{v:,.{digits}f}" for v in row] for row in values]
    limits = (-most, most) if signed else (0, most)
    cells(axis, values, texts, "RdBu" if signed else "Blues", limits)
    figure.suptitle(title, x=0.01, ha="left", size=11, weight="bold")
    axis.set(xlabel=table.columns.name or "", ylabel=table.index.name or "")
    turned = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"}
    long = any(len(str(name)) > 10 for name in table.columns)
    axis.set_xticks(range(table.shape[1]), table.columns, **(turned if long else {}))
    axis.set_yticks(range(table.shape[0]), table.index)
    return figure


@styled
def elbow(table: pd.DataFrame, k: int) -> Figure:
    """Inertia, silhouette and, where `table` has it, the gap over k, the chosen k marked.

    One segment (k = 1) is not on the curves, so not marked. With a column `holds`, what does not
    hold is drawn hollow.
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
    """Characters of the posts of each class, in steps of ten; what is longer counts as `longest`.

    Shares, not counts: the classes differ in size.
    """
    figure, (axis,) = grid(1, 1, (6, 2.8))
    steps = np.arange(0, longest + 11, 10)
    for name, color in CLASSES.items():
        held = values[classes == name].clip(upper=longest)
        if len(held):
            shares = np.histogram(held, steps)[0] / len(held)
            axis.stairs(shares, steps, color=color, linewidth=1.8, label=f"{name} ({len(held):,})")
    marks = range(0, longest + 1, 30)
    axis.set_xticks(marks, [*map(str, marks[:-1]), f"{longest}+"])
    axis.yaxis.set_major_formatter("{x:.0%}")
    axis.set(title=title, xlabel="characters", ylabel="share of the class")
    legend(axis)
    return figure


@styled
def stacked(table: pd.DataFrame, title: str, xlabel: str, ylabel: str = "posts") -> Figure:
    """Bars over the numbers of the index, evenly apart, with the classes (columns) piled up."""
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


@styled
def bars(values: pd.Series, title: str, xlabel: str = "", ylabel: str = "posts") -> Figure:
    """A bar for each entry; the index are days or names."""
    days = isinstance(values.index, pd.DatetimeIndex)
    figure, (axis,) = grid(1, 1, (8, 2.4) if days else (6, 2.6))
    axis.bar(values.index if days else values.index.astype(str), values, color=ACCENT, width=0.8)
    axis.grid(visible=False, axis="x")
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel)
    if days:
        name_days(axis)
    return figure


@styled
def above(values: pd.Series, bound: float, title: str, xlabel: str) -> Figure:
    """Named values from 0 to 1 beside the `bound` they must reach; red where they do not."""
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
def spread(fields: Mapping[str, pd.Series], total: int, title: str) -> Figure:
    """For each field the share of `total` in each of its bins, from low (light) to high (dark).

    `fields`: counts by the bins' names, missing where held back. The rest is hatched.
    """
    figure, (axis,) = grid(1, 1, (9, 0.9 + 0.47 * len(fields)))
    for row, counts in enumerate(fields.values()):
        start = 0.0
        shades = mpl.colormaps["Blues"](np.linspace(0.2, 0.9, len(counts)))
        for (name, count), shade in zip(counts.items(), shades, strict=True):
            if np.isnan(count):
                continue
            share = count / total
            axis.barh(row, share, left=start, color=shade, height=0.84)
            text = fitted(name, f"{share:.0%}", int(share / 0.0082))
            axis.text(start + share / 2, row, text, ha="center", va="center",
                      color=ink(shade), fontsize=7)  # fmt: skip
            start += share
        axis.barh(row, 1 - start, left=start, color="white", hatch="////", height=0.84)
    axis.grid(visible=False)
    axis.set_yticks(range(len(fields)), fields)
    axis.xaxis.set_major_formatter("{x:.0%}")
    axis.set(title=title, xlim=(0, 1), ylim=(len(fields) - 0.5, -0.5))
    return figure


@styled
def tradeoff(table: pd.DataFrame, chosen: str, nearby: pd.DataFrame, title: str) -> Figure:
    """Agreement over the share of people recognised, each option with its name.

    Columns option, linkage, agreement. The `chosen` one is marked; what is `nearby` are points.
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

    The `chosen` one is marked, and the `bound` that none may pass.
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
    axis.set(xlabel="people whose cell is held back", xlim=(0, most))
    figure.suptitle(title, x=0.01, ha="left", size=11, weight="bold")
    return figure


@styled
def histogram(values: np.ndarray, title: str, xlabel: str, bins: int = 20) -> Figure:
    """Distribution of `values`."""
    figure, (axis,) = grid(1, 1, (6, 2.6))
    axis.hist(values, bins=bins, color=ACCENT)
    axis.yaxis.set_major_formatter("{x:,.0f}")
    axis.set(title=title, xlabel=xlabel, ylabel="posts")
    return figure


@styled
def architecture(layers: list[tuple[str, str]]) -> Figure:
    """The model's layers (name, what comes out) from top to bottom."""
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
