"""A crossbar made of instruments: every bias is routed, every relay moves cold, every batch goes out whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np

from labmtj.bench.abilities import Units, check_channels, check_reading, volts_refusal
from labmtj.bench.answers import delivered, empty_currents, enter
from labmtj.bench.by_messages import Given
from labmtj.bench.compliance import Compliance
from labmtj.bench.routing import Buses, Router
from labmtj.bench.sequence import Step, largest_across, steps_of
from labmtj.bench.sources import Sources
from labmtj.bench.switching import Switching
from labmtj.bench.turns import Turns, parts_of
from labmtj.bench.wiring import Channel, Wiring
from labmtj.errors import CannotDo, InstrumentError, LabmtjError, UsageError
from labmtj.limits import ROUNDING_VOLTS
from labmtj.quantities import Bias, Currents, Flag, FloatArray, Limits, Lines, Pulse, Reading, Refusal
from labmtj.verbs import Clock, SwitchMatrix


class BenchCrossbar:
    """A `Crossbar` on source-measure units and switch matrices.

    Arm it before the first bias; make it safe behind the last, whatever happened. Between two calls every source is at
    0 V with its output on. No channel gives more than `limits.line_amperes` for each line that it holds; lines that
    share a channel share that, see `labmtj.bench.compliance`.

    Args:
        wiring: what hangs on what.
        units, matrices: by name on the bench; connected, untouched.
        limits: what cells, lines and sources survive.
        clock: of the bench.
        settle_seconds: from sources at 0 V to the first relay that moves.
        relay_settle_seconds: from relays at rest to the first level.
        cell_siemens: nominal conductance of a cell in P.

    Raises:
        SettingError: for a relay or channel that the instruments do not have, naming its place in the bench file.
    """

    def __init__(
        self,
        wiring: Wiring,
        units: Units,
        matrices: Mapping[str, SwitchMatrix],
        limits: Limits,
        clock: Clock,
        *,
        settle_seconds: float = 1e-3,
        relay_settle_seconds: float = 5e-3,
        cell_siemens: float = 1e-3,
    ) -> None:
        check_channels(wiring, units)
        self.wiring, self.shape, self.limits, self.clock = wiring, wiring.shape, limits, clock
        self.units, self.matrices = units, matrices
        self.router = Router(wiring, [name for name, matrix in matrices.items() if matrix.grounds_open_lines])
        self.sources = Sources(units, wiring.channels, clock)
        self.switching = Switching(
            matrices, self.router, self.sources, clock,
            settle_seconds=settle_seconds, relay_settle_seconds=relay_settle_seconds,
        )  # fmt: skip
        self._places = {channel: place for place, channel in enumerate(wiring.channels)}
        self._compliance = Compliance(self.shape, limits.line_amperes, cell_siemens)
        self._armed = False

    # -- life --------------------------------------------------------------------------------------------------------

    def arm(self) -> None:
        """Bring sources to 0 V, relays to rest; set limits, switch outputs on; raise InstrumentError if any fails."""
        self.sources.forget()
        self.sources.to_zero()
        self.switching.arm()
        self.sources.arm(self.limits.line_amperes, self.limits.cell_volts)
        self._armed = True

    def abort(self) -> None:
        """Stop what runs on any unit, from any thread."""
        self.sources.abort()

    def make_safe(self) -> None:
        """Bring sources to 0 V, outputs off, relays open (or grounded); each step even if one before it failed.

        Raises InstrumentError telling everything that failed: see to those instruments by hand.
        """
        self._armed = False
        self.sources.forget()
        steps: list[Callable[[], None]] = [partial(self.sources.zero, unit) for unit in self.sources.names]
        steps += [unit.make_safe for unit in self.units.values()]
        steps += [matrix.make_safe for matrix in self.matrices.values()]
        if failed := _attempt(steps):
            raise _all_of(failed) from failed[0]

    # -- Crossbar ----------------------------------------------------------------------------------------------------

    def can(self, bias: Bias, seconds: float = 0.0) -> Refusal | None:
        """Say which voltage has no channel, which channel would give too much, which width is too short; or None."""
        if refusal := self._refusal(bias, ()):
            return refusal
        steps = self._steps(bias, (), ordered=True)
        return self._current_refusal(bias, steps) or (self._width_refusal(bias, steps, seconds) if seconds else None)

    def measure(self, bias: Bias, lines: Lines, how: Reading) -> Currents:
        """Read the lines, as many at a time as channels are left; all shots on one routing are one call of the unit.

        Raises:
            CannotDo: if a bias has no routing under which a line can be read, or needs more current than the lines
                survive; nothing was applied.
        """
        chosen = _once(lines.indices(self.shape).tolist())
        check_reading(self.wiring, self.units, how)
        self._begin(self._refusal(bias, chosen))
        ordered = bias.ordered or bool(largest_across(bias) > self.limits.disturb_volts + ROUNDING_VOLTS)
        steps = self._steps(bias, chosen, ordered=ordered)
        self._begin(self._current_refusal(bias, steps))
        currents = empty_currents(bias, chosen, how)
        with self._operation():
            for step in steps:
                self._prepare(step.buses, bias.line_volts[list(step.biases)])
                volts = self._levels(step, bias)[:, np.newaxis] * how.signs[:, np.newaxis]
                read = [self._reader_of(step.buses, line) for line in step.read]
                enter(currents, self.sources.shots(volts.reshape(-1, volts.shape[-1]), read, how), step, chosen)
        return currents

    def pulse(self, bias: Bias, seconds: float) -> Pulse:
        """Pulse in order; delivered are the steps of each channel as the unit tells them, or as messages timed them.

        Raises:
            CannotDo: for a bias without a routing, more current than the lines survive, or a width that the units
                cannot do; nothing was applied.
        """
        if not 0 < seconds < np.inf:
            raise UsageError(f"a pulse of {seconds} s is not a pulse; give seconds > 0")
        self._begin(self.can(bias, seconds))
        given: list[tuple[Step, Given]] = []
        with self._operation():
            for step in self._steps(bias, (), ordered=True):
                self._prepare(step.buses, bias.line_volts[list(step.biases)])
                for part, turns in self._parts(step, bias):
                    given.append((part, self.sources.pulses(self._levels(part, bias), seconds, turns)))
        return delivered(bias, seconds, given, self._place_of)

    def probe(self, buses: Buses, volts: Mapping[Channel, float], read: Channel, aperture_seconds: float) -> float:
        """Return the current out of one channel with lines on buses and channels at levels that no bias asks for.

        For checks of the wiring. Infinite where the channel is in compliance or beyond its range.
        """
        self._begin(None)
        with self._operation():
            levels = np.array([[volts.get(channel, 0.0) for channel in self.wiring.channels]])
            holders = [self.router.channel_of(buses, line) for line in range(sum(self.shape))]
            self._prepare(buses, np.array([[volts.get(each, 0.0) if each else 0.0 for each in holders]]))
            shown = self.sources.shots(levels, [read], Reading(aperture_seconds))
        beyond = shown.flags[0, 0] & (Flag.COMPLIANCE | Flag.OVERFLOW)
        return float("inf") if beyond else float(shown.amperes[0, 0])

    # -- what is possible --------------------------------------------------------------------------------------------

    def _refusal(self, bias: Bias, read: Sequence[int]) -> Refusal | None:
        if bias.shape != self.shape:
            return Refusal(f"the bias is for {bias.shape} lines, the array has {self.shape}", "build it for this array")
        largest = float(np.nan_to_num(np.abs(bias.line_volts)).max())
        if refusal := volts_refusal(self.wiring, self.units, largest, self.limits.cell_volts):
            return refusal
        for volts in {self.router.pattern(volts): volts for volts in bias.line_volts}.values():
            if refusal := self.router.refusal(volts, read):
                return refusal
        return None

    def _current_refusal(self, bias: Bias, steps: Sequence[Step]) -> Refusal | None:
        for step in steps:
            for channel, on in self._held(step.buses).items():
                if refusal := self._compliance.refusal(channel, on, bias.line_volts[list(step.biases)]):
                    return refusal
        return None

    def _width_refusal(self, bias: Bias, steps: Sequence[Step], seconds: float) -> Refusal | None:
        for turns in {turns for step in steps for _, turns in self._parts(step, bias)}:
            if refusal := self.sources.pulse_refusal(turns, seconds):
                return refusal
        return None

    def _begin(self, refusal: Refusal | None) -> None:
        if refusal is not None:
            raise CannotDo(f"{refusal}. Nothing was applied")
        if not self._armed:
            raise UsageError("the bench is not armed: call arm(), or use it as `with labmtj.bench(...) as array`")

    # -- what is done ------------------------------------------------------------------------------------------------

    @contextmanager
    def _operation(self) -> Iterator[None]:
        """Forget what is known of the sources if an operation breaks off; the next one begins at 0 V anyway."""
        try:
            yield
        except BaseException:
            self.sources.forget()
            raise

    def _steps(self, bias: Bias, read: Sequence[int], *, ordered: bool) -> list[Step]:
        return steps_of(self.router, bias.line_volts, read, self.switching.present, ordered=ordered)

    def _parts(self, step: Step, bias: Bias) -> Iterator[tuple[Step, Turns]]:
        """Iterate what is pulsed in one go, and which unit steps when."""
        unit_of = {line: channel.unit for channel, on in self._held(step.buses).items() for line in on}
        units = [unit_of.get(line) for line in range(sum(self.shape))]
        return parts_of(step, bias, units, self.limits.disturb_volts)

    def _prepare(self, buses: Buses, line_volts: FloatArray) -> None:
        """Move the relays, and limit every channel by what its lines may draw under biases (biases, lines)."""
        self.switching.route(buses)
        for channel, on in self._held(buses).items():
            self.sources.limit(channel, self._compliance.amperes(on, line_volts))

    def _held(self, buses: Buses) -> dict[Channel, list[int]]:
        """Return the lines that every channel holds."""
        held: dict[Channel, list[int]] = {channel: [] for channel in self.wiring.channels}
        for line in range(sum(self.shape)):
            if (holder := self.router.channel_of(buses, line)) is not None:
                held[holder].append(line)
        return held

    def _levels(self, step: Step, bias: Bias) -> FloatArray:
        """Return the volts of every channel under the biases of a step, (biases, channels)."""
        levels = np.zeros((len(step.biases), len(self._places)))
        for line in range(sum(self.shape)):
            place = self._place_of(step, line)
            if place is not None:
                levels[:, place] = bias.line_volts[list(step.biases), line]
        return levels

    def _place_of(self, step: Step, line: int) -> int | None:
        channel = self.router.channel_of(step.buses, line)
        return None if channel is None else self._places[channel]

    def _reader_of(self, buses: Buses, line: int) -> Channel:
        """Return the channel that reads a line."""
        channel = self.router.channel_of(buses, line)
        assert channel is not None, "a line that is read has a channel of its own"
        return channel


def _once(lines: list[int]) -> list[int]:
    if len(set(lines)) < len(lines):
        raise UsageError("a line stands twice among those to read; name it once")
    return lines


def _attempt(steps: Sequence[Callable[[], None]]) -> list[LabmtjError]:
    """Do every step and return what failed."""
    failed = []
    for step in steps:
        try:
            step()
        except LabmtjError as error:
            failed.append(error)
    return failed


def _all_of(failed: Sequence[LabmtjError]) -> InstrumentError:
    """Return one error that tells them all."""
    addresses = dict.fromkeys(str(getattr(error, "address", "?")) for error in failed)
    told = "\n  ".join(dict.fromkeys(map(str, failed)))
    return InstrumentError("bench", ", ".join(addresses), f"not everything is safe, see to it by hand:\n  {told}")
