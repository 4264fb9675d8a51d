"""A map of states: the highest blue, the lowest sand, with a cross on every cell that differs from what was wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labmtj.quantities import BoolArray
from labmtj.report import style
from labmtj.report.mapping import draw_map

if TYPE_CHECKING:
    from labmtj.report.canvas import Axes

_HIGHEST, _LOWEST, _WRONG = "#5B9BC8", "#F3E3C3", "#B00020"
_BINARY = ("AP", "P")


def draw_states(
    axes: Axes, states: NDArray[Any], wrong: BoolArray, counted: BoolArray, title: str, names: Sequence[str] = _BINARY
) -> None:
    """Draw states (rows, columns) by number; crosses are grey, and cells faint, where cells are not `counted`."""
    from labmtj.report.canvas import ListedColormap

    colours, top = ListedColormap(_colours(len(names))), max(len(names) - 1, 1)
    draw_map(axes, states, title, cmap=colours, vmin=0, vmax=top, alpha=np.where(counted, 1.0, 0.45))
    for chosen, colour in ((wrong & ~counted, style.GREY), (wrong & counted, _WRONG)):
        rows, columns = np.nonzero(chosen)
        axes.plot(columns, rows, "x", color=colour, markersize=6, markeredgewidth=1.8)


def _colours(count: int) -> list[str]:
    """Return a colour for each state, from sand to blue."""
    from labmtj.report.canvas import LinearSegmentedColormap, to_hex

    ends = LinearSegmentedColormap.from_list("states", [_LOWEST, _HIGHEST])
    return [to_hex(ends(each)) for each in np.linspace(0.0, 1.0, count)]


def states_key(axes: Axes, names: Sequence[str] = _BINARY) -> None:
    """Say at the right of a map what its colours and crosses mean."""
    shown = [("s", colour, name) for colour, name in zip(_colours(len(names)), names, strict=True)][::-1]
    for number, (marker, colour, name) in enumerate([*shown, ("x", _WRONG, "wrong")]):
        height = 0.95 - 0.11 * number
        how: dict[str, Any] = {"transform": axes.transAxes, "clip_on": False}
        axes.plot(
            1.06, height, marker, color=colour, markersize=5.5, markeredgewidth=1.5 if marker == "x" else 0, **how
        )
        axes.text(1.1, height, name, va="center", fontsize=7.5, **how)
