"""What report and terminal say of R-V loops."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from labmtj.quantities import BoolArray, FloatArray
from labmtj.report import style
from labmtj.report.blocks import Figure, Source
from labmtj.report.contents import Group
from labmtj.report.digits import counted, percent, plural, spread_text
from labmtj.report.mapping import draw_map, maps, scale
from procedures.common.cell_section import OF_CELLS, TOWARDS, CellSection, Drawing, median

if TYPE_CHECKING:
    from labmtj.report.canvas import Axes


class HysteresisSection(CellSection):
    """What report and terminal say of groups of this kind."""

    title: ClassVar[str] = "R-V loops"
    places: ClassVar[Mapping[str, str]] = {"arrays/*/hysteresis": "to_parallel_volts"}

    def what(self, of: Group) -> str:  # noqa: ARG002 - the same for all
        """Return what the main figures are."""
        return f"Switching voltages, {OF_CELLS}"

    def figure_text(self, of: Group) -> str:
        """Return the main figures of one chip."""
        volts = [of[f"to_{name}_volts"] for name in ("parallel", "antiparallel")]
        both = int(np.isfinite(volts).all(axis=0).sum())
        taken = len(of["cells"]) if "cells" in of else volts[0].size
        parts = [f"{text} {spread_text(each, 'V', 3)}" for text, each in zip(TOWARDS, volts, strict=True)]
        return f"{', '.join(parts)}, {both} of {counted(taken)} cells both ways"

    def sentence(self, of: Group) -> str:
        """Return all that was found of one chip."""
        places = [of[f"to_{name}_volts"] for name in ("parallel", "antiparallel")]
        both = int(np.isfinite(places).all(axis=0).sum())
        taken = len(of["cells"]) if "cells" in of else 0
        values = {name: median(of[name]) for name in ("parallel_ohms", "tmr", "half_volts")}
        polarity = int(of.facts["polarity"])
        parts = [f"to P at {median(places[0]):.3f} V, to AP at {median(places[1]):.3f} V", f"polarity {polarity:+d}",
                 f"R between the lines {values['parallel_ohms']:.0f} ohm in P", f"TMR {percent(values['tmr'])} %",
                 f"V_h {values['half_volts']:.2f} V"]  # fmt: skip
        left = int(of.facts.get("left_their_state", 0))
        stay = f", {left} do not stay in their states while read" if left else ""
        return f"loops of {taken} cells, {both} switch both ways{stay}; medians: {', '.join(parts)}"

    def drawings(self) -> list[Drawing]:
        """Return what draws one chip."""
        return [loops_figure]

    def cautions(self, of: Group) -> Iterator[str]:
        """Yield the results that lie at the edge of their scan."""
        if "volts" not in of:
            return
        first = np.abs(of["volts"]).min()
        switched = [np.abs(of[f"to_{state}_volts"]) for state in ("parallel", "antiparallel")]
        if count := int((np.array(switched) <= first * (1 + 1e-9)).sum()):
            yield f"{plural(count, 'switching voltage')} at the first step of the staircase, {first:.3g} V, or below it"


_SHOWN = 6
"""loops in one panel; more hide each other"""


def loops_figure(of: Group) -> Figure:
    """Return some loops, and maps of the switching voltages of both directions."""
    switched = {name: of[f"to_{name}_volts"] for name in ("parallel", "antiparallel")}
    figure, (to_parallel, to_antiparallel, left) = maps(2, switched["parallel"].shape, plots=1)
    attrs = of.facts
    shown = _loops(left, of) if "ohms" in of else 0
    left.set(xlabel="pulse (V)", ylabel="read after it (kΩ)", title="loops")
    _map(to_parallel, switched["parallel"], "switches to P")
    _map(to_antiparallel, switched["antiparallel"], "switches to AP")
    text = (
        f"Right: {shown} of the cells, read at {float(attrs['read_volts']):g} V after each pulse of "
        f"{float(attrs['pulse_seconds']):g} s; a cell gets no more pulses of a sign that has switched it, unless loops "
        f"are whole. Left: amplitude that switched each cell, row minus column; the pulse before, "
        f"{float(attrs['step_volts']):g} V weaker, did not. Grey: not switched up to {float(attrs['stop_volts']):g} V, "
        "or not asked for. Voltages are between the ends of the lines, of which the wires take a part."
    )
    alt = "Resistance against pulse voltage of some cells; two maps of switching voltages."
    sources = [Source.of(of.path, f".to_{each}_volts.plot()", array=f"to_{each}_volts")
               for each in ("parallel", "antiparallel")]  # fmt: skip
    return Figure("R-V loops", text, alt, sources, style.svg(figure))


def _loops(axes: Axes, of: Group) -> int:
    """Draw loops of cells evenly taken from those that switched both ways; return how many."""
    volts, ohms, cells = (of[name] for name in ("volts", "ohms", "cells"))
    switched = [of[f"to_{name}_volts"] for name in ("parallel", "antiparallel")]
    told: BoolArray = np.isfinite(switched[0] + switched[1])
    both = np.flatnonzero(told[tuple(cells.T)])
    chosen = np.unique(both[np.linspace(0, len(both) - 1, _SHOWN).round().astype(int)]) if len(both) else both
    for number, (colour, marker) in zip(chosen, style.looks(len(chosen)), strict=True):
        read = np.isfinite(ohms[number])
        label = f"({cells[number, 0]}, {cells[number, 1]})"
        axes.plot(
            volts[read],
            1e-3 * ohms[number, read],
            color=colour,
            marker=marker,
            markersize=2,
            linewidth=0.8,
            label=label,
        )
    if len(chosen):
        axes.legend(loc="center left", fontsize=7)
    return len(chosen)


def _map(axes: Axes, volts: FloatArray, title: str) -> None:
    scale(draw_map(axes, np.ma.masked_invalid(volts), title, cmap="cividis"), "V")
    axes.set_facecolor(style.PALE)
