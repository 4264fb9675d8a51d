"""Read and write windows of a chip: between the reads of its states, and between too low and too high write voltage."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from labmtj.errors import DataError
from labmtj.quantities import FloatArray
from labmtj.report import style
from labmtj.report.blocks import Figure, Source
from labmtj.report.canvas import Axes
from labmtj.report.contents import Contents

_DASHES = ("-", (0, (5, 2)), ":", "-.")


def windows(contents: Contents, label: str, chips: list[str], verify: Callable[[Axes], str] | None = None) -> Figure:
    """Return read currents of both states, the same against each cell's threshold, and the amplitude scan.

    Raises:
        DataError: if the file holds no reference maps of the chips.
    """
    if not (present := [chip for chip in chips if contents.has(f"arrays/{chip}/reference/parallel_amperes")]):
        raise DataError(f"there are no reference maps of {', '.join(chips)} yet")
    scanned = [chip for chip in present if contents.has(f"arrays/{chip}/amplitude/volts")]
    figure, (raw, own, *scan) = style.canvas(3 if scanned else 2, height=2.9, left=0.055, wspace=0.25)
    high, low, threshold, usable = (
        np.concatenate(each) for each in zip(*(_maps(contents, chip) for chip in present), strict=True)
    )
    _histograms(raw, 1e6 * low[usable], 1e6 * high[usable])
    raw.set(xlabel="read current (µA)", title="as read")
    text = "Left: currents of all usable cells in the all-P and all-AP array. "
    if verify is not None:
        text += verify(own)
    else:
        text += _reference_panel(own, high - threshold, low - threshold, usable, float(np.median((high - low)[usable])))
    text += _amplitudes(contents, scan[0], scanned) if scanned else "The amplitudes were not scanned."
    path = f"arrays/{present[0]}"
    sources = [Source.of(f"{path}/reference", ".parallel_amperes.plot.hist()", array="parallel_amperes")]
    if contents.has(f"{path}/amplitude/volts"):
        sources.append(Source.of(f"{path}/amplitude", ".parallel_fidelity.plot()", array="parallel_fidelity"))
    alt = f"{label}: histograms of read currents in P and AP, and of the same relative to each cell's threshold"
    alt += "; fidelity against write amplitude." if scanned else "."
    return Figure("Read window and write window", text, alt, sources, style.svg(figure))


def _maps(contents: Contents, chip: str) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    names = ("parallel_amperes", "antiparallel_amperes", "threshold_amperes")
    high, low, threshold = (contents.read(f"arrays/{chip}/reference/{name}").ravel() for name in names)
    return high, low, threshold, contents.read(f"arrays/{chip}/reference/outcome").ravel() == 0


def _histograms(axes: Axes, low: FloatArray, high: FloatArray, *, bins: int = 50) -> None:
    both = np.concatenate([low, high])
    edges = np.linspace(float(both.min()), float(both.max()), bins).tolist()
    for values, colour, name in ((low, style.ANTIPARALLEL, "AP"), (high, style.PARALLEL, "P")):
        axes.hist(values, edges, color=colour, alpha=0.75, label=name, histtype="stepfilled")
        axes.text(
            float(np.median(values)),
            1.0,
            name,
            color=colour,
            fontweight="bold",
            ha="center",
            va="top",
            transform=axes.get_xaxis_transform(),
        )
    style.count_axis(axes, "cells")
    axes.margins(y=0.12)


def _reference_panel(axes: Axes, above: FloatArray, below: FloatArray, usable: FloatArray, step: float) -> str:
    """Draw the reference reads against the threshold of each cell."""
    _histograms(axes, below[usable] / step, above[usable] / step)
    threshold_axis(axes)
    return (
        "Middle: the same, relative to each cell's own threshold; the states are separated by "
        f"{separation(below[usable], above[usable])}. "
    )


def threshold_axis(axes: Axes) -> None:
    """Mark the threshold, and say what the axis is."""
    axes.axvline(0, color=style.INK, linewidth=0.9)
    axes.set(
        xlabel="(read current - own threshold) / own step".replace("-", "\u2212"), title="against each cell's threshold"
    )


def separation(low: FloatArray, high: FloatArray) -> str:
    """Return d', the distance of the means in units of the pooled standard deviation."""
    pooled = np.sqrt((low.var() + high.var()) / 2) if len(low) and len(high) else 0.0
    return f"d\u2032 = {(high.mean() - low.mean()) / pooled:.3g}" if pooled > 0 else "an unknown distance"


def _amplitudes(contents: Contents, axes: Axes, chips: list[str]) -> str:
    """Draw fidelity against amplitude of both directions, chip by chip, and the amplitudes that were used."""
    axes.set(xlabel="write amplitude (V)", title="amplitude scan")
    for number, chip in enumerate(chips[:4]):
        volts = contents.read(f"arrays/{chip}/amplitude/volts")
        chosen = contents.attributes(f"arrays/{chip}/reference")
        for state, colour, name in (
            ("parallel", style.PARALLEL, "to P"),
            ("antiparallel", style.ANTIPARALLEL, "to AP"),
        ):
            fidelity = 100 * contents.read(f"arrays/{chip}/amplitude/{state}_fidelity")
            label = f"{chip.rpartition('-')[2]} {name}"
            axes.plot(volts, fidelity, color=colour, linestyle=_DASHES[number], marker="o", markersize=2.5, label=label)
            used = chosen.get(f"{state}_volts")
            if isinstance(used, float):
                axes.axvline(used, color=colour, linewidth=0.9, linestyle=_DASHES[number], alpha=0.6)
    style.percent_axis(axes, "fidelity of one write")
    falls = contents.read(f"arrays/{chips[0]}/amplitude/parallel_fidelity")[-1] < 0.8
    axes.legend(handlelength=2, borderaxespad=0, loc="upper right" if falls else "upper left")
    return (
        "Right: a checkerboard written once at each amplitude; too little leaves selected cells, too much also "
        "flips half-selected ones. Upright lines: the amplitudes used, the middle of each plateau."
    )
