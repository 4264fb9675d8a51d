"""What report and terminal say of write errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from labmtj.report import style
from labmtj.report.blocks import Figure, Source
from labmtj.report.contents import Group
from labmtj.report.digits import chance
from procedures.common.cell_section import TOWARDS, CellSection, Drawing
from procedures.common.curves import LOOKS, draw_intervals


class WriteErrorsSection(CellSection):
    """What report and terminal say of groups of this kind."""

    title: ClassVar[str] = "Write errors"
    places: ClassVar[Mapping[str, str]] = {"arrays/*/write_errors": "pooled_rate"}

    def what(self, of: Group) -> str:  # noqa: ARG002 - the same for all
        """Return what the main figures are."""
        return "Lowest write error rate, mean over the cells tested (95 % interval)"

    def figure_text(self, of: Group) -> str:
        """Return the main figures of one chip."""
        volts, rates = of["volts"], _pooled(of)
        parts = []
        for direction, text in enumerate(TOWARDS):
            best = int(rates["high"][direction].argmin())
            rate, low, high = (float(rates[name][direction, best]) for name in ("rate", "low", "high"))
            value = f"below {high:.2g}" if rate == 0 else f"{rate:.2g} ({low:.2g} to {high:.2g})"
            parts.append(f"{text} {value} at {volts[best]:g} V")
        return ", ".join(parts)

    def sentence(self, of: Group) -> str:
        """Return all that was found of one chip."""
        volts, high = of["volts"], of["pooled_high"]
        family = of.get("family_high")
        best = high.argmin(axis=1)
        parts = []
        for d, text in enumerate(("to P", "to AP")):
            others = "" if family is None else f" (family: {chance(float(family[d, best[d]]))})"
            parts.append(f"{text} below {chance(float(high[d, best[d]]))}{others} at {volts[best[d]]:g} V")
        return f"write errors, mean over the cells tested, at 95 %: {', '.join(parts)}"

    def drawings(self) -> list[Drawing]:
        """Return what draws one chip."""
        return [write_errors_figure]


def _pooled(of: Group) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    return {name: of[f"pooled_{name}"] for name in ("rate", "low", "high")}


def write_errors_figure(of: Group) -> Figure:
    """Return the error rate of each cell, and of all together, against amplitude."""
    figure, (axes,) = style.canvas(1, height=2.7, right=0.6)
    volts, rate = of["volts"], of["rate"]
    pooled, low, high = (of[f"pooled_{name}"] for name in ("rate", "low", "high"))
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
    source = Source.of(of.path, ".pooled_rate.plot()", array="pooled_rate")
    return Figure("Write errors", text, "Error rate falling with amplitude.", (source,), style.svg(figure))
