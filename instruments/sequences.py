"""Sequences of an SCPI source-measure unit: list sweeps on the box, pulses, and a stop that reaches them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from instruments.pieces import Answer, joined
from instruments.scpi import OVERFLOW, SENTINEL, decoded, text, texts, without_sentinels
from instruments.smumodel import LINE_HERTZ, check_aperture, check_width
from instruments.sourcemeasure import SourceMeasure
from labmtj.errors import InstrumentError, Stopped
from labmtj.quantities import Flag, FloatArray
from labmtj.shots import DeliveredPulses, Pulses, ShotReadings, Shots, UnitFacts

PIECE_SECONDS = 2.0
"""A longer sequence goes out in pieces: a stop is heeded between two of them, on every interface."""
PATIENCE = 4
"""times the expected duration of a sequence before it counts as lost: autorange and autozero take their time"""


class SequencedUnit(SourceMeasure):
    """Implements `labmtj.verbs.SourceMeasureUnit`; a brand adds how it reads once and how it runs a sequence."""

    def __init__(self, adapter: Any, name: str, **kwargs: Any) -> None:
        self._stop = threading.Event()
        super().__init__(adapter, name, **kwargs)

    def _spot(self, channels: Sequence[str], aperture_seconds: float, range_amperes: float | None) -> ShotReadings:
        """Read once at the present levels."""
        raise NotImplementedError

    def _sequence(self, shots: Shots) -> ShotReadings:
        """Run a sequence of at most `longest_sequence` shots; levels are at 0 V when it returns."""
        raise NotImplementedError

    @cached_property
    def facts(self) -> UnitFacts:
        """What the model can do, with the line frequency of the box."""
        reply = self.exchange(":SYST:LFR?")[0]
        hertz = self.number(reply)
        if not LINE_HERTZ[0] <= hertz <= LINE_HERTZ[1]:
            raise self.taint(f"takes {hertz:g} Hz for the frequency of the power line", reply)
        return self.model.facts_at(hertz)

    def read_currents(
        self, channels: Sequence[str], aperture_seconds: float, range_amperes: float | None
    ) -> ShotReadings:
        """Read currents at the present levels, one shot; CannotDo for an aperture that the model lacks."""
        check_aperture(self.name, self.facts, aperture_seconds)
        for channel in channels:
            self._limit_of(channel)
        with self.patience(PATIENCE * aperture_seconds):
            return self._spot(tuple(channels), aperture_seconds, range_amperes)

    def run_shots(self, shots: Shots) -> ShotReadings:
        """Hold and read a sequence as list sweeps on the box; levels are at 0 V afterwards, also after an error.

        Raises:
            CannotDo: the model has no such aperture.
            LimitExceeded: a level is beyond the limit set by `limit`.
            InstrumentError: the box complains.
            Stopped: `abort` was called.
        """
        self._check_levels(shots.channels, shots.volts)
        check_aperture(self.name, self.facts, shots.aperture_seconds)
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
        check_width(self.name, pulses.seconds, self.model.facts.shortest_pulse_seconds)
        return self._in_pieces(
            len(pulses), self._pulse_seconds(pulses.seconds), (self.model.longest_sequence - 1) // 2,
            lambda part: self._pulse_train(replace(pulses, volts=pulses.volts[part])),
        )  # fmt: skip

    def abort(self) -> None:
        """Stop a running sequence, from any thread; the sequence raises Stopped."""
        self._stop.set()
        self.interrupt(self.commands.abort)

    # For the brands

    def _range_command(self, channel: str, shots: Shots) -> str:
        header = self._header("current_range", channel)
        if shots.range_amperes is None and channel in shots.read:
            return f"{header}:AUTO 1"
        return f"{header} {text(self._range(channel, shots))}"

    def _rest_command(self, channel: str) -> str:
        return f"{self._header('current_range', channel)} {text(self._rest(channel))}"

    def _range(self, channel: str, shots: Shots) -> float:
        """Return the fixed range of a channel: of those that hold the current none above the limit."""
        rest = self._rest(channel)
        if shots.range_amperes is None or channel not in shots.read:
            return rest
        return min(self.model.current_range(self.name, shots.range_amperes), rest)

    def _rest(self, channel: str) -> float:
        return self.model.resting_range(self._limit_of(channel)[0])

    def _answer(self, shots: Shots, currents: FloatArray, status: FloatArray, starts: FloatArray) -> ShotReadings:
        """Return the readings of the channels that were asked for, from those of all; (shots, channels) each.

        A channel that is not asked for but limited makes the others wrong: they are flagged, too.
        """
        if not (np.abs(starts) < SENTINEL).all():
            raise self.taint("does not report the times of its readings", str(starts))
        reported = decoded(status, self.model.status)
        beyond = (reported & np.uint8(Flag.OVERFLOW)) != 0  # whatever number comes with that, it is not the current
        amperes, flags = without_sentinels(np.where(beyond, OVERFLOW, currents))
        flags |= reported
        scales = self.model.ranges_of(amperes)
        if shots.range_amperes is not None:
            scales = np.broadcast_to([self._range(channel, shots) for channel in shots.channels], amperes.shape)
        read = [shots.channels.index(channel) for channel in shots.read]
        unread = [place for place, channel in enumerate(shots.channels) if channel not in shots.read]
        limited = np.bitwise_or.reduce(reported[:, unread] & np.uint8(Flag.COMPLIANCE), axis=1, keepdims=True)
        return ShotReadings(amperes[:, read], flags[:, read] | limited, scales[:, read], starts)

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
        size = max(1, min(longest, count, int(PIECE_SECONDS / each)))
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
            with self.bounded_wait():
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
