"""Read maps: what every cell of a chip reads, how its readings scatter, and what the columns show at zero input."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from labmtj.quantities import FloatArray
from labmtj.report import style
from labmtj.report.blocks import Figure, Source
from labmtj.report.contents import Contents


def read_map_figure(contents: Contents, group: str) -> Figure:
    """Return conductance, relative scatter and zero-input currents of one map."""
    siemens, scatter, amperes = (contents.read(f"{group}/{name}") for name in ("siemens", "scatter_amperes", "amperes"))
    flagged = int((contents.read(f"{group}/flags") > 0).sum())
    volts = float(contents.attributes(group)["read_volts"])
    figure, (cells, noise) = style.squares(2)
    draw_map(figure, cells, 1e6 * siemens, "µS", "viridis", "conductance")
    with np.errstate(divide="ignore", invalid="ignore"):
        draw_map(figure, noise, 100 * scatter / np.abs(amperes), "%", "magma_r", "scatter of a reading")
    baseline = figure.add_axes((0.6, 0.19, 0.37, 0.68))
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


def draw_map(figure: Canvas, axes: Axes, values: FloatArray, label: str, colours: str, title: str) -> None:
    """Draw a value per cell; the scale ends a little above the usual ones, for shorts are many times off."""
    usual = values[np.isfinite(values)]
    highest = 1.15 * float(np.percentile(usual, 97)) if usual.size else 1.0
    image = axes.imshow(values, cmap=colours, vmin=0, vmax=highest)
    bar = figure.colorbar(image, cax=axes.inset_axes((1.03, 0.0, 0.05, 1.0)), extend="max")
    bar.set_label(label, fontsize=7.5, labelpad=2)
    bar.ax.tick_params(labelsize=7.5, length=2, pad=1.5)
    axes.set(xlabel="column", title=title)
    for axis, length in ((axes.xaxis, values.shape[1]), (axes.yaxis, values.shape[0])):
        axis.set_ticks(np.arange(0, length, 5 if length > 8 else 1))
