"""How figures look and are shown: one style, and the same bytes for the same figure."""

import io
import textwrap

import matplotlib as mpl
import numpy as np
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

# Red and blue: told apart also by those who do not tell red from green.
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
    "svg.hashsalt": "customer-profiles",  # else the ids in an SVG are drawn anew each time
}
styled = mpl.rc_context(STYLE)


class Drawing(Figure):
    """A Figure that a notebook shows, and that looks the same wherever it is saved."""

    def savefig(self, *arguments, **options) -> None:
        with mpl.rc_context(STYLE):  # the sizes of texts are looked up only now
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
    """`values` (rows, columns) as coloured cells with their `texts`; NaN stays empty."""
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
    """`name` in at most two lines of `width` characters, `share` below; what fits of them."""
    lines = textwrap.wrap(name, max(width, 1), break_long_words=False)
    if len(lines) > 2 or max(map(len, lines)) > width:
        lines = []
    return "\n".join([*lines, *([share] if len(share) < width else [])])


def legend(axis, **options) -> None:
    """A legend without a frame, if there is anything to explain."""
    if axis.get_legend_handles_labels()[1]:
        axis.legend(frameon=False, **options)


def name_days(axis) -> None:
    """Days below the horizontal axis as short as they can be, the year beside them."""
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
