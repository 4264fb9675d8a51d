"""What a measurement costs: pulses, readings and time, counted by a layer around the crossbar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from labmtj.layer import Layer
from labmtj.quantities import Bias, Currents, FloatArray, Lines, Pulse, ReadSettings
from labmtj.results import Fact
from labmtj.verbs import Crossbar

SELECTED_FRACTION = 0.75
"""a cell counts as pulsed if it sees more than this part of the largest voltage of the bias; half-selected is 0.5"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Part of every result of a characterisation."""

    pulses: Annotated[int, Fact("1", "pulses of a whole bias", "effort_pulses")]
    readings: Annotated[int, Fact("1", "values of lines, each of all its shots", "effort_readings")]
    seconds: Annotated[float, Fact("h", "time on the clock of the bench", "effort_bench_hours", per=3600)]


class CostMeter(Layer):
    """Counts what goes through it: `meter = CostMeter(crossbar)`, measure with it, then `meter.cost`."""

    def __init__(self, crossbar: Crossbar) -> None:
        super().__init__(crossbar)
        self.pulses = self.readings = self.reads = 0
        self.cell_pulses = np.zeros(crossbar.shape[0] * crossbar.shape[1])
        """(cells,) pulses that selected each"""
        self._begun = crossbar.clock.now()

    @property
    def cost(self) -> Cost:
        """So far."""
        return Cost(self.pulses, self.readings, self.clock.now() - self._begun)

    def measure(self, bias: Bias, lines: Lines, how: ReadSettings) -> Currents:
        """Measure, and count values of lines, and biases held: one for each sign and repeat."""
        self.readings += len(bias) * len(lines)
        self.reads += len(bias) * len(how.signs)
        return super().measure(bias, lines, how)

    def pulse(self, bias: Bias, seconds: float) -> Pulse:
        """Pulse, and count, in all and for each cell."""
        self.pulses += len(bias)
        self.cell_pulses += selected(bias).sum(axis=0)
        return super().pulse(bias, seconds)


def selected(bias: Bias) -> FloatArray:
    """Return 1 for the cells that a bias selects, 0 for the others, (batch, cells); floating lines select none."""
    across = np.abs(bias.row_volts[:, :, np.newaxis] - bias.column_volts[:, np.newaxis, :]).reshape(len(bias), -1)
    across = np.nan_to_num(across)
    largest = across.max(axis=1, keepdims=True)
    chosen: FloatArray = ((across > SELECTED_FRACTION * largest) & (largest > 0)).astype(float)
    return chosen
