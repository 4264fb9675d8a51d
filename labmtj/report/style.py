"""One look for all figures: colours that the colour-blind can distinguish, text that stays text, no decoration.

matplotlib is loaded by the first figure.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from labmtj.quantities import FloatArray

if TYPE_CHECKING:
    from labmtj.report.canvas import Axes, Canvas

# Okabe and Ito's palette
BLUE, ORANGE, GREEN, RED, SKY, PURPLE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7"
INK, GREY, PALE = "#222222", "#777777", "#DDDDDD"
PARALLEL, ANTIPARALLEL = BLUE, ORANGE
SIZES = (ORANGE, GREEN, BLUE, PURPLE, RED, SKY)
MARKERS = ("o", "s", "^", "D", "v", "P")
_LEAST_PERCENT, _ROOM = 2.0, 0.03
"""least length of an axis of percent; what lies above 100 % so that points there are whole, as a part of the length"""
_BESIDE_DECADES = 1.1
"""factor by which a logarithmic axis goes on beyond its ends, so that points there are whole"""

_RC: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titley": 1.0,  # fixed: searching for room above the axes takes a fifth of the time
    "axes.labelsize": 8.5,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.7,
    "axes.formatter.useoffset": False,  # "+1e2" next to an axis from -0.1 to 0.1 cannot be read off
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.4,
    "svg.fonttype": "none",  # text stays text: small, selectable, in the reader's own font
    "svg.hashsalt": "labmtj",  # the same data give the same bytes
    "savefig.facecolor": "white",
}


@contextmanager
def look() -> Iterator[None]:
    """Draw in the report's style, whatever a user's matplotlibrc says."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_RC)  # type: ignore[arg-type]  # its keys are literals
        yield


def canvas(
    panels: int, *, rows: int = 1, height: float = 2.9, widths: Sequence[float] | None = None, **margins: float
) -> tuple[Canvas, list[Axes]]:
    """Return a drawing of the width of the page with panels side by side; fixed margins, as fitting them is slow.

    With several rows, `height` is that of one, and the panels are returned row by row.
    """
    from labmtj.report.canvas import Canvas

    figure = Canvas(figsize=(10.0, rows * height))
    grid = {
        "left": 0.06, "right": 0.985, "bottom": 0.17 / rows, "top": 1 - 0.11 / rows, "wspace": 0.3, "hspace": 0.4,
        **margins,
    }  # fmt: skip
    axes = figure.subplots(rows, panels, squeeze=False, gridspec_kw={"width_ratios": widths, **grid})
    return figure, list(axes.ravel())


def square(figure: Canvas, left: float, bottom: float, side: float) -> Axes:
    """Return a square panel at a place given in inches."""
    width, height = figure.get_size_inches()
    return figure.add_axes((left / width, bottom / height, side / width, side / height))


def svg(figure: Canvas) -> bytes:
    """Return the drawing as SVG."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    FigureCanvasSVG(figure)
    file = io.BytesIO()
    figure.savefig(file, format="svg", dpi=150, metadata={"Date": None, "Creator": None})
    return file.getvalue()


def png(figure: Canvas, dpi: int) -> bytes:
    """Return the drawing as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dpi, metadata={"Software": None})
    return file.getvalue()


def looks(count: int) -> list[tuple[str, str]]:
    """Return that many pairs of colour and marker."""
    return list(islice(zip(cycle(SIZES), cycle(MARKERS), strict=False), count))


def spread(count: int, *, step: float, phase: float) -> FloatArray:
    """Return offsets of less than half a step, always the same, that keep equal points from hiding each other."""
    golden = 0.6180339887498949
    return np.asarray(step * 0.8 * ((np.arange(count) * golden * (1 + phase) + phase) % 1 - 0.5))


def spread_fractions(fractions: FloatArray, *, step: float, phase: float) -> FloatArray:
    """Return fractions (n,) moved by `spread`; what would leave 0 to 1 is moved inwards by as much."""
    return np.asarray(1 - np.abs(1 - np.abs(fractions + spread(len(fractions), step=step, phase=phase))))


def percent_axis(axes: Axes, label: str, *, which: Literal["x", "y"] = "y", low: float | None = None) -> None:
    """Show an axis of percent, from `low`, or what the data need, to 100, with ticks at whole percents.

    Call it after drawing; the axis holds percent, not fractions.
    """
    from labmtj.report.canvas import PercentLocator

    limits = axes.get_ylim() if which == "y" else axes.get_xlim()
    bottom = min(limits[0] if low is None else low, 100 - _LEAST_PERCENT)
    shown = (bottom, 100 + _ROOM * (100 - bottom))
    if which == "y":
        axes.set(ylabel=f"{label} (%)", ylim=shown)
    else:
        axes.set(xlabel=f"{label} (%)", xlim=shown)
    (axes.yaxis if which == "y" else axes.xaxis).set_major_locator(PercentLocator())


def log_axis(axes: Axes, which: Literal["x", "y"], *, highest: float | None = None) -> None:
    """Show a logarithmic axis with at least two decades marked, up to `highest` if it is given.

    Call it after drawing: limits that hold one power of ten, or none, are widened to the nearest.
    """
    axes.set(**{f"{which}scale": "log"})
    low, high = np.log10(axes.get_ylim() if which == "y" else axes.get_xlim())
    high = high if highest is None else np.log10(highest)
    while np.floor(high) - np.ceil(low) < 1:
        below, above = np.ceil(low) - 1, np.floor(high) + 1
        if highest is not None or low - below <= above - high:
            low = below
        else:
            high = above
    axes.set(**{f"{which}lim": (10**low / _BESIDE_DECADES, 10**high * _BESIDE_DECADES)})


def count_axis(axes: Axes, label: str) -> None:
    """Show counts upwards, with ticks at whole numbers."""
    from labmtj.report.canvas import MaxNLocator

    axes.set_ylabel(label)
    axes.yaxis.set_major_locator(MaxNLocator(nbins="auto", integer=True, steps=[1, 2, 5, 10]))
