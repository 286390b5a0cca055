"""The pipeline as a figure: nine stages with their inputs and outputs."""

from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from customer_profiles.project.charts import ACCENT, Drawing, styled

INK, TITLE, PALE, BAND, RIM = "#1d2733", "#6b7480", "#dbe7f2", "#f5f7f9", "#b9c3cd"
# In inches: between columns, from the top to the middle of each row, and the size of a box.
COLUMN, ROW, BOX = 1.36, (0.66, 1.46, 2.6, 3.74), (1.12, 0.56)
WIDTH, HEIGHT, MARGIN = 9.8, 4.2, 0.1
# Column and row of each stage, in the order of the pipeline, and its task.
STAGES = {
    "fetch": (1, 0, "clean and split"),
    "encoder": (1, 1, "make ready"),
    "finetune": (3, 0, "fine-tune BERT"),
    "evaluate": (5, 0, "with intervals"),
    "pull": (1, 2, "look through"),
    "score": (3, 2, "text falls away"),
    "load": (5, 2, "update, create"),
    "cluster": (5, 3, "test stability"),
    "publish": (3, 3, "if proven private"),
}
# Column and row of each input or output, and its name.
DATA = {
    "Sentiment140": (0, 0, "Sentiment140\nor sample"),
    "sets": (2, 0, "train, test,\nvalidation"),
    "model": (4, 0, "sentiment\nmodel"),
    "metrics": (6, 0, "metrics,\nMLflow"),
    "hub": (0, 1, "TF Hub\nor wheel"),
    "BERT": (2, 1, "BERT and its\npreprocessing"),
    "decision": (5, 1, "decision:\nthree classes"),
    "pages": (0, 2, "pages of\nthe X API"),
    "manifest": (2, 2, "manifest"),
    "observations": (4, 2, "observations"),
    "profiles": (6, 2, "profiles in\nMongoDB"),
    "segments": (4, 3, "segments"),
    "published": (2, 3, "publication\nin MongoDB"),
    "readers": (1, 3, "API, report"),
}
# First and last row of each band.
BANDS = {
    "THE MODEL: HOW A POST IS JUDGED": (0, 1),
    "THE POSTS: FROM PAGES TO PSEUDONYMOUS PROFILES": (2, 2),
    "THE SEGMENTS: WHAT ANYBODY MAY SEE": (3, 3),
}
LINES = (
    ("Sentiment140", "fetch", "sets", "finetune", "model", "evaluate", "metrics"),
    ("hub", "encoder", "BERT"),
    ("evaluate", "decision"),
    ("pages", "pull", "manifest", "score", "observations", "load", "profiles"),
    ("cluster", "segments", "publish", "published", "readers"),
)
# Corners of arrows from one row to another, as columns and rows.
BENDS = {
    ("BERT", "finetune"): ((3, 1),),
    ("model", "score"): ((4, 1.5), (3, 1.5)),
    ("decision", "score"): ((5, 1.5), (3, 1.5)),
    ("profiles", "cluster"): ((6, 3),),
}


@styled
def figure() -> Drawing:
    """The nine stages, numbered in the order of the pipeline, with their inputs and outputs."""
    made = Drawing((WIDTH, HEIGHT))
    axis = made.add_axes((0, 0, 1, 1))
    axis.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0))
    axis.axis("off")
    for title, (first, last) in BANDS.items():
        _band(axis, title, first, last)
    for line in LINES:
        for start, end in pairwise(line):
            _arrow(axis, start, end)
    for (start, end), corners in BENDS.items():
        _arrow(axis, start, end, corners)
    for column, row, label in DATA.values():
        _box(axis, (column, row), "white", RIM)
        axis.text(*_place(column, row), label, ha="center", va="center", color=INK, fontsize=9)
    for number, (name, (column, row, does)) in enumerate(STAGES.items(), 1):
        _box(axis, (column, row), PALE, ACCENT)
        x, y = _place(column, row)
        head = f"{number}  {name}"
        axis.text(x, y - 0.1, head, ha="center", va="center", weight="bold", color=ACCENT, size=10)
        axis.text(x, y + 0.12, does, ha="center", va="center", color=INK, fontsize=8)
    return made


def _place(column: float, row: float) -> tuple[float, float]:
    middle = WIDTH / 2 + (column - 3) * COLUMN
    return middle, float(np.interp(row, range(len(ROW)), ROW))


def _box(axis: Axes, at: tuple[int, int], fill: str, rim: str) -> None:
    (x, y), (width, height) = _place(*at), BOX
    corner = (x - width / 2, y - height / 2)
    style = "round,pad=0,rounding_size=0.08"
    axis.add_patch(
        FancyBboxPatch(corner, width, height, style, facecolor=fill, edgecolor=rim, zorder=2)
    )


def _band(axis: Axes, title: str, first: int, last: int) -> None:
    top, bottom = ROW[first] - 0.56, ROW[last] + 0.4
    size = (WIDTH - 2 * MARGIN, bottom - top)
    style = "round,pad=0,rounding_size=0.1"
    axis.add_patch(FancyBboxPatch((MARGIN, top), *size, style, facecolor=BAND, linewidth=0))
    axis.text(2 * MARGIN, top + 0.15, title, va="center", color=TITLE, size=7, weight="bold")


def _arrow(axis: Axes, start: str, end: str, corners: tuple = ()) -> None:
    """Draw an arrow between the rims of two boxes, via `corners`."""
    ends = [(STAGES | DATA)[name][:2] for name in (start, end)]
    points = [_place(*at) for at in (ends[0], *corners, ends[1])]
    points[0], points[-1] = _rim(points[0], points[1]), _rim(points[-1], points[-2])
    axis.plot(*zip(*points[:-1], strict=True), color=ACCENT, linewidth=1.2, zorder=1)
    arrow = {"arrowstyle": "-|>", "color": ACCENT, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
    axis.annotate("", points[-1], points[-2], arrowprops=arrow)


def _rim(middle: tuple[float, float], towards: tuple[float, float]) -> tuple[float, float]:
    """Point on a box's rim, on the line from its `middle` to a point beside, above or below."""
    (x, y), (there, height) = middle, towards
    if there == x:
        return x, y + (BOX[1] / 2 if height > y else -BOX[1] / 2)
    return x + (BOX[0] / 2 if there > x else -BOX[0] / 2), y
