"""Figures of write errors."""

from __future__ import annotations

import numpy as np

from labmtj.report import style
from labmtj.report.blocks import Figure, Source
from labmtj.report.contents import Contents
from procedures.common.curves import TOWARDS, draw_intervals


def write_errors_figure(contents: Contents, group: str) -> Figure:
    """Return the error rate of each cell, and of all together, against amplitude."""
    figure, (axes,) = style.canvas(1, height=2.7, right=0.6)
    volts, rate = contents.read(f"{group}/volts"), contents.read(f"{group}/rate")
    pooled, low, high = (contents.read(f"{group}/pooled_{name}") for name in ("rate", "low", "high"))
    for direction, (name, colour) in enumerate(TOWARDS):
        axes.plot(
            volts, np.where(rate[direction] > 0, rate[direction], np.nan).T, color=colour, alpha=0.25, linewidth=0.7
        )
        draw_intervals(axes, volts, pooled[direction], low[direction], high[direction], colour, "-", name)
    axes.set(xlabel="amplitude (V)", ylabel="write error rate")
    style.log_axis(axes, "y", highest=1.0)
    axes.legend()
    text = (
        "Lines: each cell; points: mean over the cells tested, with 95 % intervals. An arrow is an upper limit: no "
        "error was seen. Other cells of the family may differ: family_low and family_high hold the interval for them."
    )
    source = Source.of(group, ".pooled_rate.plot()", array="pooled_rate")
    return Figure("Write errors", text, "Error rate falling with amplitude.", (source,), style.svg(figure))
