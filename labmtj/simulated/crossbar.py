"""`SimulatedCrossbar`: the array, a source-measure unit on every line, a clock that books what a bench would take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from labmtj.circuit import Wires
from labmtj.device import CellArray
from labmtj.errors import Instead, UsageError
from labmtj.quantities import Bias, Currents, Flag, FloatArray, Limits, Lines, Pulse, ReadSettings, Refusal, Waveform
from labmtj.simulated.array import SimulatedArray
from labmtj.simulated.clock import VirtualClock, nanoseconds
from labmtj.simulated.meter import Channels, MeterModel, Offsets
from labmtj.simulated.noise import CellNoise
from labmtj.streams import Draws


@dataclass(frozen=True, slots=True)
class Timing:
    """What a bench with a unit on every line needs around each bias (assumed)."""

    source_seconds: float = 5e-4
    """to set all sources and trigger, per bias or pulse"""
    transfer_seconds: float = 5e-4
    """to bring the readings of one bias home"""


class SimulatedCrossbar:
    """A `Crossbar` made of physics.

    Args:
        wires: resistances of the lines, terminations included.
        cells: those of the chip, such as `Junctions`.
        seed: of the run: the same seed and name give the same flips, noise and meters, to the bit, however biases are
            batched.
        name: of the chip.
        limits: what cells and lines survive; `limits.line_amperes` is the compliance of every source.
        meter: data sheet of every channel, default ideal.
        timing: what the clock books around each bias.
        clock: shared with other arrays of the same bench, if any.
        cell_noise: False = the cells themselves are silent: a read is what the network gives, to the last digit.
        offsets: of sources and meters, instead of drawn ones.
        short_pulses: give pulses below 100 ns, too, where the switching law is wrong (`CellArray.pulse_widths`).

    Raises:
        UsageError: if wires and cells differ in shape.
    """

    def __init__(
        self,
        wires: Wires,
        cells: CellArray,
        *,
        seed: int = 0,
        name: str = "array",
        limits: Limits | None = None,
        meter: MeterModel | None = None,
        timing: Timing | None = None,
        clock: VirtualClock | None = None,
        cell_noise: bool = True,
        offsets: Offsets | None = None,
        short_pulses: bool = False,
    ) -> None:
        if wires.shape != cells.shape:
            raise UsageError(f"wires for {wires.shape} cells do not fit an array of {cells.shape}")
        self.name, self.shape = name, wires.shape
        self.short_pulses, self._widths = short_pulses, cells.pulse_widths
        self.limits = limits or Limits()
        self.clock = clock or VirtualClock()
        self.timing = timing or Timing()
        self.array = SimulatedArray(wires, cells, seed, name, self.limits.line_amperes)
        self._channels = Channels(meter or MeterModel.ideal(), sum(self.shape), seed, name, offsets)
        self._noise = Draws("normal", sum(self.shape), seed, "noise", name)
        self._cell_noise = CellNoise(cells, seed, name)
        self._silent = not cell_noise
        self._shots = 0
        self._aged_to = self.clock.nanoseconds

    # -- Crossbar ----------------------------------------------------------------------------------------------------

    def arm(self) -> None:
        """Nothing is switched on here."""

    def refusal(self, bias: Bias, seconds: float = 0.0) -> Refusal | None:
        """Refuse a bias for another shape, and a width at which the switching law is wrong; 0 asks for no pulse."""
        if seconds > 0 and (problem := self._widths.refusal(seconds, allowed=self.short_pulses)):
            least = self._widths.doubted_seconds
            return Refusal(problem, f"take pulses of {least:g} s and more", Instead("pulse_seconds", seconds, least))
        if bias.shape != self.shape:
            return Refusal(f"the bias is for {bias.shape} lines, the array has {self.shape}", "build it for this array")
        return None

    def measure(self, bias: Bias, lines: Lines, how: ReadSettings) -> Currents:
        """Hold each bias for settle and aperture, every shot in turn, and read the lines at the same time."""
        self._refuse(bias)
        self._channels.check_range(how.range_amperes)
        chosen, signs = lines.indices(self.shape), how.signs
        shots = (bias.line_volts[:, np.newaxis, :] * signs[:, np.newaxis]).reshape(-1, sum(self.shape))
        self._age()
        held, stretches = self.array.hold(
            self._channels.delivered_volts(shots),
            how.settle_seconds + how.aperture_seconds,
            how.settle_seconds,
            self.timing.source_seconds + self.timing.transfer_seconds,
        )
        starts = self._book_reads(len(shots), how)
        normals = self._noise.rows(self._shots, len(shots))[:, chosen]
        shift, rms = self._cell_noise.on_lines(held, stretches, chosen, starts, how.aperture_seconds)
        if self._silent:
            shift, rms = np.zeros_like(shift), np.zeros_like(rms)
        self._shots += len(shots)
        shown, used, flags = self._channels.read(
            -held.line_amperes[:, chosen] + shift,
            chosen,
            how.range_amperes,
            how.aperture_seconds,
            rms,
            normals,
            len(signs) if how.polarity == "both" else 1,
        )
        flags |= np.where(held.limited[:, chosen], np.uint8(Flag.COMPLIANCE), np.uint8(0))
        whole = (len(bias), len(signs), len(chosen))
        return Currents(
            shown.reshape(whole), flags.reshape(whole), used.reshape(whole),
            np.broadcast_to(starts.reshape(*whole[:2], 1), whole), held.line_volts[:, chosen].reshape(whole), signs,
        )  # fmt: skip

    def pulse(self, bias: Bias, seconds: float) -> Pulse:
        """Apply square pulses: delivered is what was asked for, but for gain, offset and compliance of the sources.

        Raises:
            UsageError: for a width that is not positive and finite.
        """
        self._refuse(bias)
        if not 0 < seconds < np.inf:
            raise UsageError(f"a pulse of {seconds} s is not a pulse; give seconds > 0")
        self._check_width(seconds)
        return self._apply(bias, seconds, Waveform.square(bias, seconds))

    def abort(self) -> None:
        """Nothing runs between two calls."""

    def make_safe(self) -> None:
        """Between two calls every source is at 0 V already."""

    # -- beyond the protocol -----------------------------------------------------------------------------------------

    def apply(self, waveform: Waveform) -> Pulse:
        """Apply waveforms as another bench delivered them: steps of any length, lines stepping one after another.

        Their width, which is refused as that of a pulse is, is the time in which any line is away from 0 V.
        """
        if not ((waveform.step_seconds >= 0) & (waveform.step_seconds < np.inf)).all():
            raise UsageError(f"a waveform needs step_seconds of zero or more; got {waveform.step_seconds.min():g}")
        away = (np.nan_to_num(waveform.line_volts) != 0).any(axis=2)
        for seconds in np.unique((waveform.step_seconds * away).sum(axis=1)):
            if seconds > 0:
                self._check_width(float(seconds))
        bias = Bias.from_lines(waveform.line_volts[:, 0], self.shape)
        return self._apply(bias, float(waveform.step_seconds.sum(axis=1)[0]), waveform)

    def snapshot(self) -> dict[str, Any]:
        """Return everything that changes: physics, counters of the random numbers, clock."""
        return {
            "array": self.array.snapshot(), "noise": self._cell_noise.snapshot(), "clock": self.clock.snapshot(),
            "shots": self._shots, "aged_to": self._aged_to,
        }  # fmt: skip

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go back to a snapshot of a crossbar built in the same way."""
        self.array.restore(snapshot["array"])
        self._cell_noise.restore(snapshot["noise"])
        self.clock.restore(snapshot["clock"])
        self._shots, self._aged_to = int(snapshot["shots"]), int(snapshot["aged_to"])

    # -- inside ------------------------------------------------------------------------------------------------------

    def _refuse(self, bias: Bias) -> None:
        if refusal := self.refusal(bias):
            raise UsageError(str(refusal))

    def _check_width(self, seconds: float) -> None:
        self._widths.check(seconds, allowed=self.short_pulses, where=f"array {self.name}")

    def _age(self) -> None:
        """Let the array rest for the time that passed since the last operation."""
        self.array.rest((self.clock.nanoseconds - self._aged_to) * 1e-9)

    def _apply(self, bias: Bias, seconds: float, waveform: Waveform) -> Pulse:
        self._age()
        delivered = self._channels.delivered_volts(waveform.line_volts)
        flags = np.zeros((len(bias), sum(self.shape)), np.uint8)
        starts = np.empty(len(bias))
        for number, steps in enumerate(waveform.step_seconds):
            self.clock.book("source", self.timing.source_seconds)
            starts[number] = self.clock.now()
            for step, step_seconds in enumerate(steps):
                held = self.array.hold_through(delivered[number, step], float(step_seconds))
                delivered[number, step] = held.line_volts
                flags[number] |= held.limited * np.uint8(Flag.COMPLIANCE)
            self.array.rest(self.timing.source_seconds)
            self.clock.book("pulse", float(steps.sum()))
        self._aged_to = self.clock.nanoseconds
        return Pulse(bias, seconds, starts, Waveform(waveform.step_seconds, delivered), flags)

    def _book_reads(self, shots: int, how: ReadSettings) -> FloatArray:
        """Book the time of the shots and return when the aperture of each opened, (shots,)."""
        parts = {
            "source": self.timing.source_seconds, "settle": how.settle_seconds,
            "aperture": how.aperture_seconds, "transfer": self.timing.transfer_seconds,
        }  # fmt: skip
        begun, each = self.clock.nanoseconds, sum(map(nanoseconds, parts.values()))
        for purpose, seconds in parts.items():
            self.clock.book(purpose, seconds, shots)
        self._aged_to = self.clock.nanoseconds
        opened = begun + nanoseconds(self.timing.source_seconds) + nanoseconds(how.settle_seconds)
        return np.asarray((opened + each * np.arange(shots)) * 1e-9, float)
