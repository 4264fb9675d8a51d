"""Keithley 2600B source-measure units with two channels: sequences run as scripts, pulses in the trigger model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar, TypeVar

import numpy as np
from pymeasure.adapters import Adapter
from pymeasure.instruments import Instrument

from instruments import keithley2600scripts as scripts
from instruments.autozero import Autozero
from instruments.keithley2600channel import (
    CYCLES,
    MODEL_2602B,
    MODEL_2612B,
    MODEL_2636B,
    Keithley2600Channel,
    Model,
)
from instruments.pieces import joined_pulses, joined_readings, pieces
from instruments.tsp import SENTINEL, TSPInstrument, literal, numbers
from labmtj.errors import CannotDo, InstrumentError, LimitExceeded, Stopped, UsageError
from labmtj.quantities import Flag, FloatArray
from labmtj.shots import DeliveredPulses, Pulses, ShotReadings, Shots, UnitFacts

Piece = TypeVar("Piece", ShotReadings, DeliveredPulses)

SHORTEST_PULSE_SECONDS = 100e-6
"""Programmable; settled into any load from 150 us (2606B data sheet; for these models from memory, unverified)."""
SKEW_SECONDS = 0.5e-6
"""Between edges of two channels that follow one trigger event (from memory, unverified); answers do not resolve it."""
PULSE_JITTER_SECONDS = 20e-6
"""How far the stamps of two pulses may be from what was asked for, before the box is not believed."""
SETTLE_SECONDS = 100e-6
"""To 0.1 % on ranges up to 6 V, typical (2600B data sheet p. 15; 2 V range of 2612B and 2636B unverified)."""
LOWEST_AUTORANGE_AMPERES = 100e-9
"""Autorange goes no lower: the ranges below it take tens of milliseconds and more to settle."""
COMPLIANCE_STATUS = 0x40
"""Bit of a status in a reading buffer: the source was limited (from memory, unverified)."""
LONGEST_SEQUENCE = 2000
"""Points of one script; longer sequences take several messages."""
SLOWNESS = 5.0
"""A sequence may take this many times its apertures (autorange, autozero) before the box is given up."""


class Keithley2600B(TSPInstrument):
    """What the models with two channels share; implements `labmtj.verbs.SourceMeasureUnit`."""

    model: ClassVar[Model]
    channels: tuple[str, ...] = ("a", "b")
    smus: dict[str, Keithley2600Channel]

    def __init__(self, adapter: Adapter | str | int, name: str, **kwargs: Any) -> None:
        self._limits: dict[str, tuple[float, float]] = {}
        self._autozero = Autozero()
        super().__init__(adapter, name, **kwargs)

    line_hertz = Instrument.measurement(
        "print(localnode.linefreq)", """Get the frequency of the power line in hertz (float)."""
    )

    @cached_property
    def facts(self) -> UnitFacts:
        """What the model can do, with the line frequency of the box."""
        hertz = float(self.line_hertz)
        return UnitFacts(
            highest_volts=self.model.source_ranges_volts[-1],
            highest_amperes=self.model.limits_amperes[1],
            range_amperes=self.model.range_amperes,
            over_range=1.02,  # 2600B reference manual 2-44
            shortest_pulse_seconds=SHORTEST_PULSE_SECONDS,
            times_pulses=True,
            aperture_seconds=(CYCLES[0] / hertz, CYCLES[1] / hertz),
            line_hertz=hertz,
            source_settle_seconds=SETTLE_SECONDS,
        )

    def limit(self, channel: str, amperes: float, highest_volts: float) -> None:
        """Set compliance and a fixed source range, at level 0 V; both are read back.

        Args:
            channel: one of `channels`.
            amperes: the compliance, for both signs.
            highest_volts: the highest level that is taken from now on.

        Raises:
            CannotDo: the model has no such compliance or level.
            InstrumentError: the level is not 0 V, or the box keeps another value than it was given.
        """
        smu, scale = self._smu(channel), self._source_range(amperes, highest_volts)
        self._limits.pop(channel, None)
        self._require_zero(channel)
        kept = self.state(
            f"{smu}.source.func = 1",
            f"{smu}.source.delay = 0",
            f"{smu}.source.autorangev = 0 {smu}.source.rangev = {literal(scale)}",
            f"{smu}.source.limiti = {literal(amperes)}",
            f"print({smu}.source.limiti, {smu}.source.rangev, {smu}.source.levelv)",
            count=3,
        )
        names = ("a compliance", "a source range", "a level")
        for what, unit, wanted, value in zip(names, "AVV", (amperes, scale, 0.0), kept, strict=True):
            if not abs(value - wanted) <= 1e-6 * abs(wanted):
                raise self.complaint(f"channel {channel} keeps {what} of {value:g} {unit}, not {wanted:g} {unit}")
        self._limits[channel] = (amperes, highest_volts)

    def switch_output(self, channel: str, *, on: bool) -> None:
        """Switch an output at level 0 V; on only after `limit`, and only while the box still keeps that limit."""
        smu = self._smu(channel)
        self._autozero.forget()
        if on:
            limit = literal(self._limit_of(channel)[0])
            kept = f"{smu}.source.levelv == 0 and math.abs({smu}.source.limiti / {limit} - 1) < 1e-6"
            action = f"if {kept} then {smu}.source.output = 1 end"
        else:
            action = f"{smu}.source.levelv = 0 {smu}.source.output = 0"
        asked = f"print({smu}.source.output, {smu}.source.levelv, {smu}.source.limiti)"
        state = self.state(action, asked, count=3)
        if state[0] != on:
            problem = f"channel {channel} did not go {'on' if on else 'off'}: output, level and limit are {state}"
            raise self.complaint(f"{problem}; bring it to 0 V, set its limit again, and check the interlock", action)

    def outputs(self) -> Mapping[str, bool]:
        """Ask which outputs are on."""
        asked = ", ".join(f"smu{channel}.source.output" for channel in self.channels)
        state = self.state(f"print({asked})", count=len(self.channels))
        return {channel: value == 1 for channel, value in zip(self.channels, state, strict=True)}

    def level(self, volts: Mapping[str, float]) -> None:
        """Set levels in one message; LimitExceeded beyond what `limit` was told."""
        self._check_levels(tuple(volts), np.array([list(volts.values())], float))
        self.run(" ".join(f"smu{channel}.source.levelv = {literal(value)}" for channel, value in volts.items()))

    def read_currents(
        self, channels: Sequence[str], aperture_seconds: float, range_amperes: float | None
    ) -> ShotReadings:
        """Read currents at the present levels, one shot; several channels integrate at the same time.

        Raises:
            CannotDo: there is no such aperture or range.
        """
        with self._meters(channels, aperture_seconds, range_amperes) as meters:
            printed = self.script(*scripts.reading(channels, meters), seconds=SLOWNESS * aperture_seconds)
            return self._readings(["0", *printed], channels, 1)

    def run_shots(self, shots: Shots) -> ShotReadings:
        """Hold and read a sequence, as one script; levels are at 0 V afterwards, also after an error.

        Autozero is done at the beginning if it is due, see `instruments.autozero`, and never between two readings.

        Raises:
            CannotDo: there is no such aperture or range.
            LimitExceeded: a level is beyond what `limit` was told.
            InstrumentError: the box complains, or an output is off.
            Stopped: `abort` was called.
        """
        self._check_levels(shots.channels, shots.volts)
        each = shots.settle_seconds + SLOWNESS * shots.aperture_seconds + 0.01

        def piece(part: slice) -> ShotReadings:
            some = replace(shots, volts=shots.volts[part])
            with self._meters(shots.read, shots.aperture_seconds, shots.range_amperes) as meters:
                printed = self.script(*scripts.shots(some, meters), seconds=each * len(some))
                return self._readings(printed, shots.read, len(some))

        return joined_readings(self._in_pieces(shots.channels, len(shots), piece))

    def run_pulses(self, pulses: Pulses) -> DeliveredPulses:
        """Apply a sequence of pulses with the timers of the box; both channels step within `SKEW_SECONDS`.

        Raises:
            CannotDo: the pulses are shorter than `facts.shortest_pulse_seconds`.
            LimitExceeded, InstrumentError, Stopped: as in `run_shots`.
        """
        self._check_levels(pulses.channels, pulses.volts)
        if not pulses.seconds >= SHORTEST_PULSE_SECONDS:
            shortest = f"its shortest is {SHORTEST_PULSE_SECONDS:g} s"
            raise CannotDo(f"{self.name}: a pulse of {pulses.seconds:g} s is too short; {shortest}")
        scales = [self.facts.range_for(self._limit_of(channel)[0]) for channel in pulses.channels]
        each = pulses.seconds + scripts.PULSE_GAP_SECONDS

        def piece(part: slice) -> DeliveredPulses:
            some = replace(pulses, volts=pulses.volts[part])
            lines = scripts.pulses(some, scales, self.facts.line_hertz)
            return self._delivered(some, self.script(*lines, seconds=2 * each * len(some)))

        return joined_pulses(self._in_pieces(pulses.channels, len(pulses), piece), each)

    def make_safe(self) -> None:
        """Bring every level to 0 V, then switch every output off, verified; each step even if one before failed.

        Raises:
            InstrumentError: an output is not off, or the box does not answer.
        """
        self._limits.clear()
        self._autozero.forget()
        smus = [f"smu{channel}" for channel in self.channels]
        state = ", ".join(f"{smu}.source.output, {smu}.source.levelv" for smu in smus)
        kept = self._insist(
            *(f"{smu}.abort()" for smu in smus),
            *(f"{smu}.source.levelv = 0" for smu in smus),
            *(f"{smu}.source.leveli = 0" for smu in smus),
            *(f"{smu}.source.output = 0" for smu in smus),
            f"print({state})",
        )
        if any(self.parsed(kept, 2 * len(smus))):
            problem = f"does not go to 0 V and off: output and level of {', '.join(smus)} are {kept}"
            raise self.complaint(f"{problem}; switch it off by hand")

    # ---- checks ----

    def _smu(self, channel: str) -> str:
        if channel not in self.channels:
            raise UsageError(f"{self.name} has no channel {channel!r}; it has {' and '.join(self.channels)}")
        return f"smu{channel}"

    def _limit_of(self, channel: str) -> tuple[float, float]:
        self._smu(channel)
        if channel not in self._limits:
            raise UsageError(f"{self.name}: channel {channel} needs a limit first")
        return self._limits[channel]

    def _source_range(self, amperes: float, highest_volts: float) -> float:
        """Return the smallest source range for the levels; CannotDo if there is none, or no such compliance."""
        lowest, highest = self.model.limits_amperes
        if not lowest <= amperes <= highest:
            raise CannotDo(f"{self.name}: compliance {amperes:g} A is not within {lowest:g} to {highest:g} A")
        fitting = [scale for scale in self.model.source_ranges_volts if scale * self.model.reach >= highest_volts >= 0]
        if not fitting:
            largest = self.model.source_ranges_volts[-1]
            raise CannotDo(f"{self.name}: level {highest_volts:g} V is not within 0 to {largest:g} V")
        return fitting[0]

    def _require_zero(self, channel: str) -> None:
        smu = self._smu(channel)
        asked = f"print({smu}.source.func, {smu}.source.output, {smu}.source.levelv)"
        function, output, level = self.state(asked, count=3)
        if function != 1 and output == 1:
            raise self.complaint(f"channel {channel} sources a current with its output on; switch that off first")
        if level != 0:
            raise self.complaint(f"channel {channel} is at {level:g} V; bring it to 0 V first")

    def _check_levels(self, channels: Sequence[str], volts: FloatArray) -> None:
        for channel, levels in zip(channels, volts.T, strict=True):
            self._smu(channel)
            worst = np.max(np.abs(levels), initial=0.0)
            if worst == 0:  # safe whatever the limit is, and so needs none
                continue
            highest = self._limit_of(channel)[1]
            if not worst <= highest:
                raise LimitExceeded(f"{self.name}: level {worst:g} V of channel {channel} exceeds its {highest:g} V")

    @contextmanager
    def _meters(
        self, channels: Sequence[str], aperture_seconds: float, range_amperes: float | None
    ) -> Iterator[list[str]]:
        """Give the statements that make the meters ready; CannotDo if they cannot be as asked."""
        (shortest, longest), scales = self.facts.aperture_seconds, self.model.range_amperes
        if not shortest * (1 - 1e-9) <= aperture_seconds <= longest * (1 + 1e-9):
            raise CannotDo(f"{self.name}: aperture {aperture_seconds:g} s is not within {shortest:g} to {longest:g} s")
        if range_amperes is not None and range_amperes > scales[-1]:
            raise CannotDo(f"{self.name}: no current range holds {range_amperes:g} A; the largest is {scales[-1]:g} A")
        scale = None if range_amperes is None else self.facts.range_for(range_amperes)
        cycles = min(max(aperture_seconds * self.facts.line_hertz, CYCLES[0]), CYCLES[1])
        lines = []
        with self._autozero.due(channels, aperture_seconds) as stale:
            for channel in channels:
                smu = self._smu(channel)
                lines += [f"{smu}.measure.analogfilter = 0"] if self.model.analog_filter else []
                lines += scripts.meter(channel, cycles, scale, LOWEST_AUTORANGE_AMPERES, zeroing=channel in stale)
            yield lines

    # ---- sequences ----

    def _in_pieces(self, channels: Sequence[str], count: int, piece: Callable[[slice], Piece]) -> list[Piece]:
        """Run a sequence in as many scripts as it takes; whatever happens, the levels are at 0 V afterwards."""
        aborts, done = self._aborts, []
        try:
            for part in pieces(count, LONGEST_SEQUENCE):
                if self._aborts != aborts:
                    raise Stopped
                done.append(piece(part))
        except BaseException as error:
            self._back_to_zero(channels, error)
            raise
        return done

    def _back_to_zero(self, channels: Sequence[str], error: BaseException) -> None:
        """End what runs and bring the levels to 0 V, after an error that is not to be hidden."""
        try:
            if self._waiting:  # the script may still be running
                self.abort()
            self.run(*(f"smu{channel}.abort()" for channel in channels), *scripts.zero(channels))
        except InstrumentError as second:
            error.add_note(f"and its levels may not be at 0 V: {second}")

    def _columns(self, printed: Sequence[str], lines: int, count: int) -> FloatArray:
        """Return what a script printed, shape (lines, count); InstrumentError if it is not that."""
        try:
            return np.array([numbers(line) for line in printed], float).reshape(lines, count)
        except ValueError as error:
            problem = f"sent something else than {lines} lines of {count} numbers"
            raise self.complaint(problem, reply="\n".join(printed)) from error

    def _readings(self, printed: Sequence[str], channels: Sequence[str], count: int) -> ShotReadings:
        """Return what a script printed: times, then readings, statuses and ranges of one channel after another."""
        start, *found = self._columns(printed, 1 + 3 * len(channels), count)
        amperes, statuses, scales = np.reshape(found, (len(channels), 3, count)).transpose(1, 2, 0)
        over = np.abs(amperes) > SENTINEL
        amperes = np.where(over, np.nan, amperes)
        flags = np.where(over, Flag.OVERFLOW, 0) | np.where(np.isnan(amperes), Flag.INVALID, 0) | _limited(statuses)
        return ShotReadings(amperes, flags.astype(np.uint8), scales, start)

    def _delivered(self, pulses: Pulses, printed: Sequence[str]) -> DeliveredPulses:
        *statuses, seconds = self._columns(printed, len(pulses.channels) + 1, len(pulses))
        flags = _limited(np.array(statuses)).T
        late = np.abs(np.diff(seconds) - pulses.seconds - scripts.PULSE_GAP_SECONDS)
        if np.max(late, initial=0.0) > PULSE_JITTER_SECONDS:
            problem = f"did not keep the time of its pulses, by {np.max(late):g} s: nobody knows how long they were"
            raise self.complaint(f"{problem}; read the cells before anything else", reply="\n".join(printed))
        steps = np.full((len(pulses), 1), pulses.seconds)
        return DeliveredPulses(steps, pulses.volts[:, np.newaxis, :], flags.astype(np.uint8), seconds - seconds[0])


def _limited(statuses: FloatArray) -> Any:
    return np.where(np.nan_to_num(statuses).astype(int) & COMPLIANCE_STATUS, Flag.COMPLIANCE, 0)


class Keithley2602B(Keithley2600B):
    """Keithley 2602B: 40 V, 3 A."""

    models = ("2602B",)
    model = MODEL_2602B
    smua = Instrument.ChannelCreator(Keithley2600Channel, "a", collection="smus", model=MODEL_2602B)
    smub = Instrument.ChannelCreator(Keithley2600Channel, "b", collection="smus", model=MODEL_2602B)

    def __init__(self, adapter: Adapter | str | int, name: str = "Keithley 2602B", **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)


class Keithley2612B(Keithley2600B):
    """Keithley 2612B: 200 V, 1.5 A."""

    models = ("2612B",)
    model = MODEL_2612B
    smua = Instrument.ChannelCreator(Keithley2600Channel, "a", collection="smus", model=MODEL_2612B)
    smub = Instrument.ChannelCreator(Keithley2600Channel, "b", collection="smus", model=MODEL_2612B)

    def __init__(self, adapter: Adapter | str | int, name: str = "Keithley 2612B", **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)


class Keithley2636B(Keithley2600B):
    """Keithley 2636B: 200 V, 1.5 A, current ranges from 100 pA."""

    models = ("2636B",)
    model = MODEL_2636B
    smua = Instrument.ChannelCreator(Keithley2600Channel, "a", collection="smus", model=MODEL_2636B)
    smub = Instrument.ChannelCreator(Keithley2600Channel, "b", collection="smus", model=MODEL_2636B)

    def __init__(self, adapter: Adapter | str | int, name: str = "Keithley 2636B", **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)
