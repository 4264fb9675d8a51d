"""Figures of switching probability."""

from __future__ import annotations

import numpy as np

from labmtj.quantities import FloatArray
from labmtj.report import style
from labmtj.report.blocks import Figure, Source
from labmtj.report.canvas import Axes
from labmtj.report.contents import Contents
from procedures.common.curves import TOWARDS

_BINS = 12


EXCLUDED = 1.92
"""fall of the log likelihood that excludes at 95 %"""


def switching_figure(contents: Contents, group: str) -> Figure:
    """Return S-curves of one cell, V50 of all cells against width, and the ridge of Delta and Vc0."""
    figure, (curves, medians, ridge) = style.canvas(3, height=3.0, widths=(1.25, 1, 1))
    found = {name: contents.read(f"{group}/{name}") for name in contents.tree[group] if name != "trials"}
    cell = found["cells"][0]
    _curves(curves, contents, group, found)
    for direction, (name, colour) in enumerate(TOWARDS):
        low, high = found["median_low_volts"][direction], found["median_high_volts"][direction]
        for number, volts in enumerate(found["median_volts"][direction]):
            reach = np.abs(np.stack([volts - low[number], high[number] - volts]))
            medians.errorbar(found["width"], volts, reach, color=colour, marker="o", markersize=2.5, linewidth=0.8)
        medians.plot([], [], color=colour, label=name)
        kept = found["ridge_fall"][direction, 0] < EXCLUDED
        delta, critical = found["ridge_stability"][direction, 0], found["ridge_critical_volts"][direction, 0]
        ridge.plot(critical, delta, color=style.PALE, linewidth=1)
        ridge.plot(critical[kept], delta[kept], color=colour, label=name)
        ridge.plot(
            found["critical_volts"][direction, 0], found["stability"][direction, 0], "o", color=colour, markersize=4
        )
    style.log_axis(medians, "x")
    medians.set(xlabel="pulse width (s)", ylabel="V50 (V)", title="median voltage, every cell")
    ridge.set(xlabel="Vc0 (V)", ylabel="Δ", title="what fits alike if τ0 is free")
    medians.legend()
    told = contents.attributes(group)
    text = (
        f"Left: fraction of the pulses that switched cell ({cell[0]}, {cell[1]}), and the fitted curves. Middle: V50 "
        f"with 95 % intervals; voltages are {_voltage(told)}. Right: Δ and Vc0 of that cell at τ0 = "
        f"{float(told['attempt_seconds']):g} s and exponent {told['assumed_exponent']} (points), both assumed; along "
        "the line other pairs fit as well with another τ0, coloured where 95 % do not exclude them. "
        f"Exponent, all cells together: to P {told['told'][0]}; to AP {told['told'][1]}."
    )
    alt = "Switching probability against voltage, V50 falling with the logarithm of the width, Delta against Vc0."
    source = Source.of(group, '.median_volts.plot.line(x="width")', array="median_volts")
    return Figure("Switching probability", text, alt, (source,), style.svg(figure))


def _voltage(told: dict[str, object]) -> str:
    if told.get("voltage") == "cell":
        return "across the cell"
    return "between the two lines of the cell, of which the wires take a part: a cell that conducts much bends the law"


def _curves(axes: Axes, contents: Contents, group: str, found: dict[str, FloatArray]) -> None:
    """Draw what the trials of the first cell gave, in bins of voltage, and its fitted curves."""
    trials = {
        name: contents.read(f"{group}/trials/{name}")
        for name in ("row", "column", "to_parallel", "width_seconds", "volts", "switched")
    }
    mine = (trials["row"] == found["cells"][0, 0]) & (trials["column"] == found["cells"][0, 1])
    for direction, (_, colour) in enumerate(TOWARDS):
        for number, width in enumerate(found["width"]):
            chosen = (
                mine & (trials["to_parallel"].astype(bool) == (direction == 0)) & (trials["width_seconds"] == width)
            )
            median, steep = found["median_volts"][direction, 0, number], found["efolds_per_volt"][direction, 0, number]
            if not chosen.any() or not np.isfinite(median * steep):
                continue
            volts, switched = trials["volts"][chosen], trials["switched"][chosen]
            for part in np.array_split(np.argsort(volts), _BINS):
                if len(part):
                    place, height = float(volts[part].mean()), float(switched[part].mean())
                    axes.plot(place, height, "o", color=colour, markersize=2.2, alpha=0.7)
            grid = median + np.linspace(-4, 2, 60) / steep
            axes.plot(grid, 1 - np.exp(-np.log(2) * np.exp(steep * (grid - median))), color=colour, linewidth=0.9)
    axes.set(xlabel="amplitude (V)", ylabel="switched", ylim=(-0.03, 1.03), title="one cell, every width")
