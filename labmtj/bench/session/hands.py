"""One cell by hand: read it, or pulse it and read what became of it."""

from __future__ import annotations

import math
import textwrap

import numpy as np

from labmtj.bench.session.notebook import open_bench, which_chip
from labmtj.errors import UsageError
from labmtj.quantities import Bias, Flag, Lines, Pulse, ReadSettings
from labmtj.verbs import Crossbar

_READ_VOLTS = 0.1
"""of the read after a pulse, unless the limits are lower"""
_WIDTH = 80


def read_cell(name: str, row: int, column: int, volts: float, chosen: str | None = None) -> str:
    """Read one cell of the array on a bench: its row at `volts`, all other lines at 0 V, both polarities.

    `chosen` names the array of a simulated bench, the first by default.

    Raises:
        UsageError: for a cell that does not exist, or volts that are not those of a read; nothing was applied.
    """
    with open_bench(name, chosen) as array:
        _check_cell(array, row, column)
        _check_read(array, volts)
        return _read(array, row, column, volts) + which_chip(name, chosen)


def pulse_cell(
    name: str, row: int, column: int, volts: float, seconds: float, chosen: str | None = None, *,
    over_budget: bool = False,
) -> str:  # fmt: skip
    """Pulse one cell, half the voltage on its row and half on its column; report what it got and its read afterwards.

    With `over_budget` also a cell that has used up its pulses.

    Raises:
        UsageError, LimitExceeded, CannotDo: nothing was applied.
    """
    if not (math.isfinite(volts) and volts):  # NaN would leave the lines of the cell floating
        raise UsageError(f"--volts {volts:g}: a pulse needs a voltage, positive or negative; nothing was applied")
    with open_bench(name, chosen) as array:
        _check_cell(array, row, column)
        on_row, on_column = (np.arange(size) == at for size, at in zip(array.shape, (row, column), strict=True))
        if over_budget:
            array.allow_over_budget()
        pulse = array.pulse(Bias(np.where(on_row, volts / 2, 0.0), np.where(on_column, -volts / 2, 0.0)), seconds)
        got = f"cell ({row}, {column}) got {_delivered(pulse, row, array.shape[0] + column)}"
        reads = _read(array, row, column, min(_READ_VOLTS, array.limits.disturb_volts))
    return f"{textwrap.fill(got, _WIDTH, subsequent_indent='  ')}\n{reads}{which_chip(name, chosen)}"


def _read(array: Crossbar, row: int, column: int, volts: float) -> str:
    rows = np.where(np.arange(array.shape[0]) == row, volts, 0.0)
    bias = Bias(rows, np.zeros(array.shape[1]))
    currents = array.measure(bias, Lines(columns=(column,)), ReadSettings(polarity="both"))
    amperes = float(currents.amperes[0, 0])
    flags = Flag(int(np.bitwise_or.reduce(currents.flags, axis=None)))
    resistance = f"{volts / amperes:.4g} ohm" if amperes else "no current"
    return f"cell ({row}, {column}) at {volts:g} V: {amperes:.6e} A, {resistance}{f', {flags.name}' if flags else ''}"


def _delivered(pulse: Pulse, row: int, column: int) -> str:
    """Return the voltages across a cell, between two lines, for how long each, and whether a source was limited."""
    steps, lines = pulse.delivered.step_seconds[0], pulse.delivered.line_volts[0]
    across = lines[:, row] - lines[:, column]
    held = [f"{volts:.4g} V for {seconds:.4g} s" for volts, seconds in zip(across, steps, strict=True) if volts]
    limited = ", limited by a source (COMPLIANCE)" if (pulse.flags & Flag.COMPLIANCE).any() else ""
    return (", ".join(held) or "no voltage") + limited


def _check_cell(array: Crossbar, row: int, column: int) -> None:
    rows, columns = array.shape
    if not (0 <= row < rows and 0 <= column < columns):
        raise UsageError(
            f"cell ({row}, {column}) does not exist: the array has rows 0 to {rows - 1} and columns 0 to {columns - 1}"
        )


def _check_read(array: Crossbar, volts: float) -> None:
    if not 0 < abs(volts) <= array.limits.disturb_volts:
        raise UsageError(
            f"--volts {volts:g}: a read needs more than 0 V and at most {array.limits.disturb_volts:g} V "
            "(limits.disturb_volts); `labmtj pulse` applies more"
        )
