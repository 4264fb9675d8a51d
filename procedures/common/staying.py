"""Cells that show one state only: whether they do not switch, or switch and relax. More voltage helps only the first.

A cell of Delta 20 is back within half a second at rest, and within a millisecond of a read at a sixth of its critical
voltage, which then shows the state that the read drives to. A reference map finds no contrast. Here single rows are
pulsed and read at once: quickly and at less volts, then at those of the maps in both polarities in turn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labmtj.brief import brief
from labmtj.quantities import BoolArray, FloatArray, Lines, ReadSettings
from labmtj.verbs import Crossbar
from procedures.common.schemes import select_rows

QUICK_SECONDS = 1e-3
"""aperture of the reads after a pulse: short against the mean dwell of a cell of Delta 15, 3 ms"""
PART = 0.25
"""of the read voltage, for the first read"""
READS = 8
"""after that, in each polarity"""
CONTRAST = 0.1
"""relative change of the current that is no noise: a tenth, as of the median cell in the reference maps"""


@brief
@dataclass(frozen=True, eq=False)
class Staying:
    """What rows read at once showed, (rows, columns) each; False on rows that were not looked at."""

    rows: tuple[int, ...]
    switches: BoolArray
    """read at once, the cell follows the pulse"""
    leaves: BoolArray
    """it changes its state between the reads after one pulse, without any pulse"""
    seconds: float
    """from the end of a pulse to the end of the last read, about"""

    @property
    def not_staying(self) -> BoolArray:
        """Cells that can be switched, or switch by themselves."""
        return self.switches | self.leaves

    def text(self) -> str:
        """Say which of the two it is, and what to do about it."""
        looked = len(self.rows) * self.switches.shape[1]
        if 2 * int(self.not_staying.sum()) < looked:
            return (
                f"{looked} cells read within {QUICK_SECONDS * 1e3:g} ms of a pulse do not follow it either: they do "
                "not switch, or change back sooner; raise initialise_volts or pulse_seconds, or check the wiring"
            )
        return (
            f"the cells switch, but do not stay: of {looked} read at once after a pulse {int(self.switches.sum())} "
            f"follow it, and {int(self.leaves.sum())} change their state by themselves within {self.seconds:.2g} s. "
            "More voltage does not help: cool the array, or read faster and lower (aperture_seconds, read_volts)"
        )


def look_at_once(
    crossbar: Crossbar, volts: float, pulse_seconds: float, read_volts: float, rows: list[int] | None = None
) -> Staying:
    """Pulse rows (default three) as a whole in both directions, one at a time, and read each at once, READS times.

    The reads are at `read_volts` and at a part of that. Rows that the crossbar cannot drive are left out. No line but
    the driven one has a voltage: no cell of another row is disturbed. Leaves the rows in whatever state they are.
    """
    shape = crossbar.shape
    asked = sorted({0, shape[0] // 2, shape[0] - 1}) if rows is None else rows
    driven = [
        row for row in asked if crossbar.refusal(select_rows(shape, np.array([row]), volts), pulse_seconds) is None
    ]
    switches, leaves = np.zeros((2, *shape), bool)
    seconds = 0.0
    for row in driven:
        first, ever = [], np.zeros(shape[1], bool)
        for sign in (-1, 1):
            crossbar.pulse(select_rows(shape, np.array([row]), sign * volts), pulse_seconds)
            begun = crossbar.clock.now()
            first.append(_amperes(crossbar, row, PART * read_volts, ReadSettings(QUICK_SECONDS))[0])
            later = _amperes(crossbar, row, read_volts, ReadSettings(QUICK_SECONDS, repeats=READS, polarity="both"))
            seconds = max(seconds, crossbar.clock.now() - begun)
            ever |= np.abs(_relative(later.max(axis=0), later.min(axis=0))) > CONTRAST
        switches[row], leaves[row] = np.abs(_relative(*first)) > CONTRAST, ever
    return Staying(tuple(driven), switches, leaves, seconds)


def _amperes(crossbar: Crossbar, row: int, read_volts: float, how: ReadSettings) -> FloatArray:
    """Return the currents of a row's cells without their signs, (shots, columns)."""
    columns = Lines(columns=tuple(range(crossbar.shape[1])))
    bias = select_rows(crossbar.shape, np.array([row]), read_volts)
    return np.asarray(np.abs(crossbar.measure(bias, columns, how).raw_amperes[0]), float)


def _relative(one: FloatArray, other: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.nan_to_num(2 * (one - other) / (np.abs(one) + np.abs(other))), float)
