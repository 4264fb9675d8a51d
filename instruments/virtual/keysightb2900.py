"""Keysight B2901A, B2902A, B2911A and B2912A as they answer on the wire: pulses and lists on channels in step.

Page numbers are those of the B2900 SCPI command reference (edition 2); UG = user's guide, B296x = the low-noise source
of the same command family, used where the page was not readable. What has none is from memory, unverified.
"""

from __future__ import annotations

from typing import ClassVar

from instruments.virtual.seriesb2900.sequences import Sequencing
from instruments.virtual.seriesb2900.tables import (
    DEFAULT_CYCLES,
    ELEMENT_CHOICES,
    INTERLOCK_VOLTS,
    ITEMS,
    LONGEST_APERTURE,
    MEASURE_REACH,
    MOST_IN_LIST,
    MOST_READINGS,
    POWER,
    REACH,
    SHORTEST_APERTURE,
    TRIGGER_PARTS,
    TRIGGERS,
    meter,
    settings,
)
from labmtj.virtual.scpi.errors import SCPIError
from labmtj.virtual.scpi.meter_commands import MIDDLES
from labmtj.virtual.scpi.sourcemeter import Sheet, names
from labmtj.virtual.scpi.table import Call, after, check, command
from labmtj.virtual.scpi.values import Number, Numbers, spelling


