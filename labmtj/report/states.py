"""A map of states: P blue, AP sand, with a cross on every cell that differs from what was wanted."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from numpy.typing import NDArray

from labmtj.quantities import BoolArray
from labmtj.report import style
from labmtj.report.mapping import draw_map

_P, _AP, _WRONG = "#5B9BC8", "#F3E3C3", "#B00020"
_STATES = ListedColormap([_AP, _P])


def draw_states(axes: Axes, states: NDArray[Any], wrong: BoolArray, counted: BoolArray, title: str) -> None:
    """Draw states (rows, columns), 1 = P; crosses are grey, and cells faint, where cells are not `counted`."""
    draw_map(axes, states, title, cmap=_STATES, vmin=0, vmax=1, alpha=np.where(counted, 1.0, 0.45))
    for chosen, colour in ((wrong & ~counted, style.GREY), (wrong & counted, _WRONG)):
        rows, columns = np.nonzero(chosen)
        axes.plot(columns, rows, "x", color=colour, markersize=6, markeredgewidth=1.8)


def states_key(axes: Axes) -> None:
    """Say at the right of a map what its colours and crosses mean."""
    for height, marker, colour, name in ((0.95, "s", _P, "P"), (0.84, "s", _AP, "AP"), (0.73, "x", _WRONG, "wrong")):
        how: dict[str, Any] = {"transform": axes.transAxes, "clip_on": False}
        axes.plot(
            1.06, height, marker, color=colour, markersize=5.5, markeredgewidth=1.5 if marker == "x" else 0, **how
        )
        axes.text(1.1, height, name, va="center", fontsize=7.5, **how)
