"""Limits, outputs and levels of a Keithley 2600B: whatever is set is read back before it counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from pymeasure.adapters import Adapter
from pymeasure.instruments import Instrument

from instruments import keithley2600names as names
from instruments.autozero import Autozero
from instruments.factorynames import NameTest
from instruments.keithley2600channel import CYCLES, Keithley2600Channel, Model
from instruments.keithley2600relied import AT_LIMITING, LIMITS, SAFE
from instruments.keithley2600scripts import switching_on
from instruments.limited import LimitedChannels
from instruments.relied_on import commands, compared, questions, refusals
from instruments.smumodel import LINE_HERTZ
from instruments.tsp import TSPInstrument
from instruments.tspnumbers import literal
from labmtj.errors import CannotDo
from labmtj.shots import UnitFacts

SHORTEST_PULSE_SECONDS = 100e-6
"""Programmable; settled into any load from 150 us (2606B data sheet; for these models from memory, unverified)."""
SETTLE_SECONDS = 100e-6
"""To 0.1 % on ranges up to 6 V, typical (2600B data sheet p. 15; 2 V range of 2612B and 2636B unverified)."""


class Keithley2600Source(LimitedChannels, TSPInstrument):
    """The sources of a box with two channels."""

    model: ClassVar[Model]
    channels: tuple[str, ...] = ("a", "b")
    smus: dict[str, Keithley2600Channel]
    unsafe_state = "outputs may be on"
    _functions_are_own = False
    """whether the functions that readings rely on are those of the factory"""

    def __init__(self, adapter: Adapter | str | int, name: str, **kwargs: Any) -> None:
        self._limits: dict[str, tuple[float, float]] = {}
        self._on: set[str] = set()
        """channels whose output was switched on"""
        self._autozero = Autozero()
        super().__init__(adapter, name, **kwargs)

    line_hertz = Instrument.measurement(
        "print(localnode.linefreq)", """Get the frequency of the power line in hertz (float)."""
    )

    @cached_property
    def facts(self) -> UnitFacts:
        """What the model can do, with the line frequency of the box."""
        hertz = float(self.line_hertz)
        if not LINE_HERTZ[0] <= hertz <= LINE_HERTZ[1]:
            raise self.lost(f"takes {hertz:g} Hz for the frequency of the power line", "print(localnode.linefreq)")
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
        """Set compliance, a fixed source range and all else that is relied on, at level 0 V; all is read back.

        Args:
            channel: one of `channels`.
            amperes: the compliance, for both signs.
            highest_volts: the highest level that is taken from now on.

        Raises:
            CannotDo: the model has no such compliance or level.
            InstrumentError: the level is not 0 V, or the box keeps another value of a setting, which it names.
        """
        smu, scale = self._smu(channel), self._source_range(amperes, highest_volts)
        self._limits.pop(channel, None)
        self._require_zero(channel)
        asked = questions(AT_LIMITING, channel)
        answers = self.run(
            *commands(AT_LIMITING, channel),
            *commands(LIMITS, channel, volts=literal(scale), amperes=literal(amperes)),
            f"print({smu}.source.limiti, {smu}.source.rangev, {smu}.source.levelv)",
            f"print({', '.join(asked)})",
        )
        limit, others = self.each(answers, 2)
        kept = self.parsed(limit, 3)
        self._refuse(channel, self.parsed(others, len(asked)))
        kinds = ("a compliance", "a source range", "a level")
        for what, unit, wanted, value in zip(kinds, "AVV", (amperes, scale, 0.0), kept, strict=True):
            if not abs(value - wanted) <= 1e-6 * abs(wanted):
                raise self.complaint(f"channel {channel} keeps {what} of {value:g} {unit}, not {wanted:g} {unit}")
        self._limits[channel] = (amperes, highest_volts)

    def _refuse(self, channel: str, kept: Sequence[float]) -> None:
        """Raise InstrumentError for settings of the table that are not as wanted."""
        if problems := refusals(AT_LIMITING, kept):
            raise self.complaint(f"channel {channel}: {'; '.join(problems)}")

    def switch_output(self, channel: str, *, on: bool) -> None:
        """Switch an output at level 0 V; on only after `limit`, and only while the box still keeps that limit."""
        smu = self._smu(channel)
        self._autozero.forget()
        if on:
            action = switching_on(channel, self._limit_of(channel)[0])
            self.require_own_names()
        else:
            action = f"{smu}.source.levelv = 0 {smu}.source.output = 0"
        asked = f"print({smu}.source.output, {smu}.source.levelv, {smu}.source.limiti)"
        self._on.discard(channel)
        state = self.state(action, asked, count=3)
        if state[0] != on:
            problem = f"channel {channel} did not go {'on' if on else 'off'}: output, level and limit are {state}"
            raise self.complaint(f"{problem}; bring it to 0 V, set its limit again, and check the interlock", action)
        if on:
            self._on.add(channel)
            self._require_own_functions(channel)

    def outputs(self) -> Mapping[str, bool]:
        """Ask which outputs are on."""
        asked = ", ".join(f"smu{channel}.source.output" for channel in self.channels)
        state = self.state(f"print({asked})", count=len(self.channels))
        return {channel: value == 1 for channel, value in zip(self.channels, state, strict=True)}

    def level(self, volts: Mapping[str, float]) -> None:
        """Set levels in one message; LimitExceeded beyond the limit set by `limit`.

        Raises:
            InstrumentError: when it was made safe, a name was found that a script has redefined.
        """
        self._refuse_redefined()  # arming does this before a relay moves
        self._check_levels(tuple(volts), np.array([list(volts.values())], float))
        self.run(" ".join(f"smu{channel}.source.levelv = {literal(value)}" for channel, value in volts.items()))

    def limited(self) -> Mapping[str, bool]:
        """Ask, in one message, which channels with an output on are limited at their present levels."""
        on = [channel for channel in self.channels if channel in self._on]
        if not on:
            return {}
        asked = ", ".join(f"smu{channel}.source.compliance and 1 or 0" for channel in on)
        return {
            channel: value == 1 for channel, value in zip(on, self.state(f"print({asked})", count=len(on)), strict=True)
        }

    def expect_nothing(self) -> None:
        """Forget limits, outputs and meters."""
        super().expect_nothing()
        self._functions_are_own = False
        self._limits.clear()
        self._on.clear()
        self._autozero.forget()

    def _confirm_settings(self) -> None:
        for channel, (amperes, highest_volts) in self._limits.items():
            smu, scale = self._smu(channel), self._source_range(amperes, highest_volts)
            asked = [f"{smu}.source.limiti", f"{smu}.source.rangev", f"{smu}.source.output"]
            asked += questions(AT_LIMITING, channel)
            limit, span, output, *others = self.state(f"print({', '.join(asked)})", count=len(asked))
            if problems := refusals(AT_LIMITING, others):
                raise self.forgotten(f"channel {channel} keeps another setting: {'; '.join(problems)}")
            if not (abs(limit / amperes - 1) <= 1e-6 and abs(span / scale - 1) <= 1e-6):
                raise self.forgotten(f"channel {channel} keeps a compliance of {limit:g} A on a {span:g} V range")
            if (output == 1) != (channel in self._on):
                raise self.forgotten(f"output {channel} is {'on' if output == 1 else 'off'} by itself")

    def make_safe(self) -> None:
        """Bring every level to 0 V and 0 A, then switch every output off, verified; each even if one before failed.

        Sweeps are ended, and outputs that are off source 0 V with a limit of 1 mA.

        Raises:
            InstrumentError: an output is not off, or the box does not answer, or cannot be believed.
        """
        answers = self._insist(names.making_safe(self.channels), *names.questions_if_safe(self.channels))
        for channel, answer in zip(self.channels, self.each(answers, len(self.channels)), strict=True):
            if problems := refusals(SAFE, self.parsed(answer, len(compared(SAFE)))):
                problem = f"does not go to 0 V and off: channel {channel}: {'; '.join(problems)}"
                raise self.complaint(f"{problem}; switch it off by hand", reply=answer)

    def _names_to_make_safe(self) -> list[NameTest]:
        return names.to_make_safe(self.channels)

    def _names_to_work(self) -> list[NameTest]:
        return [*super()._names_to_work(), *names.to_work(self.channels, analog_filter=self.model.analog_filter)]

    def _require_own_functions(self, channel: str) -> None:
        """Raise InstrumentError if a script has redefined what readings rely on; asked once after arming."""
        if self._functions_are_own:
            return
        lines = names.asking(channel, self._limit_of(channel)[0])
        printed = self.run(*lines, seconds=names.DELAY_SECONDS)
        if wrong := names.redefined(printed):
            problem = f"has a {wrong} that a script has redefined; switch it off and on"
            raise self.complaint(problem, "\n".join(lines), "\n".join(printed))
        self._functions_are_own = True

    def _unasked(self) -> list[str]:
        return [*names.making_safe(self.channels, own=False), *names.making_safe(self.channels)]

    def _smu(self, channel: str) -> str:
        return f"smu{self._known(channel)}"

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
