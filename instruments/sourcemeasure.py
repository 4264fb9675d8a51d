"""The verbs of a source-measure unit that are the same for all SCPI units: limit, output, level, sequences, safety."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, ClassVar, TypeVar

import numpy as np

from instruments.scpi import SCPIInstrument, decoded, text, texts, without_sentinels
from labmtj.errors import CannotDo, InstrumentError, LimitExceeded, Stopped, UsageError
from labmtj.quantities import Flag, FloatArray
from labmtj.shots import DeliveredPulses, Pulses, ShotReadings, Shots, UnitFacts

PIECE_SECONDS = 2.0
"""A longer sequence goes out in pieces: a stop is heeded between two of them, on every interface."""
TOLERANCE = 1e-3
"""how far a limit that is read back may be from what was set, as a fraction: the box rounds to its resolution"""
PATIENCE = 4
"""times the expected duration of a sequence before it counts as lost: autorange and autozero take their time"""
Answer = TypeVar("Answer", ShotReadings, DeliveredPulses)


@dataclass(frozen=True, slots=True)
class Commands:
    """What a brand calls the things that every unit has, with {ch} for the number of the channel."""

    function: str
    level: str
    source_range: str
    limit: str
    output: str
    prepare: tuple[str, ...]
    """make a channel a fixed voltage source and a current meter, and leave its output as it is"""
    current_range: str
    end_sequence: tuple[str, ...]
    """stop every kind of sequence and go back to a fixed level"""
    abort: str


@dataclass(frozen=True, slots=True)
class Model:
    """What the data sheet of a model says, and what one sequence may hold."""

    facts: UnitFacts
    """without line frequency and apertures, which follow from the box"""
    apertures_in_line_cycles: tuple[float, float] | None
    """None where the facts give them in seconds"""
    source_ranges_volts: tuple[float, ...]
    source_reach: float
    """highest level of a range as a fraction of it"""
    longest_sequence: int
    """points"""
    point_seconds: float
    """what a point of a sequence takes beyond settling and aperture, at most"""
    status: Mapping[int, Flag]
    """what bits of the status word of a reading mean"""


class SourceMeasure(SCPIInstrument):
    """Implements `labmtj.verbs.SourceMeasureUnit`; a brand adds its commands, its facts and how it runs a sequence."""

    channels: tuple[str, ...] = ("1",)
    commands: ClassVar[Commands]
    model: ClassVar[Model]

    def __init__(self, adapter: Any, name: str, **kwargs: Any) -> None:
        self._limits: dict[str, tuple[float, float]] = {}
        self._stop = threading.Event()
        super().__init__(adapter, name, **kwargs)

    # What a brand adds

    def _spot(self, channels: Sequence[str], aperture_seconds: float, range_amperes: float | None) -> ShotReadings:
        """Read once at the present levels."""
        raise NotImplementedError

    def _sequence(self, shots: Shots) -> ShotReadings:
        """Run a sequence of at most `longest_sequence` shots; levels are at 0 V when it returns."""
        raise NotImplementedError

    # Verbs

    @cached_property
    def facts(self) -> UnitFacts:
        """What the model can do, with the line frequency of the box."""
        hertz = self.number(self.exchange(":SYST:LFR?")[0])
        facts, cycles = replace(self.model.facts, line_hertz=hertz), self.model.apertures_in_line_cycles
        return facts if cycles is None else replace(facts, aperture_seconds=(cycles[0] / hertz, cycles[1] / hertz))

    def limit(self, channel: str, amperes: float, highest_volts: float) -> None:
        """Set the compliance and a fixed source range, at level 0 V; both are read back.

        Args:
            channel: one of `channels`.
            amperes: the compliance, for both signs.
            highest_volts: the highest level that `level`, `run_shots` and `run_pulses` will accept from now on.

        Raises:
            CannotDo: the model has no such compliance or level.
            InstrumentError: the level is not 0 V, or the box keeps another value than it was given.
        """
        volts_range = self._source_range(amperes, highest_volts)
        self._require_zero(channel)
        self._limits.pop(channel, None)
        level, span, limit, meter = (
            self._header(name, channel) for name in ("level", "source_range", "limit", "current_range")
        )
        scale, lowest = self._widest(amperes), self.model.facts.range_amperes[0]
        kept = self.exchange(
            *(each.format(ch=channel) for each in self.commands.prepare), f"{span} {text(volts_range)}",
            # a limit far below the present current range is refused, by some boxes silently; and a current range below
            # the limit would itself limit the source, so the range rests at the limit whenever nothing is read
            f"{meter} {text(lowest)}", f"{limit} {text(amperes)}", f"{meter} {text(scale)}",
            f"{limit}?", f"{span}?", f"{level}?",
        )  # fmt: skip
        kept_amperes, kept_range, kept_level = (self.number(reply) for reply in kept)
        self._compare("compliance", "A", amperes, kept_amperes)
        # some boxes answer with the highest level of the range instead of its name
        self._compare("source range", "V", volts_range, kept_range, self.model.source_reach - 1 + TOLERANCE)
        self._compare("level", "V", 0.0, kept_level)
        self._limits[channel] = (amperes, highest_volts)

    def switch_output(self, channel: str, *, on: bool) -> None:
        """Switch an output at level 0 V; on only after `limit`, and only while the box still keeps that limit."""
        if on and channel not in self._limits:
            raise UsageError(f"{self.name}: channel {channel} needs a limit before its output goes on")
        self._require_zero(channel)
        if on:
            kept = self.number(self.exchange(f"{self._header('limit', channel)}?")[0])
            self._compare("compliance", "A", self._limits[channel][0], kept)
        output = self._header("output", channel)
        if self.number(self.exchange(f"{output} {int(on)}", f"{output}?")[0]) != on:
            raise self.complaint(f"did not switch output {channel} {'on' if on else 'off'}; check its interlock")

    def outputs(self) -> Mapping[str, bool]:
        """Ask which outputs are on."""
        replies = self.exchange(*(f"{self._header('output', channel)}?" for channel in self.channels))
        return {channel: self.number(reply) != 0 for channel, reply in zip(self.channels, replies, strict=True)}

    def level(self, volts: Mapping[str, float]) -> None:
        """Set levels in one message; LimitExceeded beyond what `limit` was told."""
        self._check_levels(tuple(volts), np.array([list(volts.values())], float))
        self.exchange(*(f"{self._header('level', channel)} {text(value)}" for channel, value in volts.items()))

    def read(  # another verb than PyMeasure's, which is `receive` here
        self, channels: Sequence[str], aperture_seconds: float, range_amperes: float | None
    ) -> ShotReadings:
        """Read currents at the present levels, one shot; CannotDo for an aperture that the model lacks."""
        self._check_aperture(aperture_seconds)
        for channel in channels:
            self._limit_of(channel)
        with self.patience(PATIENCE * aperture_seconds):
            return self._spot(tuple(channels), aperture_seconds, range_amperes)

    def run_shots(self, shots: Shots) -> ShotReadings:
        """Hold and read a sequence as list sweeps on the box; levels are at 0 V afterwards, also after an error.

        Raises:
            CannotDo: the model has no such aperture.
            LimitExceeded: a level is beyond what `limit` was told.
            InstrumentError: the box complains.
            Stopped: `abort` was called.
        """
        self._check_levels(shots.channels, shots.volts)
        self._check_aperture(shots.aperture_seconds)
        each = shots.settle_seconds + shots.aperture_seconds + self.model.point_seconds
        return self._in_pieces(
            len(shots), each, self.model.longest_sequence,
            lambda part: self._sequence(replace(shots, volts=shots.volts[part])),
        )  # fmt: skip

    def run_pulses(self, pulses: Pulses) -> DeliveredPulses:
        """Apply pulses as a list sweep that alternates with 0 V; every width is measured by the clock of the box.

        Raises:
            CannotDo: the width is too short for the model.
            LimitExceeded, InstrumentError, Stopped: as in `run_shots`.
        """
        self._check_levels(pulses.channels, pulses.volts)
        self._check_width(pulses.seconds)
        return self._in_pieces(
            len(pulses), self._pulse_seconds(pulses.seconds), (self.model.longest_sequence - 1) // 2,
            lambda part: self._pulse_train(replace(pulses, volts=pulses.volts[part])),
        )  # fmt: skip

    def abort(self) -> None:
        """Stop a running sequence, from any thread; the sequence raises Stopped."""
        self._stop.set()
        self.interrupt(self.commands.abort)

    def make_safe(self) -> None:
        """Bring every level to 0 V, then switch every output off, verified; every step even if one before failed.

        Raises:
            InstrumentError: the first failure.
        """
        self._limits.clear()
        steps = [self._end_sequences, *(self._zero_and_off(name) for name in ("level", "output"))]
        failures = [failure for failure in map(self._attempt, steps) if failure]
        if failures:
            raise failures[0]

    def shutdown(self) -> None:
        """Make the instrument safe."""
        self.make_safe()
        self.isShutdown = True

    # Safety

    def _end_sequences(self) -> None:
        ends = self.commands.end_sequence
        self.exchange(*(each.format(ch=channel) for channel in self.channels for each in ends))

    def _zero_and_off(self, name: str) -> Callable[[], None]:
        def step() -> None:
            headers = [self._header(name, channel) for channel in self.channels]
            kept = self.exchange(*(part for header in headers for part in (f"{header} 0", f"{header}?")))
            if any(self.number(reply) for reply in kept):
                raise self.complaint(f"does not bring every {name} to 0; switch it off by hand", reply=";".join(kept))

        return step

    @staticmethod
    def _attempt(step: Callable[[], None]) -> InstrumentError | None:
        try:
            step()
        except InstrumentError as error:
            return error
        return None

    def _require_zero(self, channel: str) -> None:
        asked = [f"{self._header(name, channel)}?" for name in ("function", "level", "output")]
        function, level, output = self.exchange(*asked)
        if self.number(level):
            raise self.complaint(f"channel {channel} is at {level} V; bring it to 0 V first")
        if not function.upper().startswith("VOLT") and self.number(output):
            raise self.complaint(f"channel {channel} sources a current with its output on; switch that off first")

    def _compare(self, what: str, unit: str, wanted: float, kept: float, tolerance: float = TOLERANCE) -> None:
        if abs(kept - wanted) > tolerance * abs(wanted):
            raise self.complaint(
                f"keeps a {what} of {kept:.6g} {unit} instead of {wanted:.6g} {unit}; its output must stay off until"
                f" the {what} is one that it accepts"
            )

    # Checks

    def _header(self, name: str, channel: str) -> str:
        if channel not in self.channels:
            raise UsageError(f"{self.name} has no channel {channel!r}; it has {', '.join(self.channels)}")
        return str(getattr(self.commands, name)).format(ch=channel)

    def _limit_of(self, channel: str) -> tuple[float, float]:
        self._header("limit", channel)
        if channel not in self._limits:
            raise UsageError(f"{self.name}: channel {channel} needs a limit first")
        return self._limits[channel]

    def _source_range(self, amperes: float, highest_volts: float) -> float:
        facts, model = self.model.facts, self.model
        if not 0 < amperes <= facts.highest_amperes:
            raise CannotDo(f"{self.name}: compliance {amperes:g} A is not within 0 to {facts.highest_amperes:g} A")
        fitting = [each for each in model.source_ranges_volts if each * model.source_reach >= highest_volts]
        if not (0 <= highest_volts <= facts.highest_volts and fitting):
            raise CannotDo(f"{self.name}: level {highest_volts:g} V is not within 0 to {facts.highest_volts:g} V")
        return fitting[0]

    def _check_levels(self, channels: tuple[str, ...], volts: FloatArray) -> None:
        for channel, levels in zip(channels, volts.T, strict=True):
            highest = self._limit_of(channel)[1]
            worst = np.max(np.abs(levels), initial=0.0)
            if not worst <= highest:
                raise LimitExceeded(f"{self.name}: level {worst:g} V of channel {channel} exceeds its {highest:g} V")

    def _check_aperture(self, seconds: float) -> None:
        shortest, longest = self.facts.aperture_seconds
        if not shortest * (1 - 1e-9) <= seconds <= longest * (1 + 1e-9):
            raise CannotDo(f"{self.name}: aperture {seconds:g} s is not within {shortest:g} to {longest:g} s")

    def _check_width(self, seconds: float) -> None:
        shortest = self.model.facts.shortest_pulse_seconds
        if not seconds >= shortest:
            raise CannotDo(f"{self.name}: a pulse of {seconds:g} s is too short; its shortest is {shortest:g} s")

    def _scale(self, channel: str, range_amperes: float) -> float:
        """Return the smallest range that holds a current, but none above the limit: no box reads beyond that."""
        facts = self.model.facts
        if range_amperes > facts.range_amperes[-1]:
            raise CannotDo(f"{self.name}: no current range holds {range_amperes:g} A")
        return min(facts.range_for(range_amperes), self._rest(channel))

    def _rest(self, channel: str) -> float:
        """Return the current range of a channel that is not read."""
        return self._widest(self._limits[channel][0])

    def _widest(self, limit_amperes: float) -> float:
        facts = self.model.facts
        return facts.range_for(limit_amperes / facts.over_range)

    def _range_command(self, channel: str, shots: Shots) -> str:
        header = self._header("current_range", channel)
        if channel not in shots.read:
            return f"{header} {text(self._rest(channel))}"
        if shots.range_amperes is None:
            return f"{header}:AUTO 1"
        return f"{header} {text(self._scale(channel, shots.range_amperes))}"

    def _rest_command(self, channel: str) -> str:
        return f"{self._header('current_range', channel)} {text(self._rest(channel))}"

    def _scales(self, channels: Sequence[str], range_amperes: float | None, amperes: FloatArray) -> FloatArray:
        """Return the range of every reading (shots, channels); after autorange the smallest that holds it."""
        if range_amperes is not None:
            return np.broadcast_to([self._scale(channel, range_amperes) for channel in channels], amperes.shape)
        scales = np.array(self.model.facts.range_amperes)
        beyond = np.searchsorted(scales, np.abs(np.nan_to_num(amperes, nan=np.inf)))
        return np.asarray(scales[np.minimum(beyond, len(scales) - 1)], float)

    # Sequences

    def _answer(self, shots: Shots, currents: FloatArray, status: FloatArray, starts: FloatArray) -> ShotReadings:
        """Return the readings of the channels that were asked for, from those of all; (shots, channels) each."""
        amperes, flags = without_sentinels(currents)
        flags |= decoded(status, self.model.status)
        scales = self._scales(shots.channels, shots.range_amperes, amperes)
        read = [shots.channels.index(channel) for channel in shots.read]
        return ShotReadings(amperes[:, read], flags[:, read], scales[:, read], starts)

    def _pulse_seconds(self, seconds: float) -> float:
        """Return the time from pulse to pulse in a train."""
        return 2 * (seconds + self.model.point_seconds)

    def _pulse_train(self, pulses: Pulses) -> DeliveredPulses:
        aperture = self.facts.aperture_seconds[0]
        volts = np.zeros((2 * len(pulses) + 1, len(pulses.channels)))
        volts[1::2] = pulses.volts
        largest = max(map(self._rest, pulses.channels))
        read = self._sequence(
            Shots(pulses.channels, volts, pulses.channels, pulses.seconds - aperture, aperture, largest)
        )
        widths = np.diff(read.start_seconds)[::2]  # from the reading at 0 V before a pulse to the one at its end
        return DeliveredPulses(
            widths[:, np.newaxis], pulses.volts[:, np.newaxis, :], read.flags[1::2], read.start_seconds[:-1:2]
        )

    def _in_pieces(self, count: int, each: float, longest: int, run: Callable[[slice], Answer]) -> Answer:
        """Run a sequence in pieces that the box can hold and that leave no stop unheeded for long."""
        self._stop.clear()
        parts: list[Answer] = []
        began, done = time.monotonic(), 0.0
        size = max(1, min(longest, int(PIECE_SECONDS / each)))
        try:
            for first in range(0, count, size):
                if self._stop.is_set():
                    raise Stopped
                start = max(done, time.monotonic() - began) if parts else 0.0
                with self.patience(PATIENCE * each * size):
                    piece = run(slice(first, first + size))
                parts.append(replace(piece, start_seconds=piece.start_seconds + start))
                done = float(parts[-1].start_seconds[-1]) + each
        except BaseException as error:
            self._attempt(self._end_sequences)
            self._attempt(self._zero_and_off("level"))
            if isinstance(error, InstrumentError) and self._stop.is_set():
                raise Stopped from error
            raise
        return joined(parts)


def list_commands(header: str, values: FloatArray, longest: int) -> list[str]:
    """Return the commands that fill a list of levels, `longest` values each."""
    parts = [values[start : start + longest] for start in range(0, len(values), longest)]
    return [f"{header}{':APP' * (index > 0)} {texts(part)}" for index, part in enumerate(parts)]


def joined(parts: Sequence[Answer]) -> Answer:
    """Return the answers of parts of a sequence as one."""
    whole = {each.name: np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(parts[0])}
    return replace(parts[0], **whole)
