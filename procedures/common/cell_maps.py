"""Read maps: what every cell of a chip reads, how its readings scatter, and what the columns show at zero input."""

from __future__ import annotations

import numpy as np

from labmtj.quantities import FloatArray
from labmtj.report import style
from labmtj.report.blocks import Figure, Source
from labmtj.report.canvas import Axes
from labmtj.report.contents import Contents
from labmtj.report.mapping import draw_map, maps, scale


def read_map_figure(contents: Contents, group: str) -> Figure:
    """Return conductance, relative scatter and zero-input currents of one map."""
    siemens, scatter, amperes = (contents.read(f"{group}/{name}") for name in ("siemens", "scatter_amperes", "amperes"))
    flagged = int((contents.read(f"{group}/flags") > 0).sum())
    volts = float(contents.attributes(group)["read_volts"])
    figure, (cells, noise, baseline) = maps(2, siemens.shape, plots=1)
    usual_map(cells, 1e6 * siemens, "µS", "viridis", "conductance")
    with np.errstate(divide="ignore", invalid="ignore"):
        usual_map(noise, 100 * scatter / np.abs(amperes), "%", "magma_r", "scatter of a reading")
    baseline.plot(1e9 * contents.read(f"{group}/baseline_amperes"), "o-", color=style.BLUE, markersize=3, linewidth=0.8)
    baseline.axhline(0, color=style.GREY, linewidth=0.7)
    baseline.set(xlabel="column", ylabel="nA", title="at zero input")
    text = (
        f"Left: read current at {volts:g} V over that voltage, wires included, mean of both polarities; white where "
        "the bench cannot drive. Middle: standard deviation of one reading in both polarities, over the current. "
        f"Right: current of each column with all sources at 0 V. {flagged} cells had a reading with a flag "
        "(compliance, overflow)."
    )
    alt = "Maps of conductance and scatter of all cells, and the zero-input current of every column."
    source = Source.of(group, ".siemens.plot()", array="siemens")
    return Figure(f"Read map of {group.removeprefix('arrays/')}", text, alt, (source,), style.svg(figure))


def usual_map(axes: Axes, values: FloatArray, label: str, colours: str, title: str) -> None:
    """Draw a value per cell; the scale ends a little above the usual ones, because shorts are many times off."""
    usual = values[np.isfinite(values)]
    highest = 1.15 * float(np.percentile(usual, 97)) if usual.size else 1.0
    scale(draw_map(axes, values, title, cmap=colours, vmin=0, vmax=highest), label, extend="max")
