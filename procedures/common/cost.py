"""What a measurement cost: pulses, readings and time, counted by a layer around the crossbar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from labmtj.layer import Layer
from labmtj.quantities import Bias, Currents, Lines, Pulse, ReadSettings
from labmtj.results import Fact
from labmtj.verbs import Crossbar


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
        self._pulses = self._readings = 0
        self._begun = crossbar.clock.now()

    @property
    def cost(self) -> Cost:
        """So far."""
        return Cost(self._pulses, self._readings, self.clock.now() - self._begun)

    def measure(self, bias: Bias, lines: Lines, how: ReadSettings) -> Currents:
        """Measure, and count."""
        self._readings += len(bias) * len(lines)
        return super().measure(bias, lines, how)

    def pulse(self, bias: Bias, seconds: float) -> Pulse:
        """Pulse, and count."""
        self._pulses += len(bias)
        return super().pulse(bias, seconds)
