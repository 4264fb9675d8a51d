"""Figure of R-V loops: some of them, and where each cell of the array switched."""

from __future__ import annotations

import numpy as np

from labmtj.quantities import BoolArray, FloatArray
from labmtj.report import style
from labmtj.report.blocks import Figure, Source
from labmtj.report.canvas import Axes
from labmtj.report.contents import Contents
from labmtj.report.mapping import draw_map, maps, scale

_SHOWN = 6
"""loops in one panel; more hide each other"""


def loops_figure(contents: Contents, group: str) -> Figure:
    """Return some loops, and maps of the switching voltages of both directions."""
    switched = {name: contents.read(f"{group}/to_{name}_volts") for name in ("parallel", "antiparallel")}
    figure, (to_parallel, to_antiparallel, left) = maps(2, switched["parallel"].shape, plots=1)
    attrs = contents.attributes(group)
    shown = _loops(left, contents, group) if contents.has(f"{group}/ohms") else 0
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
    sources = [Source.of(group, f".to_{each}_volts.plot()", array=f"to_{each}_volts")
               for each in ("parallel", "antiparallel")]  # fmt: skip
    return Figure("R-V loops", text, alt, sources, style.svg(figure))


def _loops(axes: Axes, contents: Contents, group: str) -> int:
    """Draw loops of cells evenly taken from those that switched both ways; return how many."""
    volts, ohms, cells = (contents.read(f"{group}/{name}") for name in ("volts", "ohms", "cells"))
    switched = [contents.read(f"{group}/to_{name}_volts") for name in ("parallel", "antiparallel")]
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
