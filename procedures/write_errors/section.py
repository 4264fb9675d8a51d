"""What report and terminal say of write errors."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

import numpy as np

from labmtj.report import style
from labmtj.report.blocks import Block, Figure, Source, tried
from labmtj.report.contents import Contents
from labmtj.report.digits import chance
from procedures.common.cell_section import TOWARDS, CellSection
from procedures.common.curves import LOOKS, draw_intervals


class WriteErrorsSection(CellSection):
    """What is said of groups of this kind."""

    title: ClassVar[str] = "Write errors"
    places: ClassVar[Mapping[str, str]] = {"arrays/*/write_errors": "pooled_rate"}

    def what(self, group: str) -> str:  # noqa: ARG002 - the same for all
        """Return what the main figures are."""
        return "Lowest write error rate, mean over the cells tested (95 % interval)"

    def figure_text(self, group: str) -> str:
        """Return the main figures of one chip."""
        contents = self.contents
        volts, rates = contents.read(f"{group}/volts"), _pooled(contents, group)
        parts = []
        for direction, text in enumerate(TOWARDS):
            best = int(rates["high"][direction].argmin())
            rate, low, high = (float(rates[name][direction, best]) for name in ("rate", "low", "high"))
            value = f"below {high:.2g}" if rate == 0 else f"{rate:.2g} ({low:.2g} to {high:.2g})"
            parts.append(f"{text} {value} at {volts[best]:g} V")
        return ", ".join(parts)

    def sentence(self, group: str) -> str:
        """Return all that was found of one chip."""
        contents = self.contents
        volts, high = contents.read(f"{group}/volts"), contents.read(f"{group}/pooled_high")
        family = contents.read(f"{group}/family_high") if contents.has(f"{group}/family_high") else None
        best = high.argmin(axis=1)
        parts = []
        for d, text in enumerate(("to P", "to AP")):
            others = "" if family is None else f" (family: {chance(float(family[d, best[d]]))})"
            parts.append(f"{text} below {chance(float(high[d, best[d]]))}{others} at {volts[best[d]]:g} V")
        return f"write errors, mean over the cells tested, at 95 %: {', '.join(parts)}"

    def figures(self, group: str) -> list[Block]:
        """Return the figures and tables of one chip."""
        return [
            tried("Write errors", partial(write_errors_figure, self.contents, group)),
        ]


def _pooled(contents: Contents, group: str) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    return {name: contents.read(f"{group}/pooled_{name}") for name in ("rate", "low", "high")}


def write_errors_figure(contents: Contents, group: str) -> Figure:
    """Return the error rate of each cell, and of all together, against amplitude."""
    figure, (axes,) = style.canvas(1, height=2.7, right=0.6)
    volts, rate = contents.read(f"{group}/volts"), contents.read(f"{group}/rate")
    pooled, low, high = (contents.read(f"{group}/pooled_{name}") for name in ("rate", "low", "high"))
    for direction, (name, colour) in enumerate(LOOKS):
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
