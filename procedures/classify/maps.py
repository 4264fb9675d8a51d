"""Maps of an array: conductance and state of one solution; pulses and misses over all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from labmtj.quantities import BoolArray, FloatArray
from labmtj.report import style
from labmtj.report.blocks import Figure, Source
from labmtj.report.canvas import Axes, Rectangle
from labmtj.report.digits import percent, plural
from labmtj.report.mapping import draw_map, maps, scale
from labmtj.report.states import draw_states, states_key
from procedures.classify.station import StationRecord

_LETTERS = {1: "P", 2: "A", 3: "S", 4: "O", 6: "-"}
"""of the outcomes that the reference maps of a chip give to its cells: stuck P, stuck AP, short, open, not driven"""


def solution_maps(station: StationRecord) -> Figure:
    """Return conductance and state of the typical solution, both layers."""
    index = station.typical
    number = int(station.column("number")[index])
    figure, axes = maps(4, station.column("layer1_achieved").shape)
    read_volts = _verify_volts(station)
    wrong = 0
    for layer, (left, right) in ((1, axes[:2]), (2, axes[2:])):
        block = station.block(layer)
        siemens = station.column(f"layer{layer}_verify_amperes")[index] / read_volts
        _conductance(left, siemens, f"layer {layer}: conductance")
        errors = station.errors(layer)[index]
        inside = _inside(errors.shape, block)
        wrong += int((errors & inside).sum())
        draw_states(right, station.column(f"layer{layer}_achieved")[index], errors, inside, f"layer {layer}: state")
        states_key(right)
        for each in (left, right):
            _outline(each, block)
    axes[0].set_ylabel("row")
    text = (
        f"Solution {number}, of median accuracy. Conductance: current of the last verify read over {read_volts:g} "
        "V, as a meter at the end of the column sees it; lines in series make far cells look smaller, shorts run "
        f"off the scale. State: P blue, AP sand; × marks cells that differ from the target: {wrong} in the dashed "
        f"blocks (write fidelity {percent(station.fidelity[index])} %), and in grey those outside, which do not "
        "count."
    )
    table = f"{station.group}/solutions"
    sources = (
        Source.of(table, f".layer1_verify_amperes[{index}].plot()", array="layer1_verify_amperes"),
        Source.of(
            table, f".pipe(lambda d: d.layer1_achieved != d.layer1_target)[{index}].plot()", array="layer1_achieved"
        ),
    )
    alt = (
        f"Four maps of the cells, {station.label}: conductance and state against target for layers 1 and 2; "
        f"{wrong} wrong cells."
    )
    return Figure("One solution as written", text, alt, sources, style.svg(figure))


def history_maps(station: StationRecord) -> Figure:
    """Return where pulses went and where targets were missed, summed over solutions, both layers."""
    figure, axes = maps(4, station.column("layer1_achieved").shape)
    for layer, (left, right) in ((1, axes[:2]), (2, axes[2:])):
        attempts = station.column(f"layer{layer}_attempts").astype(float).mean(axis=0)
        missed = 100 * station.errors(layer).mean(axis=0)
        highest = max(float(np.percentile(attempts, 98)), 0.1)
        pulses = draw_map(left, attempts, f"layer {layer}: write pulses", cmap="cividis", vmin=0, vmax=highest)
        scale(pulses, "per solution", extend="max")
        highest = max(5.0, float(missed.max()))
        scale(draw_map(right, missed, f"layer {layer}: misses", cmap="magma_r", vmin=0, vmax=highest), "solutions (%)")
        _letters(right, station.contents.read(f"arrays/{station.chip(layer)}/reference/outcome"))
        for each in (left, right):
            _outline(each, station.block(layer))
    axes[0].set_ylabel("row")
    text = (
        f"Over {plural(station.count, 'solution')}. Left of each pair: write pulses that selected the cell. Right: "
        "how often the state differed from the target. Letters are what the reference reads found before the first "
        "solution: P and A stuck in P or AP, S shorted, O open; such a cell is not pulsed and misses whenever the "
        "target is the other state."
    )
    table = f"{station.group}/solutions"
    sources = (
        Source.of(table, '.layer1_attempts.mean("solution").plot()', array="layer1_attempts"),
        Source.of(f"arrays/{station.chip(1)}/reference", ".outcome.plot()", array="outcome"),
    )
    alt = f"Four maps of the cells, {station.label}: mean write pulses and share of missed targets for layers 1 and 2."
    return Figure("Where the pulses went, and which cells will not write", text, alt, sources, style.svg(figure))


def conductance_and_state(left: Axes, right: Axes, station: StationRecord) -> None:
    """Draw layer 1 of the typical solution into two panels."""
    index, block = station.typical, station.block(1)
    _conductance(left, station.column("layer1_verify_amperes")[index] / _verify_volts(station), "conductance")
    errors = station.errors(1)[index]
    draw_states(right, station.column("layer1_achieved")[index], errors, _inside(errors.shape, block), "state")
    for each in (left, right):
        _outline(each, block)


def _verify_volts(station: StationRecord) -> float:
    volts = station.contents.setting("settings", "write", "read_volts")
    if not isinstance(volts, int | float):
        volts = station.contents.attributes(f"arrays/{station.chip(1)}/reference").get("read_volts")
    return float(volts) if isinstance(volts, int | float) and volts else float("nan")


def _conductance(axes: Axes, siemens: FloatArray, title: str) -> None:
    micro = 1e6 * np.asarray(siemens, float)
    # shorts are ten times off: the scale ends above the P cells of the array, not at its largest value
    highest = 1.15 * float(np.nanpercentile(micro, 97))
    scale(draw_map(axes, micro, title, cmap="viridis", vmin=0, vmax=highest), "µS", extend="max")


def _outline(axes: Axes, block: tuple[slice, slice]) -> None:
    rows, columns = block
    corner = (columns.start - 0.5, rows.start - 0.5)
    size = (columns.stop - columns.start, rows.stop - rows.start)
    axes.add_patch(
        Rectangle(corner, *size, fill=False, edgecolor="black", linewidth=1.1, linestyle=(0, (3, 2)), clip_on=False)
    )


def _letters(axes: Axes, outcome: NDArray[Any]) -> None:
    for row, column in np.argwhere(outcome > 0):
        letter = _LETTERS.get(int(outcome[row, column]), "?")
        box = {"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
        axes.text(column, row, letter, ha="center", va="center", fontsize=6.5, fontweight="bold", bbox=box)


def _inside(shape: tuple[int, ...], block: tuple[slice, slice]) -> BoolArray:
    inside = np.zeros(shape, bool)
    inside[block] = True
    return inside
