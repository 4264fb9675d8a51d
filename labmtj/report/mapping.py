"""Maps of an array of any shape: as many side by side as leave its cells large enough to see, with scale and ticks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from labmtj.report.canvas import Axes, AxesImage, Canvas

PAGE_INCHES = 10.0
_LEFT, _RIGHT, _BELOW, _ABOVE = 0.44, 0.30, 0.46, 0.31
"""inches around a map: for its row numbers, its scale, its column numbers, its title"""
_WIDEST = 9.68
_SMALLEST_CELL, _TALLEST = 0.1, 3.4
"""inches; a map of 15 x 15 cells with four side by side has cells of 0.112"""
_LARGEST_CELL = 0.45
_LOWEST_SCALE, _LOWEST_PLOT = 0.9, 1.68
_PLOT_LABEL = 0.5
_TICK_INCHES = 0.28
_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


def maps(count: int, shape: tuple[int, ...], *, plots: int = 0) -> tuple[Canvas, list[Axes]]:
    """Return a drawing with `count` panels for maps of (rows, columns) cells, then `plots` panels of the same height.

    Cells are squares. Four panels stand side by side; two, or one, where cells would be too small to see.
    """
    from labmtj.report.canvas import Canvas

    rows, columns = shape[-2:]
    across, cell = _layout(rows, columns)
    width, height = columns * cell, rows * cell
    pitch, total = _WIDEST / across, count + plots
    lowest = [_LOWEST_SCALE if (line + 1) * across <= count else _LOWEST_PLOT for line in range(-(-total // across))]
    inner = [max(height, least if total > count else _LOWEST_SCALE) for least in lowest]
    figure = Canvas(figsize=(PAGE_INCHES, sum(inner) + len(inner) * (_BELOW + _ABOVE)))
    axes = []
    for number in range(total):
        line = number // across
        left = _LEFT + pitch * (number % across)
        bottom = _BELOW + sum(inner[line + 1 :]) + (len(inner) - 1 - line) * (_BELOW + _ABOVE)
        if number < count:
            axes.append(_placed(figure, left, bottom + (inner[line] - height) / 2, width, height))
        else:
            left += _PLOT_LABEL
            right = PAGE_INCHES - 0.15 if number == total - 1 else left + pitch - _LEFT - _RIGHT - _PLOT_LABEL
            axes.append(_placed(figure, left, bottom, right - left, inner[line]))
    return figure, axes


def _layout(rows: int, columns: int) -> tuple[int, float]:
    """Return how many maps stand side by side, and the side of a cell in inches."""
    fitting = [
        (across, min((_WIDEST / across - _LEFT - _RIGHT) / columns, _TALLEST / rows, _LARGEST_CELL))
        for across in (4, 2, 1)
    ]
    return next((each for each in fitting if each[1] >= _SMALLEST_CELL), max(fitting, key=lambda each: each[1]))


def _placed(figure: Canvas, left: float, bottom: float, width: float, height: float) -> Axes:
    whole, high = figure.get_size_inches()
    return figure.add_axes((left / whole, bottom / high, width / whole, height / high))


def draw_map(axes: Axes, values: ArrayLike, title: str, **how: Any) -> AxesImage:
    """Draw a value per cell, (rows, columns), as `imshow` takes `how`; rows and columns are counted at its edges."""
    image = axes.imshow(values, interpolation="nearest", **how)
    axes.set_title(title)
    axes.set_xlabel("column", labelpad=2)
    axes.tick_params(length=2)
    axes.spines[:].set_visible(False)
    box = axes.get_position()
    size = _inches(axes)
    rows, columns = np.shape(values)[:2]
    for axis, length, inches in ((axes.xaxis, columns, box.width * size[0]), (axes.yaxis, rows, box.height * size[1])):
        axis.set_ticks(np.arange(0, length, _tick_step(length, inches)))
    return image


def _tick_step(length: int, inches: float) -> int:
    """Return the step of the numbers along an edge at which they do not touch."""
    wanted = _TICK_INCHES * length / max(inches, 1e-9)
    return next((step for step in _STEPS if step >= wanted), length)


def scale(image: AxesImage, label: str, **bar: Any) -> None:
    """Draw the scale of colours at the right of a map, high enough to be read however low the map is."""
    axes = image.axes
    box, (width, height) = axes.get_position(), _inches(axes)
    high = max(1.0, _LOWEST_SCALE / (box.height * height))
    across = 0.084 / (box.width * width)
    place = axes.inset_axes((1 + 0.6 * across, 0.5 - high / 2, across, high))
    shown = axes.figure.colorbar(image, cax=place, **bar)
    shown.outline.set_visible(False)
    shown.set_label(label, fontsize=7.5, labelpad=2)
    shown.ax.tick_params(labelsize=7.5, length=2, pad=1.5)


def _inches(axes: Axes) -> tuple[float, float]:
    figure = axes.get_figure(root=True)
    assert figure is not None
    width, height = figure.get_size_inches()
    return float(width), float(height)