class KeysightB2901A(Sequencing):
    """One channel."""

    sheet = Sheet.of(meter(1), REACH, MEASURE_REACH)
    model: ClassVar[str] = "B2901A"
    manual_of = "Keysight B2900A"
    queue_depth = 100
    interlock_error = -221
    settings = settings(20e-6)  # the shortest timer (datasheet p17)
    names_in = "instruments.virtual.seriesb2900"

    def identity(self) -> str:
        """Return the answer to `*IDN?`."""
        return f"Keysight Technologies,{self.model},{self.box.serial},3.4.2011.5100"

    def error_reply(self, code: int, text: str) -> str:
        """Return an error with its sign, also for none (5-2)."""
        return f'{code:+d},"{text}"'

    def reset(self) -> None:
        """Be as after `*RST`; the error queue stays (5-2)."""
        super().reset()
        for channel in self.suffixes:
            self.values[channel]["aperture"] = DEFAULT_CYCLES / self.box.line_hertz

    # What is accepted

    def check_power(self, channel: int, **changed: float) -> None:
        """Refuse more amperes than the model gives at this voltage."""
        volts, amperes = self.power_of(channel, changed)
        allowed = next((most for reach, most in POWER if volts <= reach), 0.0)
        if volts > 6.3 and amperes > allowed:
            raise SCPIError(-221)

    @check("output")
    def check_output(self, _name: str, channel: int, on: bool) -> bool:  # noqa: FBT001 (called by position)
        """Refuse high voltage while the interlock is open."""
        values = self.values[channel]
        high = abs(values["VOLT level"] if values["function"] == "VOLT" else values["VOLT limit"]) > INTERLOCK_VOLTS
        return super().check_output(_name, channel, on) if high else on

    @after(*(f"{layer}all {part}" for layer in ("", "arm ") for part in TRIGGER_PARTS))
    def _set_both(self, name: str, channel: int) -> None:
        for trigger in TRIGGERS:
            self.values[channel][name.replace("all", trigger)] = self.values[channel][name]

    @after(*names("q step"))
    def _count_points(self, name: str, channel: int) -> None:
        values, quantity = self.values[channel], name[:4]
        if values[name]:
            points = abs((values[f"{quantity} stop"] - values[f"{quantity} start"]) / values[name]) + 1
            values[f"{quantity} points"] = min(round(points), MOST_IN_LIST)

    @after("sweep points")
    def _share_points(self, name: str, channel: int) -> None:
        for shared in names("q points"):
            self.values[channel][shared] = self.values[channel][name]

    @after(*names("q level"))
    def _set_peak(self, name: str, channel: int) -> None:
        self.values[channel][name.replace("level", "peak")] = self.values[channel][name]

    def aperture(self, channel: int) -> float:
        """Return the seconds of one conversion."""
        return float(self.values[channel]["aperture"])

    @command(":SENSe#:CURRent[:DC]:NPLCycles", ":SENSe#:VOLTage[:DC]:NPLCycles", ":SENSe#:RESistance:NPLCycles")
    def _set_cycles(self, call: Call) -> None:
        line = self.box.line_hertz
        kind = Number(SHORTEST_APERTURE * line, LONGEST_APERTURE * line, clamps=True)
        self.values[call.channel]["aperture"] = kind.read(call.arguments, DEFAULT_CYCLES) / line

    @command(":SENSe#:CURRent[:DC]:NPLCycles?", ":SENSe#:VOLTage[:DC]:NPLCycles?", ":SENSe#:RESistance:NPLCycles?")
    def _cycles(self, call: Call) -> str:
        return self.number_style % (self.aperture(call.channel) * self.box.line_hertz)

    def wired(self, channel: int) -> bool:
        """Whether the low terminal is where the chip has its ground."""
        return bool(self.values[channel]["low"] == "GRO")

    @check("low")
    def _check_low(self, _name: str, channel: int, low: str) -> str:
        if self.values[channel]["output"] and low != self.values[channel]["low"]:
            raise SCPIError(-221)
        return low

    @after("low")
    def _move_low(self, _name: str, channel: int) -> None:
        self.apply(channel)

    @command(":SENSe#:CURRent[:DC]:PROTection:TRIPped?", ":SENSe#:VOLTage[:DC]:PROTection:TRIPped?")
    def _tripped(self, call: Call) -> str:
        return self.tripped(call.channel)

    # Answers

    @command(*(f":MEASure{item}?" for item in ("", ":VOLTage[:DC]", ":CURRent[:DC]", ":RESistance")))
    def _measure(self, call: Call) -> str:
        channels, item = self.channels_named(call), self._item(call)
        for channel in channels:
            self.functions[channel] |= {item} if item else set()
        self.spot(channels)
        return self.show([self.readings[channel][-1:] for channel in channels], (item,) if item else self.elements)

    @staticmethod
    def _item(call: Call) -> str | None:
        """Return the element that a query names, None for those that are chosen."""
        last = call.header.rstrip("?").removesuffix(":DC").rpartition(":")[2]
        return spelling(ELEMENT_CHOICES, last)

    @command(*(f":FETCh[:SCALar]{item}?" for item in ITEMS))
    def _fetch(self, call: Call) -> str:
        return self._last(call, 1)

    @command(*(f":FETCh:ARRay{item}?" for item in ITEMS))
    def _fetch_all(self, call: Call) -> str:
        return self._last(call, MOST_READINGS)

    @command(*(f":READ[:SCALar]{item}?" for item in ITEMS))
    def _read(self, call: Call) -> str | None:
        self.initiate(call)
        return None if self.stopped.is_set() or self.waiting else self._last(call, 1)

    @command(*(f":READ:ARRay{item}?" for item in ITEMS))
    def _read_all(self, call: Call) -> str | None:
        self.initiate(call)
        return None if self.stopped.is_set() or self.waiting else self._last(call, MOST_READINGS)

    def _last(self, call: Call, most: int) -> str:
        found = [self.readings[channel][-most:] for channel in self.channels_named(call)]
        if not any(found):
            raise SCPIError(-230)
        item = self._item(call)
        return self.show(found, (item,) if item else self.elements)

    # The rest

    @command(*(f"[:SOURce#]:LIST:{node}:APPend" for node in ("VOLTage", "CURRent")))
    def _append(self, call: Call) -> None:
        name, most = ("VOLT list", 210.0) if ":VOLT" in call.header else ("CURR list", 3.03)
        extended = self.values[call.channel][name] + Numbers(-most, most, MOST_IN_LIST).read(call.arguments, ())
        if len(extended) > MOST_IN_LIST:
            raise SCPIError(-223)
        self.values[call.channel][name] = extended

    @command(*(f"[:SOURce#]:{node}" for node in MIDDLES))
    def _set_middle(self, call: Call) -> None:
        self.set_middle(call, call.channel)

    @command(*(f"[:SOURce#]:{node}?" for node in MIDDLES))
    def _asked_middle(self, call: Call) -> str:
        return self.asked_middle(call, call.channel)

    @command(*(f":SENSe#:{node}:RANGe:AUTO:ULIMit?" for node in ("VOLTage[:DC]", "CURRent[:DC]")))
    def _highest_range(self, call: Call) -> str:
        return self.highest_range(call, call.channel)

    @command("[:SOURce#]:LIST:VOLTage:POINts?")
    def _volts_in_list(self, call: Call) -> str:
        return str(len(self.values[call.channel]["VOLT list"]))

    @command("[:SOURce#]:LIST:CURRent:POINts?")
    def _amperes_in_list(self, call: Call) -> str:
        return str(len(self.values[call.channel]["CURR list"]))

    @command(":SYSTem:INTerlock:TRIPped?")
    def _interlock(self) -> str:
        return "0" if self.interlock_closed else "1"

    @command(":SYSTem:BEEPer[:IMMediate]", ":SYSTem:LFRequency", ":SYSTem:COMMunicate:ENABle")
    def _accepted(self, _call: Call) -> None:
        """Do nothing that could be noticed."""

    @command(":SYSTem:COMMunicate:ENABle?")
    def _enabled(self, _call: Call) -> str:
        return "1"


class KeysightB2902A(KeysightB2901A):
    """Two channels."""

    model = "B2902A"
    suffixes = frozenset({1, 2})


class KeysightB2911A(KeysightB2901A):
    """One channel, with the 10 nA range and faster timers."""

    model = "B2911A"
    sheet = Sheet.of(meter(0), REACH, MEASURE_REACH)
    settings = settings(10e-6)


class KeysightB2912A(KeysightB2911A):
    """Two channels, with the 10 nA range and faster timers."""

    model = "B2912A"
    suffixes = frozenset({1, 2})
