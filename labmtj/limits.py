"""What a cell and a line survive: checked in one place, before anything is applied.

The check needs no model of the array: in a passive network no cell sees more than the spread of all driven lines.
"""

from __future__ import annotations

import numpy as np

from labmtj.errors import LimitExceeded
from labmtj.layer import Layer
from labmtj.quantities import Bias, Currents, FloatArray, Limits, Lines, Pulse, Reading, Refusal

ROUNDING_VOLTS = 1e-9
"""0.45 V - (-0.45 V) may print as 0.9 and be a little more"""


def spread_volts(bias: Bias) -> FloatArray:
    """Return the largest voltage any cell can see under each bias, (batch,): floating lines lie in between."""
    driven = ~np.isnan(bias.line_volts)
    highest = np.where(driven, bias.line_volts, -np.inf).max(axis=1)
    lowest = np.where(driven, bias.line_volts, np.inf).min(axis=1)
    return np.where(driven.any(axis=1), highest - lowest, 0.0)


def check(bias: Bias, limits: Limits, shape: tuple[int, int], seconds: float = 0.0) -> None:
    """Raise LimitExceeded naming the worst lines, the voltage, the limit and the remedy, before anything is applied."""
    if bias.shape != shape:
        raise LimitExceeded(
            f"a bias for {bias.shape[0]} x {bias.shape[1]} lines does not fit the {shape[0]} x {shape[1]} array"
        )
    spread = spread_volts(bias)
    worst = int(np.argmax(spread))
    if spread[worst] > limits.cell_volts + ROUNDING_VOLTS:
        volts = bias.line_volts[worst]
        high, low = line_name(int(np.nanargmax(volts)), shape), line_name(int(np.nanargmin(volts)), shape)
        where = f" (bias {worst} of {len(bias)})" if len(bias) > 1 else ""
        raise LimitExceeded(
            f"{high} at {np.nanmax(volts):.3g} V against {low} at {np.nanmin(volts):.3g} V puts {spread[worst]:.3g} V "
            f"across a cell{where}; the limit is {limits.cell_volts:g} V (limits.cell_volts). Nothing was applied: "
            "lower the amplitude"
        )
    if not 0 <= seconds <= limits.pulse_seconds:
        raise LimitExceeded(
            f"a pulse of {seconds:g} s is not within the limit of {limits.pulse_seconds:g} s (limits.pulse_seconds); "
            "nothing was applied: give another width"
        )


def line_name(line: int, shape: tuple[int, int]) -> str:
    """Return "row 3" or "column 0"."""
    return f"row {line}" if line < shape[0] else f"column {line - shape[0]}"


class Limited(Layer):
    """A crossbar that checks every batch as a whole before its first element is applied."""

    def can(self, bias: Bias, seconds: float = 0.0) -> Refusal | None:
        """Refuse what the limits forbid, else what the crossbar within cannot."""
        try:
            check(bias, self.limits, self.shape, seconds)
        except LimitExceeded as error:
            return Refusal(str(error), "stay within the limits of the array file")
        return super().can(bias, seconds)

    def measure(self, bias: Bias, lines: Lines, how: Reading) -> Currents:
        """Check, then measure."""
        check(bias, self.limits, self.shape)
        return super().measure(bias, lines, how)

    def pulse(self, bias: Bias, seconds: float) -> Pulse:
        """Check, then pulse."""
        check(bias, self.limits, self.shape, seconds)
        return super().pulse(bias, seconds)
