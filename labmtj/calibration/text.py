"""What was calibrated and how well a twin predicts, for a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

import numpy as np

from labmtj.arrays import WireParameter
from labmtj.calibration.calibrate import GAIN_FRACTION, Calibration
from labmtj.calibration.observed import Observed
from labmtj.calibration.twin import ChipTwin, ComparedFigures, TwinResult
from labmtj.escaped import escaped
from labmtj.quantities import FloatArray
from labmtj.schema import Purpose

WIDTH = 80
MOST_TOLD = 12
"""cells or lines that are named; the rest is counted"""


def calibration_lines(found: Calibration) -> list[str]:
    """Return the fitted values with their uncertainty, and what stays assumed and why."""
    seen, cells, follows = found.observed, found.cells, found.decoded.follows
    lines = [f"chip {seen.chip}{f' ({seen.label})' if seen.label else ''} of run {seen.run}", ""]
    if found.misfit:
        lines += [*_wrapped(f"THE MODEL DOES NOT FIT: {found.misfit}. Errors are widened by what it misses"), ""]
    word = "estimated from" if found.misfit else "fitted to"
    lines += _wrapped(
        f"cells: {follows.sum()} of {follows.size} {word} {cells.reads} reads in {cells.networks} states; "
        f"R_P of the cell without wires {_around(cells.parallel_ohms[follows])} ohm, "
        f"TMR {_around(cells.tmr()[follows])} (median, quartiles); "
        f"standard error {np.median(cells.parallel_error[follows]):.2%} in P, "
        f"{np.median(cells.antiparallel_error[follows]):.2%} in AP, median. "
        f"The gain of the meter, common to all cells, adds {GAIN_FRACTION:.2%} (assumed)."
    )
    how = "as measured" if cells.cycle_measured else "assumed: no state was written often enough"
    lines += _wrapped(f"from one write to the next a resistance varies by {cells.cycle_to_cycle:.2%} ({how})")
    lines += _wrapped(cells.law)
    lines += _left_out(seen)
    if unread := int((~found.decoded.read).sum()):
        lines += _wrapped(f"{unread} cells were never read alone: they have the median of the others, and their spread")
    lines += _wrapped(found.polarity_summary)
    lines += _wrapped("defects: " + (_named(_defects(found)) or "none"))
    lines += ["", *_wire_lines(found), *_wrapped(found.gains.summary)]
    if found.offsets is None:
        lines += _wrapped("offsets: not determined; that takes reads at 0 V, or in both polarities")
    else:
        scales = ", ".join(f"{scale:g}" for scale in found.offsets.ranges)
        lines += _wrapped(f"offsets of sources and meters: from {found.offsets.reads} readings, ranges {scales} A")
    return [*lines, *_wrapped(found.switching_summary)]


def _left_out(seen: Observed) -> list[str]:
    text = f"{seen.left_out} shots were not used: those of the parts of the log with the fewest reads"
    return _wrapped(text) if seen.left_out else []


def _wire_lines(found: Calibration) -> Iterator[str]:
    errors = found.wires.errors()
    for name in type(found.description.wires).model_fields:
        value = getattr(found.description.wires, name)
        error = f"+- {errors[name]:.2g}" if name in errors else ""
        yield f"  {name:<22}{value.value:>10.4g} ohm  {error:<12}{value.provenance}{_apart(value)}"
    for text in found.wires.summary:
        yield from _wrapped(text)


def _apart(value: WireParameter) -> str:
    if value.by_line is None:
        return ""
    lines = [float(np.mean(line)) for line in value.by_line]
    return f", lines {min(lines):.3g} to {max(lines):.3g}"


def _defects(found: Calibration) -> list[str]:
    return [
        f"({each.row}, {each.column}) {each.kind.replace('_', ' ')}"
        + ("" if each.ohms is None else f" {each.ohms:.3g} ohm")
        for each in found.cells.defects
    ]


def twin_lines(result: TwinResult) -> list[str]:
    """Return predicted against measured: lines, cells, accuracies; and where the model fails."""
    lines = _wrapped(f"run {result.run} against its twin, {result.source}")
    for chip in result.chips:
        lines += ["", *_chip_lines(chip)]
    for figures in result.figures:
        lines += _figure_lines(figures)
    return [escaped(line, keep="") for line in lines]


def _chip_lines(chip: ChipTwin) -> list[str]:
    found = chip.residuals
    lines = _wrapped(
        f"chip {chip.observed.chip}: {chip.within:.2%} of {len(found.line)} values within 3 sigma of the prediction, "
        f"rms {np.sqrt(np.mean(found.z**2)):.2f} sigma"
    )
    lines += _left_out(chip.observed)
    if chip.own:
        lines += _wrapped("the twin was fitted to these very reads: another run of the chip is the better test (--on)")
    lines += [f"  {count} answers not predicted: {reason}" for reason, count in found.left_out.items()]
    lines += ["", f"  {'reads for':<16}{'values':>9}{'rms z':>8}{'beyond 3 sigma':>17}"]
    for purpose in np.unique(found.purpose).tolist():
        here = found.purpose == purpose
        name = Purpose(purpose).name.lower() if purpose in list(Purpose) else "other"
        rms, beyond = np.sqrt(np.mean(found.z[here] ** 2)), found.beyond[here].mean()
        lines.append(f"  {name:<16}{here.sum():>9}{rms:>8.2f}{beyond:>16.2%}")
    return [*lines, "", *_line_table(chip), "", *_failures(chip)]


def _line_table(chip: ChipTwin) -> Iterator[str]:
    """Iterate over lines of the array, two next to each other."""
    count, median, rms, beyond = chip.by_line()
    head = f"{'line':<5}{'values':>8}{'residual':>10}{'rms z':>7}{'beyond':>8}"
    rows = [
        f"{_line_name(line, chip):<5}{count[line]:>8}{_percent(median[line]):>10}{rms[line]:>7.2f}{beyond[line]:>8.1%}"
        for line in np.flatnonzero(count).tolist()
    ]
    half = (len(rows) + 1) // 2
    yield f"  {head}  {head}" if len(rows) > 1 else f"  {head}"
    for number in range(half):
        yield "  " + "  ".join(rows[number::half])


def _failures(chip: ChipTwin) -> list[str]:
    """Say which lines and cells the model does not describe."""
    _, median = chip.by_cell()
    bad_lines = [_line_name(line, chip) for line in chip.failing_lines.tolist()]
    bad_cells = [
        f"({row}, {column}) {median[row, column]:+.1f}" for row, column in np.argwhere(chip.failing_cells).tolist()
    ]
    if not bad_lines and not bad_cells:
        return ["  the model fails nowhere: no line and no cell lies beyond 3 sigma"]
    text = f"the model fails at {len(bad_lines)} lines and {len(bad_cells)} cells beyond 3 sigma"
    parts = [f"lines {_named(bad_lines)}"] * bool(bad_lines) + [f"cells (typical z) {_named(bad_cells)}"] * bool(
        bad_cells
    )
    return [f"  {line}" for line in textwrap.wrap(f"{text}: {'; '.join(parts)}", WIDTH - 2)]


def _figure_lines(found: ComparedFigures) -> list[str]:
    """Return a table, or a sentence about one value; nothing where the twins gave none."""
    figures, lines = found.measured, list[str]()
    if figures.same_states and found.same_states:
        lines = ["", figures.what]
        lines.append(f"  {figures.rows:<16}{'measured':>10}{'twin, same states':>19}{'twin, written again':>20}")
        for name in figures.values:
            measured, same, anew = (
                f"{each[name]:{figures.form}}" if np.isfinite(each.get(name, np.nan)) else "-"
                for each in (figures.values, found.same_states, found.again)
            )
            lines.append(f"  {name:<16}{measured:>10}{same:>19}{anew:>20}")
    elif found.again:
        measured, anew = (f"{value:{figures.form}}" for value in (*figures.values.values(), *found.again.values()))
        lines = ["", f"{figures.what}: measured {measured}, twin written again {anew}"]
    return lines


def _line_name(line: int, chip: ChipTwin) -> str:
    rows = chip.description.shape[0]
    return f"r{line}" if line < rows else f"c{line - rows}"


def _percent(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:+.3%}"


def _around(values: FloatArray) -> str:
    low, middle, high = np.percentile(values, [25, 50, 75])
    return f"{middle:.4g} ({low:.4g} to {high:.4g})"


def _named(names: Iterable[str]) -> str:
    every = list(names)
    if len(every) <= MOST_TOLD + 1:
        return ", ".join(every)
    return f"{', '.join(every[:MOST_TOLD])} and {len(every) - MOST_TOLD} more"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(escaped(text, keep=""), WIDTH, subsequent_indent="  ")
