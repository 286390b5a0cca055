"""Figures of the notebooks, the report and MLflow: data in, a matplotlib Figure out."""

import io

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

NEGATIVE, NEUTRAL, POSITIVE, ACCENT = "#c2412d", "#8a8f98", "#2f7d4f", "#2b5c8a"
STYLE = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.grid": True,
    "grid.color": "#e4e6ea",
    "axes.axisbelow": True,
    "font.size": 9,
    "figure.dpi": 110,
    "svg.hashsalt": "customer-profiles",  # the same figure gives the same bytes
}


@mpl.rc_context(STYLE)
def learning_curves(curves: pd.DataFrame) -> Figure:
    """Accuracy and loss by epoch, training and validation side by side."""
    figure, axes = _figure(1, 2, (8, 3))
    for axis, name in zip(axes, ("accuracy", "loss"), strict=True):
        axis.plot(curves["epoch"], curves[name], "o-", color=NEUTRAL, label="training")
        axis.plot(curves["epoch"], curves[f"val_{name}"], "o-", color=ACCENT, label="validation")
        axis.set(title=name.capitalize(), xlabel="epoch")
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.legend(frameon=False)
    return figure


@mpl.rc_context(STYLE)
def confusion(counts: np.ndarray, classes: tuple[str, ...]) -> Figure:
    """Confusion matrix: counts, shaded by the share of their true class."""
    figure, (axis,) = _figure(1, 1, (4, 3.4))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axis.grid(visible=False)
    for (row, column), count in np.ndenumerate(counts):
        color = "white" if shares[row, column] > 0.5 else "black"
        axis.text(column, row, f"{count}", ha="center", va="center", color=color)
    places = range(len(classes))
    axis.set(title="Confusion", xlabel="predicted", ylabel="true")
    axis.set_xticks(places, classes)
    axis.set_yticks(places, classes)
    return figure


@mpl.rc_context(STYLE)
def elbow(table: pd.DataFrame, k: int) -> Figure:
    """Inertia and silhouette over k, the chosen k marked."""
    figure, axes = _figure(1, 2, (8, 3))
    for axis, name in zip(axes, ("inertia", "silhouette"), strict=True):
        axis.plot(table["k"], table[name], "o-", color=ACCENT)
        axis.axvline(k, color=NEGATIVE, linestyle="--", linewidth=1)
        axis.set(title=name.capitalize(), xlabel="clusters k")
        axis.xaxis.get_major_locator().set_params(integer=True)
    axes[0].annotate(f" k = {k}", (k, axes[0].get_ylim()[1]), va="top", color=NEGATIVE)
    return figure


@mpl.rc_context(STYLE)
def mood(days: pd.DataFrame) -> Figure:
    """Posts a day as bars, their average polarity as a line (columns day, posts, avg_polarity)."""
    figure, axes = _figure(2, 1, (8, 3.6), sharex=True)
    day = pd.to_datetime(days["day"])
    axes[0].plot(day, days["avg_polarity"], color=ACCENT)
    axes[0].axhline(0.5, color=NEUTRAL, linewidth=0.8)
    axes[0].set(title="Average polarity (0 negative, 1 positive)", ylim=(0, 1))
    axes[1].bar(day, days["posts"], color=NEUTRAL, width=0.8)
    axes[1].set(title="Posts a day")
    figure.autofmt_xdate()
    return figure


@mpl.rc_context(STYLE)
def shares(labels: pd.Series, title: str) -> Figure:
    """How often each class occurs."""
    figure, (axis,) = _figure(1, 1, (4.5, 2.4))
    colors = {"negative": NEGATIVE, "neutral": NEUTRAL, "positive": POSITIVE}
    counts = labels.value_counts().reindex([name for name in colors if name in set(labels)])
    axis.barh(counts.index, counts, color=[colors[name] for name in counts.index])
    axis.set(title=title, xlabel="posts")
    return figure


@mpl.rc_context(STYLE)
def histogram(values: np.ndarray, title: str, xlabel: str, bins: int = 20) -> Figure:
    """Distribution of `values`."""
    figure, (axis,) = _figure(1, 1, (4.5, 2.4))
    axis.hist(values, bins=bins, color=ACCENT)
    axis.set(title=title, xlabel=xlabel)
    return figure


@mpl.rc_context(STYLE)
def reliability(table: pd.DataFrame) -> Figure:
    """Share of positive posts against polarity, per bin (columns polarity, positive, posts)."""
    figure, (axis,) = _figure(1, 1, (3.6, 3.2))
    axis.plot([0, 1], [0, 1], color=NEUTRAL, linewidth=1)
    axis.plot(table["polarity"], table["positive"], "o-", color=ACCENT)
    axis.set(title="Reliability", xlabel="polarity", ylabel="share positive")
    return figure


@mpl.rc_context(STYLE)
def architecture(layers: list[tuple[str, str]]) -> Figure:
    """The model's layers (name, what comes out) from top to bottom."""
    figure, (axis,) = _figure(1, 1, (5, 0.75 * len(layers) + 0.3))
    axis.set(xlim=(0, 1), ylim=(-len(layers) + 0.4, 0.6))
    axis.axis("off")
    box = {"boxstyle": "round,pad=0.5", "facecolor": "#eef3f8", "edgecolor": ACCENT}
    for row, (name, shape) in enumerate(layers):
        axis.text(0.5, -row, f"{name}\n{shape}", ha="center", va="center", bbox=box)
        if row:
            arrow = {"arrowstyle": "->", "color": ACCENT}
            axis.annotate("", (0.5, -row + 0.28), (0.5, -row + 0.72), arrowprops=arrow)
    return figure


@mpl.rc_context(STYLE)
def svg(figure: Figure) -> str:
    """`figure` as SVG text without a date, to put into a page."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def _figure(rows: int, columns: int, size: tuple[float, float], **options):
    # Not pyplot: it keeps every figure alive and shows some twice in a notebook.
    figure = Figure(size, layout="constrained")
    return figure, np.ravel(figure.subplots(rows, columns, **options))
