"""A source-measure unit of labmtj made from a PyMeasure instrument: one channel, timed by messages.

A subclass says which instrument it is, what its data sheet says, and how six things are done with it. Limits, checks,
read-back, sequences, the error queue, and the way back from a lost answer are here. Questions have no numbers, as those
of labmtj's own drivers have: an answer that comes twice may be taken for the next one.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, TypeVar

import numpy as np

from instruments.limited import LimitedChannels
from instruments.scpi import QUEUE_DEPTH, without_sentinels
from instruments.smumodel import LINE_HERTZ, Model, check_aperture, check_width
from instruments.sourcemeasure import TOLERANCE
from instruments.trust import RESTORE_SECONDS, Garbled, Trust
from instruments.wire import wired
from labmtj.errors import InstrumentError, Stopped
from labmtj.quantities import Flag, FloatArray
from labmtj.shots import DeliveredPulses, Identity, Pulses, ShotReadings, Shots, UnitFacts

Value = TypeVar("Value")
CHANNEL = "1"
PATIENCE = 4
"""times an aperture before a reading counts as lost"""
_ERROR = re.compile(r'\s*([+-]?\d+)\s*,\s*"(.*)"\s*')


class Kept(NamedTuple):
    """What the instrument says that it keeps."""

    volts: float
    """level"""
    range_volts: float
    amperes: float
    """compliance"""
    on: bool


class AdaptedUnit(LimitedChannels, Trust):
    """Implements `labmtj.verbs.SourceMeasureUnit`; the arguments are those of `instruments.session.Session`."""

    models: ClassVar[tuple[str, ...]]
    """what the model may begin with in the identity"""
    model: ClassVar[Model]
    pymeasure: ClassVar[Callable[..., Any]]
    """class of the instrument; called with an adapter and a name, it must send nothing"""
    channels: tuple[str, ...] = (CHANNEL,)

    def __init__(self, adapter: Any, name: str, **kwargs: Any) -> None:
        self.name = name
        self.address = str(adapter if isinstance(adapter, str | int) else getattr(adapter, "resource_name", "adapter"))
        self._limits: dict[str, tuple[float, float]] = {}
        self._is_on, self._left_over, self._stop = False, list[str](), threading.Event()
        settings = {"read_termination": "\n", "write_termination": "\n", "timeout": 5000.0, **kwargs}
        with self.guarded(""):
            self.instrument = type(self).pymeasure(wired(adapter, settings), name)

    # What an adapter says. Each may raise what PyMeasure raises.

    def prepare(self, amperes: float, range_volts: float) -> None:
        """Make it a voltage source on a fixed range with this compliance."""
        raise NotImplementedError

    def kept(self) -> Kept:
        """Ask what it keeps."""
        raise NotImplementedError

    def set_volts(self, volts: float) -> None:
        """Set the level."""
        raise NotImplementedError

    def switch(self, on: bool) -> None:  # noqa: FBT001
        """Switch the output."""
        raise NotImplementedError

    def measure(self, line_cycles: float, range_amperes: float | None, rest_amperes: float) -> float:
        """Return the current on a range, None is autorange; the range is `rest_amperes` when it returns.

        A current range below the compliance would itself limit the source.
        """
        raise NotImplementedError

    def is_limited(self) -> bool:
        """Ask whether the compliance holds the source now."""
        raise NotImplementedError

    # The verbs

    @property
    def adapter(self) -> Any:
        """The adapter of PyMeasure, which a recorder of traffic may replace."""
        return self.instrument.adapter

    @adapter.setter
    def adapter(self, adapter: Any) -> None:
        self.instrument.adapter = adapter

    @cached_property
    def facts(self) -> UnitFacts:
        """What the model can do, with the line frequency of the box."""
        hertz = float(self._done(lambda: self.instrument.ask(":SYST:LFR?")))
        if not LINE_HERTZ[0] <= hertz <= LINE_HERTZ[1]:
            raise self.lost(f"takes {hertz:g} Hz for the frequency of the power line")
        return self.model.facts_at(hertz)

    def identify(self) -> Identity:
        """Ask who answers; raise InstrumentError if it is another model than the class is for."""
        self.expect_nothing()
        reply = self._asked_identity()
        parts = [part.strip() for part in reply.split(",", 3)]
        if len(parts) != 4:
            raise self.lost("gave no identity; check that the address is the right instrument", "*IDN?", reply)
        model = re.sub(r"^MODEL\s+", "", parts[1], flags=re.IGNORECASE)
        if not model.upper().startswith(self.models):
            problem = f"is a {model}, not a {' or '.join(self.models)}; correct driver or resource in the bench file"
            raise self.complaint(problem, "*IDN?", reply)
        self._known_identity, self._left_over = reply, self._errors()
        return Identity(parts[0], model, *parts[2:])

    def self_test(self) -> list[str]:
        """Return the errors that waited in its queue."""
        left, self._left_over = self._left_over, []
        return left

    def limit(self, channel: str, amperes: float, highest_volts: float) -> None:
        """Set compliance and source range at level 0 V, both read back; raises as `SourceMeasure.limit`."""
        volts_range = self.model.source_range(self.name, amperes, highest_volts)
        self._limits.pop(self._known(channel), None)
        self._require_zero()
        self._done(lambda: self.prepare(amperes, volts_range))
        self._compare(self._done(self.kept), amperes, volts_range, self.complaint)
        self._limits[channel] = (amperes, highest_volts)

    def switch_output(self, channel: str, *, on: bool) -> None:
        """Switch the output at level 0 V; on only after `limit`."""
        if on:
            self._limit_of(channel)
        self._require_zero()
        self._done(lambda: self.switch(on))
        if self._done(self.kept).on != on:
            raise self.complaint(f"did not switch its output {'on' if on else 'off'}; check its interlock")
        self._is_on = on

    def outputs(self) -> Mapping[str, bool]:
        """Ask whether the output is on."""
        return {CHANNEL: self._done(self.kept).on}

    def level(self, volts: Mapping[str, float]) -> None:
        """Set the level; LimitExceeded beyond its limit."""
        self._check_levels(tuple(volts), np.array([list(volts.values())], float))
        for value in volts.values():
            self._done(lambda value=value: self.set_volts(value))  # type: ignore[misc]

    def limited(self) -> Mapping[str, bool]:
        """Ask whether the compliance holds the source, if the output is on."""
        return {CHANNEL: self._done(self.is_limited)} if self._is_on else {}

    def read_currents(
        self, channels: Sequence[str], aperture_seconds: float, range_amperes: float | None
    ) -> ShotReadings:
        """Read the current at the present level, one shot; CannotDo for an aperture that the model lacks."""
        check_aperture(self.name, self.facts, aperture_seconds)
        rest = self.model.resting_range(next(self._limit_of(channel)[0] for channel in channels))
        scale = None if range_amperes is None else min(self.model.current_range(self.name, range_amperes), rest)
        with self.patience(PATIENCE * aperture_seconds):
            shown = self._done(lambda: self.measure(aperture_seconds * self.facts.line_hertz, scale, rest))
        amperes, flags = without_sentinels(np.array([[shown]]))
        flags |= np.uint8(Flag.COMPLIANCE if self._done(self.is_limited) else 0)
        scales = self.model.ranges_of(amperes) if scale is None else np.array([[scale]])
        return ShotReadings(amperes, flags, scales, np.zeros(1))

    def run_shots(self, shots: Shots) -> ShotReadings:
        """Hold and read levels one by one; the level is at 0 V afterwards, also after an error."""
        self._check_levels(shots.channels, shots.volts)
        check_aperture(self.name, self.facts, shots.aperture_seconds)

        def read() -> tuple[ShotReadings, float]:
            time.sleep(shots.settle_seconds)
            start = time.monotonic()
            return self.read_currents(shots.read, shots.aperture_seconds, shots.range_amperes), start

        steps = self._steps(shots.volts, read)
        read_at = np.array([start for (_, start), _ in steps])
        parts = [answer for (answer, _), _ in steps]
        amperes, flags, scales = (
            np.concatenate([getattr(each, name) for each in parts]) for name in ("amperes", "flags", "range_amperes")
        )
        return ShotReadings(amperes, flags, scales, read_at - read_at[0] + shots.settle_seconds)

    def run_pulses(self, pulses: Pulses) -> DeliveredPulses:
        """Apply pulses that this computer times; the width is from message to message."""
        self._check_levels(pulses.channels, pulses.volts)
        check_width(self.name, pulses.seconds, self.facts.shortest_pulse_seconds)

        def hold() -> tuple[bool, float]:
            start = time.monotonic()
            time.sleep(pulses.seconds)
            return self._done(self.is_limited), start

        steps = self._steps(pulses.volts, hold, zero_between=True)
        starts = np.array([start for (_, start), _ in steps])
        widths = np.array([end for _, end in steps]) - starts
        flags = np.array([[np.uint8(Flag.COMPLIANCE if limited else 0)] for (limited, _), _ in steps])
        return DeliveredPulses(widths[:, np.newaxis], pulses.volts[:, np.newaxis, :], flags, starts - starts[0])

    def abort(self) -> None:
        """Stop a running sequence, from any thread, after the step that it is at."""
        self._stop.set()

    def send_safe(self) -> None:
        """Bring the level to 0 V and the output off, unasked."""
        with suppress(Exception):
            self.set_volts(0.0)
        with suppress(Exception):
            self.switch(False)  # noqa: FBT003

    def make_safe(self) -> None:
        """Bring the level to 0 V, then the output off, verified; once more if that fails."""
        for last in (False, True):
            self.expect_nothing()
            self.send_safe()
            try:
                kept = self._done(self.kept)
            except InstrumentError:
                if last:
                    raise
                continue
            if not (kept.volts or kept.on):
                return
        raise self.complaint(f"stays at {kept.volts:g} V with its output {'on' if kept.on else 'off'}; do it by hand")

    def expect_nothing(self) -> None:
        """Forget limits and output."""
        super().expect_nothing()
        self._limits.clear()
        self._is_on = False

    # The wire

    def _done(self, act: Callable[[], Value]) -> Value:
        """Do something with the instrument; InstrumentError if it complains or does not answer."""
        self.ready()
        with self.guarded(getattr(act, "__name__", "")):
            try:
                value = act()
            except (IndexError, KeyError, TypeError) as error:  # PyMeasure, of an answer that it cannot read
                raise Garbled(f"answered something that PyMeasure cannot read ({error!r})") from error
            numbers = value if isinstance(value, tuple) else (value,)
            if any(not isinstance(each, int | float | str | None) for each in numbers):
                raise Garbled(f"answered {value!r}, which is not a number")
        if entries := self._errors():
            raise self.complaint(f"reports {'; '.join(entries)}")
        return value

    def _errors(self) -> list[str]:
        """Empty the error queue and return what was in it."""
        entries: list[str] = []
        while len(entries) < QUEUE_DEPTH:
            with self.guarded(":SYST:ERR?"):
                reply = str(self.instrument.ask(":SYST:ERR?"))
            entry = _ERROR.fullmatch(reply)
            if entry is None:
                raise self.lost("answered something that is not an entry of an error queue", ":SYST:ERR?", reply)
            if not int(entry[1]):
                return entries
            entries.append(f"error {entry[1]}, {entry[2].split(';')[0]}")
        with self.guarded("*CLS"):
            self.instrument.write("*CLS")
        return entries

    def _steps(
        self, volts: FloatArray, act: Callable[[], Value], *, zero_between: bool = False
    ) -> list[tuple[Value, float]]:
        """Return what an act gives at each level, and when that was left; the level is at 0 V afterwards."""
        self._stop.clear()
        results = list[tuple[Value, float]]()
        try:
            for level in volts[:, 0].tolist():
                if self._stop.is_set():
                    raise Stopped
                self.level({CHANNEL: level})
                value = act()
                if zero_between:
                    self.level({CHANNEL: 0.0})
                results.append((value, time.monotonic()))
            self.level({CHANNEL: 0.0})
        except BaseException:
            with suppress(Exception):
                self.set_volts(0.0)
            raise
        return results

    def _require_zero(self) -> None:
        if volts := self._done(self.kept).volts:
            raise self.complaint(f"channel {CHANNEL} is at {volts:g} V; bring it to 0 V first")

    def _compare(
        self, kept: Kept, amperes: float, volts_range: float, failed: Callable[[str], InstrumentError]
    ) -> None:
        reach = self.model.source_reach - 1 + TOLERANCE
        near_range = abs(kept.range_volts - volts_range) <= reach * volts_range
        if not (near_range and abs(kept.amperes - amperes) <= TOLERANCE * amperes):
            raise failed(
                f"keeps a compliance of {kept.amperes:.6g} A on a {kept.range_volts:g} V range instead of "
                f"{amperes:.6g} A on {volts_range:g} V"
            )

    def _confirm_settings(self) -> None:
        for amperes, highest_volts in self._limits.values():
            kept = self._done(self.kept)
            self._compare(kept, amperes, self.model.source_range(self.name, amperes, highest_volts), self.forgotten)
            if kept.on != self._is_on:
                raise self.forgotten(f"its output is {'on' if kept.on else 'off'} by itself")
        if entries := self._errors():
            raise self.complaint(f"reports {'; '.join(entries)}")

    def _clear(self) -> None:
        """Drop what was about to be answered: over a new connection where the interface has no device clear."""
        if self.address.upper().endswith("INSTR"):
            super()._clear()
        else:
            self._reopen(RESTORE_SECONDS)

    def _echo(self) -> None:
        self._asked_identity()

    def _asked_identity(self) -> str:
        self.ready()
        with self.guarded("*IDN?"):
            return str(self.instrument.ask("*IDN?")).strip()
