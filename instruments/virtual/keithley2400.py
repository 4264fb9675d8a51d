"""Keithley 2400 as it answers on the wire: one channel, sweeps, a buffer, and the habits that drivers trip over.

Page numbers are those of the 2400 user's manual (2400S-900-01). What has none is from memory, unverified.
"""

from __future__ import annotations

import math

from instruments.virtual.series2400.readings import Measuring
from instruments.virtual.series2400.tables import (
    ERRORS,
    HIGH_POWER_VOLTS,
    LOW_POWER_AMPERES,
    MOST_IN_LIST,
    MOST_READINGS,
    SETTINGS,
    SHEET,
    SOURCE_REACH,
)
from labmtj.virtual.network.unit import Quantity
from labmtj.virtual.scpi.errors import SCPIError
from labmtj.virtual.scpi.meter_commands import MIDDLES
from labmtj.virtual.scpi.sourcemeter import names
from labmtj.virtual.scpi.table import Call, after, check, command
from labmtj.virtual.scpi.values import Numbers


class Keithley2400(Measuring):
    """The box."""

    sheet = SHEET
    manual_of = "Keithley 2400"
    model = "2400"
    error_texts = ERRORS
    settings = SETTINGS
    names_in = "instruments.virtual.series2400"

    def identity(self) -> str:
        """Return the answer to `*IDN?` (16-3)."""
        return f"KEITHLEY INSTRUMENTS INC.,MODEL {self.model},{self.box.serial},C33   Mar 31 2015 09:32:39/A02  /K/J"

    def event_bit(self, code: int) -> int:
        """Return the bit of an error; those from 800 are execution errors (B-6)."""
        return 16 if 800 <= code < 900 else super().event_bit(code)

    def level(self, channel: int) -> float:
        """Return the level; a sweep leaves its last one until the mode changes."""
        values = self.values[channel]
        swept: float | None = values.get("swept")
        return super().level(channel) if swept is None else swept

    def protection(self, channel: int) -> float:
        """Return the most volts that the voltage protection lets out; above 160 V there is none (18-81)."""
        most: float = abs(self.values[channel]["VOLT protection"])
        return most if most <= 160 else math.inf

    @command("[:SOURce#]:VOLTage:PROTection:TRIPped?")
    def _is_protected(self) -> str:
        return "1" if self.protected(1) else "0"

    @after("VOLT protection")
    def _protect(self, _name: str, channel: int) -> None:
        self.apply(channel)

    @after("delay")
    def _delay_by_hand(self, _name: str, channel: int) -> None:
        self.values[channel]["delay auto"] = False  # a delay that is set ends the automatic one (18-85)

    @after(*names("q mode"), "function")
    def _end_of_sweep(self, _name: str, channel: int) -> None:
        self.values[channel]["swept"] = None
        self.apply(channel)

    @after(*names("q step"))
    def _count_points(self, name: str, channel: int) -> None:
        values, quantity = self.values[channel], name[:4]
        if values[name]:
            points = abs((values[f"{quantity} stop"] - values[f"{quantity} start"]) / values[name]) + 1
            values["points"] = min(round(points), MOST_READINGS)

    # What is refused

    @check(*names("q limit"))
    def _check_lowest_limit(self, name: str, channel: int, limit: float) -> float:
        """Keep the old limit if the new one is below 0.1 % of the measure range (18-68)."""
        if limit < 1e-3 * self.values[channel][f"sense {name[:4]} range"] * (1 - 1e-9):
            raise SCPIError(822)
        return limit

    @check(*names("sense q range"))
    def _check_highest_range(self, name: str, channel: int, full_scale: float) -> float:
        """Refuse a measure range above the one that holds the limit (18-11)."""
        quantity: Quantity = "VOLT" if "VOLT" in name else "CURR"
        highest = SHEET.measured[quantity].holding(self.values[channel][f"{quantity} limit"])
        if self.values[channel]["function"] != quantity and highest is not None and full_scale > highest:
            raise SCPIError(824)
        return full_scale

    def check_power(self, channel: int, **changed: float) -> None:
        """Refuse what exceeds 22 W."""
        volts, amperes = self.power_of(channel, changed)
        if volts > HIGH_POWER_VOLTS and amperes > LOW_POWER_AMPERES:
            raise SCPIError(826)

    # Levels and limits

    @command("[:SENSe#]:CURRent[:DC]:PROTection:TRIPped?", "[:SENSe#]:VOLTage[:DC]:PROTection:TRIPped?")
    def _tripped(self) -> str:
        return self.tripped(1)

    @command("[:SENSe#]:CURRent[:DC]:RANGe:AUTO:ULIMit?", "[:SENSe#]:VOLTage[:DC]:RANGe:AUTO:ULIMit?")
    def _highest_range(self, call: Call) -> str:
        return self.highest_range(call, 1, SOURCE_REACH)

    @command("[:SOURce#]:CLEar[:IMMediate]")
    def _output_off(self) -> None:
        self.values[1]["output"] = False
        self.apply(1)

    @command("[:SOURce#]:LIST:VOLTage:APPend", "[:SOURce#]:LIST:CURRent:APPend")
    def _append(self, call: Call) -> None:
        quantity = self.values[1]["function"]
        kind = Numbers(-210.0, 210.0, MOST_IN_LIST)
        extended = self.values[1][f"{quantity} list"] + kind.read(call.arguments, ())
        if len(extended) > MOST_READINGS:
            raise SCPIError(-223)
        self.values[1][f"{quantity} list"] = extended

    @command("[:SOURce#]:LIST:VOLTage:POINts?")
    def _volts_in_list(self) -> str:
        return str(len(self.values[1]["VOLT list"]))

    @command("[:SOURce#]:LIST:CURRent:POINts?")
    def _amperes_in_list(self) -> str:
        return str(len(self.values[1]["CURR list"]))

    # The rest

    @command(*(f"[:SOURce#]:{node}" for node in MIDDLES))
    def _set_middle(self, call: Call) -> None:
        self.set_middle(call, 1)

    @command(*(f"[:SOURce#]:{node}?" for node in MIDDLES))
    def _asked_middle(self, call: Call) -> str:
        return self.asked_middle(call, 1)

    @command(":SYSTem:BEEPer[:IMMediate]", ":SYSTem:LFRequency")
    def _accepted(self, _call: Call) -> None:
        """Between two messages nothing runs that could be stopped, and the beep is not heard."""
