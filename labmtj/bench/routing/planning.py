"""What a bench can give, and by which steps: which routing, which level on every channel, which unit times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from labmtj.bench.files.wiring import Channel, Wiring
from labmtj.bench.routing.abilities import Units, volts_refusal
from labmtj.bench.routing.compliance import Compliance
from labmtj.bench.routing.routes import Buses, Router
from labmtj.bench.routing.steps import Step, StepOrder, largest_across, parts_of, steps_of
from labmtj.bench.routing.switching import Switching
from labmtj.bench.sources import Sources
from labmtj.quantities import Bias, FloatArray, Limits, Refusal
from labmtj.safety import ROUNDING_VOLTS


class Planning:
    """Plans for one bench; nothing is applied.

    Args:
        wiring: what is connected to what.
        units: the instruments that source.
        limits: what cells and lines survive.
        router: finds routings.
        sources: knows which widths a unit can do.
        switching: knows how the relays are.
        cell_siemens: nominal conductance of a cell in P.
    """

    def __init__(
        self,
        wiring: Wiring,
        units: Units,
        limits: Limits,
        router: Router,
        sources: Sources,
        switching: Switching,
        cell_siemens: float,
    ) -> None:
        self._wiring, self._units, self._limits, self._router = wiring, units, limits, router
        self._sources, self._switching = sources, switching
        self._places = {channel: place for place, channel in enumerate(wiring.channels)}
        self.compliance = Compliance(wiring.shape, limits.line_amperes, cell_siemens)

    # -- what is possible --------------------------------------------------------------------------------------------

    def refusal(self, bias: Bias, read: Sequence[int]) -> Refusal | None:
        """Say which voltage has no channel, or why lines cannot be read under it; or None."""
        shape = self._wiring.shape
        if bias.shape != shape:
            return Refusal(f"the bias is for {bias.shape} lines, the array has {shape}", "build it for this array")
        largest = float(np.nan_to_num(np.abs(bias.line_volts)).max())
        if refusal := volts_refusal(self._wiring, self._units, largest, self._limits.cell_volts):
            return refusal
        for volts in {self._router.pattern(volts): volts for volts in bias.line_volts}.values():
            if refusal := self._router.refusal(volts, read):
                return refusal
        return None

    def current_refusal(self, bias: Bias, steps: Sequence[Step]) -> Refusal | None:
        """Say which channel would have to give too much, or None."""
        for step in steps:
            for channel, on in self.held(step.buses).items():
                if refusal := self.compliance.refusal(channel, on, bias.line_volts[list(step.biases)]):
                    return refusal
        return None

    def width_refusal(self, bias: Bias, steps: Sequence[Step], seconds: float) -> Refusal | None:
        """Say for which unit a pulse is too short, or None; of several units, the one that needs the longest."""
        every = dict.fromkeys(turns for step in steps for _, turns in self.parts(step, bias))  # in order, unlike a set
        return self._sources.pulse_refusal(every, seconds)

    # -- steps -------------------------------------------------------------------------------------------------------

    def disturbs(self, bias: Bias) -> bool:
        """Return whether the batch may disturb a cell: if so, it is applied once and in the given order."""
        return bool(largest_across(bias) > self._limits.disturb_volts + ROUNDING_VOLTS)

    def steps(self, bias: Bias, read: Sequence[int], *, ordered: bool) -> list[Step]:
        """Return the steps that apply a batch, from the relays as they are."""
        return steps_of(self._router, bias.line_volts, read, self._switching.present, ordered=ordered)

    def parts(self, step: Step, bias: Bias) -> Iterator[tuple[Step, StepOrder]]:
        """Iterate the pulses that are applied without a break, and which unit steps when."""
        unit_of = {line: channel.unit for channel, on in self.held(step.buses).items() for line in on}
        units = [unit_of.get(line) for line in range(sum(self._wiring.shape))]
        return parts_of(step, bias, units, self._limits.disturb_volts)

    def held(self, buses: Buses) -> dict[Channel, list[int]]:
        """Return the lines that every channel holds."""
        held: dict[Channel, list[int]] = {channel: [] for channel in self._wiring.channels}
        for line in range(sum(self._wiring.shape)):
            if (holder := self._router.channel_of(buses, line)) is not None:
                held[holder].append(line)
        return held

    def levels(self, step: Step, bias: Bias) -> FloatArray:
        """Return the volts of every channel under the biases of a step, (biases, channels)."""
        levels = np.zeros((len(step.biases), len(self._places)))
        for line in range(sum(self._wiring.shape)):
            place = self.place_of(step, line)
            if place is not None:
                levels[:, place] = bias.line_volts[list(step.biases), line]
        return levels

    def place_of(self, step: Step, line: int) -> int | None:
        """Return the index of the channel that holds a line; None if none does."""
        channel = self._router.channel_of(step.buses, line)
        return None if channel is None else self._places[channel]

    def reader_of(self, buses: Buses, line: int) -> Channel:
        """Return the channel that reads a line."""
        channel = self._router.channel_of(buses, line)
        assert channel is not None, "a line that is read has a channel of its own"
        return channel
