"""What a measurement cost: pulses, readings and time, counted by a layer around the crossbar."""

from __future__ import annotations

from dataclasses import dataclass

from labmtj.layer import Layer
from labmtj.quantities import Bias, Currents, Lines, Pulse, Reading
from labmtj.schema import Attribute
from labmtj.verbs import Crossbar


@dataclass(frozen=True, slots=True)
class Effort:
    """Part of every result of a characterisation."""

    pulses: int
    readings: int
    """values of lines, each of all its shots"""
    seconds: float
    """on the bench, by the crossbar's clock"""


class Counting(Layer):
    """Counts what goes through it: `counting = Counting(crossbar)`, measure with it, then `counting.effort`."""

    def __init__(self, crossbar: Crossbar) -> None:
        super().__init__(crossbar)
        self._pulses = self._readings = 0
        self._begun = crossbar.clock.now()

    @property
    def effort(self) -> Effort:
        """So far."""
        return Effort(self._pulses, self._readings, self.clock.now() - self._begun)

    def measure(self, bias: Bias, lines: Lines, how: Reading) -> Currents:
        """Measure, and count."""
        self._readings += len(bias) * len(lines)
        return super().measure(bias, lines, how)

    def pulse(self, bias: Bias, seconds: float) -> Pulse:
        """Pulse, and count."""
        self._pulses += len(bias)
        return super().pulse(bias, seconds)


def effort_attributes(effort: Effort) -> dict[str, Attribute]:
    """Return what a measurement cost, as attributes of its group."""
    return {
        "effort_pulses": effort.pulses, "effort_readings": effort.readings, "effort_bench_hours": effort.seconds / 3600,
    }  # fmt: skip
