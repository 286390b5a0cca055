"""Style of the figures; equal figures give equal bytes."""

import io
import textwrap
from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

# Red and blue: distinguishable for people with red-green colour blindness.
NEGATIVE, NEUTRAL, POSITIVE, ACCENT = "#c2412d", "#a3a8b0", "#2f74b5", "#2b5c8a"
CLASSES = {"negative": NEGATIVE, "neutral": NEUTRAL, "positive": POSITIVE}
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
    "hatch.color": "#c4c8ce",
    "svg.hashsalt": "customer-profiles",  # otherwise the ids in an SVG are random
}
styled = mpl.rc_context(STYLE)


class Drawing(Figure):
    """A Figure that a notebook shows, and that looks the same wherever it is saved."""

    def savefig(self, *arguments, **options) -> None:
        with mpl.rc_context(STYLE):  # text sizes are resolved when the figure is saved
            super().savefig(*arguments, **options)

    def _repr_png_(self) -> bytes:
        # By itself Jupyter shows only pyplot's figures. Not as SVG: JupyterLab hides that in a
        # notebook that ran elsewhere.
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", metadata={"Software": None})
        return buffer.getvalue()


def grid(rows: int, columns: int, size: tuple[float, float], **options):
    """An empty Drawing of `size` inches and its axes (rows · columns,)."""
    # Not pyplot: it keeps every figure alive and shows some twice in a notebook.
    figure = Drawing(size, layout="constrained")
    return figure, np.ravel(figure.subplots(rows, columns, **options))


def cells(axis, values: np.ndarray, texts: list[list[str]], colors: str, limits: tuple) -> None:
    """Draw `values` (rows, columns) as coloured cells with their `texts`; NaN stays empty."""
    if not values.size:
        axis.text(0.5, 0.5, "nothing to show", ha="center", va="center")
        return
    image = axis.imshow(values, colors, aspect="auto", vmin=limits[0], vmax=limits[1])
    axis.grid(visible=False)
    for (row, column), value in np.ndenumerate(values):
        if not np.isnan(value):
            color = ink(image.cmap(image.norm(value)))
            axis.text(column, row, texts[row][column], ha="center", va="center", color=color)


def ink(background) -> str:
    """Black or white, whichever can be read on this colour (red, green, blue from 0 to 1)."""
    red, green, blue = background[:3]
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.55 else "black"


def fitted(name: str, share: str, width: int) -> str:
    """Label of a bar: `name` in at most two lines of `width` characters, `share` below.

    A part that does not fit is left out.
    """
    lines = textwrap.wrap(name, max(width, 1), break_long_words=False)
    if len(lines) > 2 or max(map(len, lines)) > width:
        lines = []
    return "\n".join([*lines, *([share] if len(share) < width else [])])


def legend(axis, **options) -> None:
    """Add a legend without a frame, if `axis` has labelled elements."""
    if axis.get_legend_handles_labels()[1]:
        axis.legend(frameon=False, **options)


def name_days(axis) -> None:
    """Format the days of the horizontal axis as short as possible, the year beside them."""
    locator = AutoDateLocator()
    axis.xaxis.set_major_locator(locator)
    offsets = ["", *["%Y"] * 5]  # by default it repeats the last month
    axis.xaxis.set_major_formatter(ConciseDateFormatter(locator, offset_formats=offsets))


def svg(figure: Figure) -> str:
    """`figure` as SVG text without a date, to put into a page."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


@styled
def heat(table: pd.DataFrame, title: str, signed: bool = False, digits: int = 0) -> Figure:
    """`table` as a heat map with its numbers; a missing value stays empty.

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
def bins_figure(fields: Mapping[str, pd.Series], total: int, title: str) -> Figure:
    """Stacked bars: each field's share of `total` by bin, from low (light) to high (dark).

    `fields`: counts by bin name, NaN where suppressed. The rest of a bar is hatched.
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
