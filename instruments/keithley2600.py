"""Keithley 2600B source-measure units with two channels: sequences run as scripts, pulses in the trigger model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from pymeasure.adapters import Adapter
from pymeasure.instruments import Instrument

from instruments import keithley2600scripts as scripts
from instruments.keithley2600channel import (
    CYCLES,
    MODEL_2602B,
    MODEL_2612B,
    MODEL_2636B,
    Keithley2600Channel,
)
from instruments.keithley2600relied import ANALOG_FILTER
from instruments.keithley2600source import SHORTEST_PULSE_SECONDS, Keithley2600Source
from instruments.pieces import Answer, in_a_row, pieces
from instruments.relied_on import commands
from instruments.smumodel import check_aperture, check_width
from instruments.tspnumbers import SENTINEL, numbers
from labmtj.errors import CannotDo, InstrumentError, Stopped
from labmtj.quantities import Flag, FloatArray
from labmtj.shots import DeliveredPulses, Pulses, ShotReadings, Shots

SKEW_SECONDS = 0.5e-6
"""Between edges of two channels that follow one trigger event (from memory, unverified); answers do not resolve it."""
PULSE_JITTER_SECONDS = 20e-6
"""How far the stamps of two pulses may be from what was asked for, before the box is not believed."""
LOWEST_AUTORANGE_AMPERES = 100e-9
"""Autorange goes no lower: the ranges below it take tens of milliseconds and more to settle."""
COMPLIANCE_STATUS = 0x40
"""Bit of a status in a reading buffer: the source was limited (from memory, unverified)."""
LONGEST_SEQUENCE = 2000
"""Points of one script; longer sequences take several messages."""
SLOWNESS = 5.0
"""A sequence may take this many times its apertures (autorange, autozero) before the box is given up."""


class Keithley2600B(Keithley2600Source):
    """What the models with two channels share; implements `labmtj.verbs.SourceMeasureUnit`."""

    def read_currents(
        self, channels: Sequence[str], aperture_seconds: float, range_amperes: float | None
    ) -> ShotReadings:
        """Read currents at the present levels, one shot; several channels integrate at the same time.

        Raises:
            CannotDo: there is no such aperture or range.
        """
        with self._meters(channels, aperture_seconds, range_amperes) as meters:
            lines = scripts.reading(channels, meters, self._on - set(channels))
            printed = self.script(*lines, seconds=SLOWNESS * aperture_seconds)
            return self._readings(["0", *printed], channels, 1)

    def run_shots(self, shots: Shots) -> ShotReadings:
        """Hold and read a sequence, as one script; levels are at 0 V afterwards, also after an error.

        Autozero is done at the beginning if it is due, see `instruments.autozero`, and never between two readings.

        Raises:
            CannotDo: there is no such aperture or range.
            LimitExceeded: a level is beyond the limit set by `limit`.
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

        return in_a_row(self._in_pieces(shots.channels, len(shots), piece), 0.0)

    def run_pulses(self, pulses: Pulses) -> DeliveredPulses:
        """Apply a sequence of pulses with the timers of the box; both channels step within `SKEW_SECONDS`.

        Raises:
            CannotDo: the pulses are shorter than `facts.shortest_pulse_seconds`.
            LimitExceeded, InstrumentError, Stopped: as in `run_shots`.
        """
        self._check_levels(pulses.channels, pulses.volts)
        check_width(self.name, pulses.seconds, SHORTEST_PULSE_SECONDS)
        scales = [self.facts.range_for(self._limit_of(channel)[0]) for channel in pulses.channels]
        each = pulses.seconds + scripts.PULSE_GAP_SECONDS

        def piece(part: slice) -> DeliveredPulses:
            some = replace(pulses, volts=pulses.volts[part])
            lines = scripts.pulses(some, scales, self.facts.line_hertz)
            return self._delivered(some, self.script(*lines, seconds=2 * each * len(some)))

        return in_a_row(self._in_pieces(pulses.channels, len(pulses), piece), each)

    @contextmanager
    def _meters(
        self, channels: Sequence[str], aperture_seconds: float, range_amperes: float | None
    ) -> Iterator[list[str]]:
        """Give the statements that make the meters ready; CannotDo if they cannot be as asked."""
        check_aperture(self.name, self.facts, aperture_seconds)
        scales = self.model.range_amperes
        if range_amperes is not None and range_amperes > scales[-1]:
            raise CannotDo(f"{self.name}: no current range holds {range_amperes:g} A; the largest is {scales[-1]:g} A")
        scale = None if range_amperes is None else self.facts.range_for(range_amperes)
        cycles = min(max(aperture_seconds * self.facts.line_hertz, CYCLES[0]), CYCLES[1])
        lines = []
        with self._autozero.due(channels, aperture_seconds) as stale:
            for channel in channels:
                self._known(channel)
                lines += commands(ANALOG_FILTER, channel) if self.model.analog_filter else []
                lines += scripts.meter(channel, cycles, scale, LOWEST_AUTORANGE_AMPERES, zeroing=channel in stale)
            yield lines

    # ---- sequences ----

    def _in_pieces(self, channels: Sequence[str], count: int, piece: Callable[[slice], Answer]) -> list[Answer]:
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
            with self.bounded_wait():
                if self._waiting:  # the script may still be running
                    self.abort()
                self.run(*(f"smu{channel}.abort()" for channel in channels), *scripts.zero(channels))
        except InstrumentError as second:
            if second is not error:  # a restart is reported again
                error.add_note(f"and its levels may not be at 0 V: {second}")

    def _columns(self, printed: Sequence[str], lines: int, count: int) -> FloatArray:
        """Return what a script printed, shape (lines, count); InstrumentError if it is not that."""
        try:
            return np.array([numbers(line) for line in printed], float).reshape(lines, count)
        except ValueError as error:
            problem = f"did not send {lines} lines of {count} numbers"
            raise self.lost(problem, reply="\n".join(printed)) from error

    def _readings(self, printed: Sequence[str], channels: Sequence[str], count: int) -> ShotReadings:
        """Return what a script printed: times, channels that held their limit, then by channel what was read."""
        start, limited, *found = self._columns(printed, 2 + 3 * len(channels), count)
        amperes, statuses, scales = np.reshape(found, (len(channels), 3, count)).transpose(1, 2, 0)
        self._require_times(start)
        over = np.abs(amperes) > SENTINEL
        amperes, scales = np.where(over, np.nan, amperes), np.where(np.abs(scales) > SENTINEL, np.nan, scales)
        flags = np.where(over, Flag.OVERFLOW, 0) | np.where(np.isnan(amperes), Flag.INVALID, 0) | _limited(statuses)
        flags |= np.where(limited > 0, Flag.COMPLIANCE, 0)[:, np.newaxis]  # a source that is not read drives the others
        return ShotReadings(amperes, flags.astype(np.uint8), scales, start)

    def _require_times(self, seconds: FloatArray) -> None:
        if not (np.abs(seconds) < SENTINEL).all():
            raise self.lost("does not report the times of its readings", reply=str(seconds))

    def _delivered(self, pulses: Pulses, printed: Sequence[str]) -> DeliveredPulses:
        *statuses, seconds = self._columns(printed, len(pulses.channels) + 1, len(pulses))
        self._require_times(seconds)
        flags = _limited(np.array(statuses)).T
        late = np.abs(np.diff(seconds) - pulses.seconds - scripts.PULSE_GAP_SECONDS)
        if np.max(late, initial=0.0) > PULSE_JITTER_SECONDS:
            problem = f"did not keep the time of its pulses, by {np.max(late):g} s: their widths are unknown"
            raise self.complaint(f"{problem}; read the cells before anything else", reply="\n".join(printed))
        steps = np.full((len(pulses), 1), pulses.seconds)
        return DeliveredPulses(steps, pulses.volts[:, np.newaxis, :], flags.astype(np.uint8), seconds - seconds[0])


def _limited(statuses: FloatArray) -> Any:
    """Return the flags of status words; one that is no number is INVALID."""
    known = np.abs(statuses) < SENTINEL
    words = np.where(known, statuses, 0).astype(int)
    return np.where(known, np.where(words & COMPLIANCE_STATUS, Flag.COMPLIANCE, 0), Flag.INVALID)


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
