"""Limits, outputs and levels of an SCPI source-measure unit: whatever is set is read back before it counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from instruments.autozero import Autozero
from instruments.limited import LimitedChannels
from instruments.relied_on import ReliedOn
from instruments.scpi import SCPIInstrument, text
from instruments.smumodel import Commands, Model
from labmtj.errors import InstrumentError, UsageError

LEVELS = ("level", "current_level")
"""of a source, whichever function it has"""
TOLERANCE = 1e-3
"""how far a limit that is read back may be from what was set, as a fraction: the box rounds to its resolution"""


class SourceMeasure(LimitedChannels, SCPIInstrument):
    """Limits, outputs and levels of all channels; a brand adds its model and its commands."""

    channels: tuple[str, ...] = ("1",)
    commands: ClassVar[Commands]
    model: ClassVar[Model]

    def __init__(self, adapter: Any, name: str, **kwargs: Any) -> None:
        self._limits: dict[str, tuple[float, float]] = {}
        self._on: set[str] = set()
        """channels whose output was switched on"""
        self._autozero = Autozero()
        super().__init__(adapter, name, **kwargs)

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
        volts_range = self.model.source_range(self.name, amperes, highest_volts)
        self._require_zero(channel)
        self._limits.pop(channel, None)
        self.take_over(self.relied_on(), channel)
        level, span, limit, meter = (
            self._header(name, channel) for name in ("level", "source_range", "limit", "current_range")
        )
        scale, lowest = self.model.resting_range(amperes), self.model.facts.range_amperes[0]
        kept = self.exchange(
            f"{span} {text(volts_range)}",
            # a limit far below the present current range is refused, by some boxes silently; and a current range below
            # the limit would itself limit the source, so the range rests at the limit whenever nothing is read
            f"{meter} {text(lowest)}", f"{limit} {text(amperes)}", f"{meter} {text(scale)}",
            f"{limit}?", f"{span}?", f"{level}?",
        )  # fmt: skip
        kept_amperes, kept_range, kept_level = (self.number(reply) for reply in kept)
        self._compare("compliance", "A", amperes, kept_amperes)
        self._compare("source range", "V", volts_range, kept_range, self._span_tolerance)
        self._compare("level", "V", 0.0, kept_level)
        self._limits[channel] = (amperes, highest_volts)

    def switch_output(self, channel: str, *, on: bool) -> None:
        """Switch an output at level 0 V; on only after `limit`, and only while the box still keeps that limit.

        Raises:
            UsageError: if a channel without a limit is to be switched on.
        """
        if on and channel not in self._limits:
            raise UsageError(f"{self.name}: channel {channel} needs a limit before its output goes on")
        self._autozero.forget()
        self._require_zero(channel)
        if on:
            kept = self.number(self.exchange(f"{self._header('limit', channel)}?")[0])
            self._compare("compliance", "A", self._limits[channel][0], kept)
        output = self._header("output", channel)
        self._on.discard(channel)
        if self.number(self.exchange(f"{output} {int(on)}", f"{output}?")[0]) != on:
            raise self.complaint(f"did not switch output {channel} {'on' if on else 'off'}; check its interlock")
        (self._on.add if on else self._on.discard)(channel)

    def outputs(self) -> Mapping[str, bool]:
        """Ask which outputs are on."""
        replies = self.exchange(*(f"{self._header('output', channel)}?" for channel in self.channels))
        return {channel: self.number(reply) != 0 for channel, reply in zip(self.channels, replies, strict=True)}

    def level(self, volts: Mapping[str, float]) -> None:
        """Set levels in one message; LimitExceeded beyond the limit set by `limit`. 0 V needs no limit."""
        self._check_levels(tuple(volts), np.array([list(volts.values())], float))
        self.exchange(*(f"{self._header('level', channel)} {text(value)}" for channel, value in volts.items()))

    def limited(self) -> Mapping[str, bool]:
        """Ask, in one message, which channels with an output on are limited at their present levels."""
        on = [channel for channel in self.channels if channel in self._on]
        replies = self.exchange(*(self._header("limited", channel) for channel in on))
        return {channel: self.number(reply) != 0 for channel, reply in zip(on, replies, strict=True)}

    def make_safe(self) -> None:
        """Bring every level to 0 V and 0 A, then switch every output off, verified; each even if one before failed.

        Raises:
            InstrumentError: the first step that failed twice.
        """
        self.expect_nothing()
        if self._tainted:
            self.send_safe()
        steps = [self._end_sequences, self._zero_and_off(*LEVELS), self._zero_and_off("output")]
        failures = [failure for failure in map(self._insist, steps) if failure]
        if failures:
            raise failures[0]

    def expect_nothing(self) -> None:
        """Forget limits, outputs and meters."""
        super().expect_nothing()
        self._limits.clear()
        self._on.clear()
        self._autozero.forget()

    def shutdown(self) -> None:
        """Make the instrument safe."""
        self.make_safe()
        self.isShutdown = True

    def relied_on(self) -> tuple[ReliedOn, ...]:
        """Return what the driver relies on, with {ch} for the number of a channel."""
        return self.commands.relied_on

    # Safety

    def _end_sequences(self) -> None:
        self.exchange(*self._ends())

    def _ends(self) -> list[str]:
        return [each.format(ch=channel) for channel in self.channels for each in self.commands.end_sequence]

    def _zero_and_off(self, *names: str) -> Callable[[], None]:
        def step() -> None:
            headers = [self._header(name, channel) for channel in self.channels for name in names]
            kept = self.exchange(*(part for header in headers for part in (f"{header} 0", f"{header}?")))
            if any(self.number(reply) for reply in kept):
                problem = f"does not bring every {names[0]} to 0; switch it off by hand"
                raise self.complaint(problem, reply=";".join(kept))

        return step

    def _unasked(self) -> list[str]:
        names = (*LEVELS, "output")
        return [*self._ends(), *(f"{self._header(name, channel)} 0" for name in names for channel in self.channels)]

    def _insist(self, step: Callable[[], None]) -> InstrumentError | None:
        """Do a step, once more if it fails: errors that others left in the queue, or a restart, stood in the way."""
        if self._attempt(step) is None:
            return None
        self.expect_nothing()
        return self._attempt(step)

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
        if not _near(kept, wanted, tolerance):
            raise self.complaint(
                f"keeps a {what} of {kept:.6g} {unit} instead of {wanted:.6g} {unit}; its output must stay off until"
                f" the {what} is one that it accepts"
            )

    def _confirm_settings(self) -> None:
        for channel, (amperes, highest_volts) in self._limits.items():
            headers = (self._header(name, channel) for name in ("function", "limit", "source_range", "output"))
            function, *kept = self.exchange(*(f"{header}?" for header in headers))
            limit, span, output = map(self.number, kept)
            volts_range = self.model.source_range(self.name, amperes, highest_volts)
            if not function.upper().startswith("VOLT"):
                raise self.forgotten(f"channel {channel} sources another quantity than a voltage ({function})")
            if not _near(limit, amperes, TOLERANCE) or not _near(span, volts_range, self._span_tolerance):
                raise self.forgotten(f"channel {channel} keeps a compliance of {limit:g} A on a {span:g} V range")
            if (output != 0) != (channel in self._on):
                raise self.forgotten(f"output {channel} is {'on' if output else 'off'} by itself")
        self.exchange()

    # Checks

    @property
    def _span_tolerance(self) -> float:
        """Of a source range: some boxes answer with the highest level of the range instead of its name."""
        return self.model.source_reach - 1 + TOLERANCE

    def _header(self, name: str, channel: str) -> str:
        return str(getattr(self.commands, name)).format(ch=self._known(channel))


def _near(kept: float, wanted: float, tolerance: float) -> bool:
    """Return whether a value is what was set, within a fraction of it; no number is not."""
    return abs(kept - wanted) <= tolerance * abs(wanted)
