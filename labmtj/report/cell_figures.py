"""Figures of what single cells did: switching curves and their law, write errors, disturb, noise, endurance."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from labmtj.quantities import FloatArray
from labmtj.report import style
from labmtj.report.blocks import Figure, Source
from labmtj.report.contents import Contents
from labmtj.report.lost import exposures_of, lost_of

_TOWARDS = (("to P", style.PARALLEL), ("to AP", style.ANTIPARALLEL))
_BINS = 12
_KINDS = {"half": "V/2", "third": "V/3", "third_rest": "−V/3"}
_DASHES = ("-", (0, (5, 2)), ":")
EXCLUDED = 1.92
"""fall of the log likelihood that excludes at 95 %"""


def switching_figure(contents: Contents, group: str) -> Figure:
    """Return S-curves of one cell, V50 of all cells against width, and the ridge of Delta and Vc0."""
    figure, (curves, medians, ridge) = style.canvas(3, height=3.0, widths=(1.25, 1, 1))
    found = {name: contents.read(f"{group}/{name}") for name in contents.tree[group] if name != "trials"}
    cell = found["cells"][0]
    _curves(curves, contents, group, found)
    for direction, (name, colour) in enumerate(_TOWARDS):
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
    for direction, (_, colour) in enumerate(_TOWARDS):
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


def write_errors_figure(contents: Contents, group: str) -> Figure:
    """Return the error rate of each cell, and of all together, against amplitude."""
    figure, (axes,) = style.canvas(1, height=2.7, right=0.6)
    volts, rate = contents.read(f"{group}/volts"), contents.read(f"{group}/rate")
    pooled, low, high = (contents.read(f"{group}/pooled_{name}") for name in ("rate", "low", "high"))
    for direction, (name, colour) in enumerate(_TOWARDS):
        axes.plot(
            volts, np.where(rate[direction] > 0, rate[direction], np.nan).T, color=colour, alpha=0.25, linewidth=0.7
        )
        _intervals(axes, volts, pooled[direction], low[direction], high[direction], colour, "-", name)
    axes.set(xlabel="amplitude (V)", ylabel="write error rate")
    style.log_axis(axes, "y", highest=1.0)
    axes.legend()
    text = (
        "Lines: each cell; points: mean over the cells tested, with 95 % intervals. An arrow is an upper limit: no "
        "error was seen. Other cells of the family may differ: family_low and family_high hold the interval for them."
    )
    source = Source.of(group, ".pooled_rate.plot()", array="pooled_rate")
    return Figure("Write errors", text, "Error rate falling with amplitude.", (source,), style.svg(figure))


def disturb_figure(contents: Contents, group: str) -> Figure:
    """Return the fraction of half-selected cells lost against amplitude."""
    figure, panels = style.canvas(2, height=2.7)
    volts = contents.read(f"{group}/volts")
    kinds = [str(kind) for kind in contents.read(f"{group}/kind").astype(str)]
    lost, exposures = lost_of(contents, group), exposures_of(contents, group)
    for direction, (axes, (name, colour)) in enumerate(zip(panels, _TOWARDS, strict=True)):
        for number, kind in enumerate(kinds):
            place = number, direction
            _intervals(
                axes,
                volts,
                lost.value[place],
                lost.low[place],
                lost.high[place],
                colour,
                _DASHES[number % 3],
                _KINDS.get(kind, kind),
            )
        axes.set(xlabel="amplitude at the selected cell (V)", title=f"half-selected cells lost {name}")
        style.log_axis(axes, "y", highest=1.0)
        axes.legend()
    panels[0].set_ylabel(f"lost after {exposures:g} half-selects")
    text = (
        f"Fraction of half-selected cells that lost their state after {exposures:g} pulses in the polarity that does "
        "harm: mean over the family of cells, of which these are a sample, with 95 % intervals; an arrow is an upper "
        f"limit: no cell flipped. Cells differ: the mean probability per pulse lies between a {exposures:g}th of the "
        "fraction and the fraction itself."
    )
    name = "lost" if contents.has(f"{group}/lost") else "flipped"
    source = Source.of(group, f".{name}.plot()", array=name)
    return Figure("Half-select disturb", text, "Disturb rising with amplitude.", (source,), style.svg(figure))


def _intervals(
    axes: Axes,
    x: FloatArray,
    value: FloatArray,
    low: FloatArray,
    high: FloatArray,
    colour: str,
    dash: Any,
    name: str,
) -> None:
    """Draw points with their intervals on a logarithmic axis; an upper limit where nothing was counted."""
    seen = value > 0
    reach = np.abs(np.stack([value - low, high - value]))[:, seen]
    axes.errorbar(
        x[seen],
        value[seen],
        reach,
        color=colour,
        linestyle=dash,
        marker="o",
        markersize=3,
        linewidth=0.9,
        label=name,
    )
    limit = np.isfinite(value) & ~seen
    axes.plot(x[limit], high[limit], marker="v", linestyle="", color=colour, markersize=4, alpha=0.6)


def noise_figure(contents: Contents, group: str) -> Figure:
    """Return the spectra of all cells and the series of the cell that jumps most."""
    figure, (spectra, series) = style.canvas(2, height=2.7)
    telegraph = contents.read(f"{group}/telegraph").astype(bool)
    frequency, density = contents.read(f"{group}/frequency"), contents.read(f"{group}/density")
    spectra.plot(frequency, density[~telegraph].T, color=style.GREY, alpha=0.2, linewidth=0.5)
    if telegraph.any():
        spectra.plot(frequency, density[telegraph].T, color=style.RED, alpha=0.7, linewidth=0.8)
    for which in ("x", "y"):
        style.log_axis(spectra, which)
    spectra.set(xlabel="frequency (Hz)", ylabel="S / I² (1/Hz)", title="every cell")
    jump = np.where(telegraph, contents.read(f"{group}/jump"), 0.0)
    shown = int(np.argmax(jump)) if telegraph.any() else int(np.argmax(contents.read(f"{group}/rms")))
    cell, step = contents.read(f"{group}/cells")[shown], float(contents.attributes(group)["interval_seconds"])
    values = 100 * contents.read(f"{group}/series")[shown]
    series.plot(step * np.arange(len(values)), values, color=style.INK, linewidth=0.5)
    series.set(xlabel="time (s)", ylabel="current, relative (%)", title=f"cell ({cell[0]}, {cell[1]})")
    rate = float(contents.attributes(group)["false_alarm_rate"])
    text = (
        f"Left: spectra of {len(telegraph)} cells with the meter's noise, relative to the current; red: "
        f"{int(telegraph.sum())} that jump between two levels (false alarm rate {100 * rate:g} % per cell). Right: the "
        "cell with the highest jumps, or the noisiest."
    )
    source = Source.of(group, '.density.plot.line(x="frequency")', array="density")
    return Figure("Noise", text, "Spectra of the cells and a series in time.", (source,), style.svg(figure))


def endurance_figure(contents: Contents, group: str) -> Figure:
    """Return contrast and yield against cycles."""
    figure, (contrast, share) = style.canvas(2, height=2.5)
    cycles = contents.read(f"{group}/cycles")
    contrast.plot(cycles, 100 * contents.read(f"{group}/contrast"), linewidth=0.9)
    style.log_axis(contrast, "x")
    contrast.set(xlabel="write cycles", ylabel="(P − AP) / AP (%)", title="contrast, every cell")
    for direction, (name, colour) in enumerate(_TOWARDS):
        share.plot(cycles, 100 * contents.read(f"{group}/switched_fraction")[direction], color=colour, label=name)
        if contents.has(f"{group}/switched_low"):
            ends = (100 * contents.read(f"{group}/switched_{end}")[direction] for end in ("low", "high"))
            share.fill_between(cycles, *ends, color=colour, alpha=0.15, linewidth=0)
    style.log_axis(share, "x")
    share.set(xlabel="write cycles", title="whole cells that read as written")
    style.percent_axis(share, "cells")
    share.legend()
    broken = contents.read(f"{group}/broken_at")
    text = (
        f"{int((broken >= 0).sum())} of {len(broken)} cells broke down into a short; their lines end there. "
        "Right, with 95 % intervals: mean over the family of cells, of which these are a sample."
    )
    source = Source.of(group, ".contrast.plot()", array="contrast")
    return Figure("Endurance", text, "Contrast and yield against cycles.", (source,), style.svg(figure))
