"""Points with intervals, as several figures draw them."""

from __future__ import annotations

from typing import Any

import numpy as np

from labmtj.quantities import FloatArray
from labmtj.report import style
from labmtj.report.canvas import Axes

LOOKS = (("to P", style.PARALLEL), ("to AP", style.ANTIPARALLEL))


def draw_intervals(
    axes: Axes, x: FloatArray, value: FloatArray, low: FloatArray, high: FloatArray, colour: str, dash: Any, name: str
) -> None:
    """Draw points with their intervals on a logarithmic axis; an upper limit where nothing was counted."""
    seen = value > 0
    reach = np.abs(np.stack([value - low, high - value]))[:, seen]
    axes.errorbar(
        x[seen], value[seen], reach, color=colour, linestyle=dash, marker="o", markersize=3, linewidth=0.9, label=name
    )
    limit = np.isfinite(value) & ~seen
    axes.plot(x[limit], high[limit], marker="v", linestyle="", color=colour, markersize=4, alpha=0.6)
