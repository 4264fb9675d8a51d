"""Keithley 2450 in its SCPI mode as it answers on the wire: one channel, limits, sweeps and named buffers.

Page numbers are those of the 2450 reference manual (2450-901-01 rev. B). What has none is from memory, unverified.
"""

from __future__ import annotations

import math

from instruments.virtual.series2450.tables import HIGH_POWER_VOLTS, LOW_POWER_AMPERES, METER, REACH, SETTINGS
from instruments.virtual.series2450.triggers import Triggering
from instruments.virtual.series2450tsp.languages import TwoLanguages
from labmtj.virtual.scpi.errors import SCPIError
from labmtj.virtual.scpi.sourcemeter import Sheet
from labmtj.virtual.scpi.table import Call, command
from labmtj.virtual.scpi.values import Word


class Keithley2450(TwoLanguages, Triggering):
    """The box."""

    sheet = Sheet.of(METER, REACH, REACH)
    manual_of = "Keithley 2450 (SCPI)"
    queue_depth = 1000
    settings = SETTINGS
    names_in = "instruments.virtual.series2450"

    def identity(self) -> str:
        """Return the answer to `*IDN?` (B-5)."""
        return f"KEITHLEY INSTRUMENTS INC.,MODEL 2450,{self.box.serial},1.0.0i"

    @command("*LANG?")
    def _language(self) -> str:
        return self.language

    @command("*LANG")
    def _set_language(self, call: Call) -> None:
        self.language = Word("SCPI|TSP|SCPI2400").read(call.arguments, "SCPI")  # counts from the next power-on

    def check_power(self, channel: int, **changed: float) -> None:
        """Refuse what exceeds the power of the box."""
        volts, amperes = self.power_of(channel, changed)
        if volts > HIGH_POWER_VOLTS and amperes > LOW_POWER_AMPERES:
            raise SCPIError(-221)

    @command("[:SOURce#]:VOLTage:ILIMit[:LEVel]:TRIPped?", "[:SOURce#]:CURRent:VLIMit[:LEVel]:TRIPped?")
    def _tripped(self) -> str:
        return self.tripped(1)

    @command("[:SOURce#]:VOLTage:PROTection[:LEVel]:TRIPped?", "[:SOURce#]:CURRent:PROTection[:LEVel]:TRIPped?")
    def _protection_tripped(self) -> str:
        return "1" if self.protected(1) else "0"

    def protection(self, channel: int) -> float:
        """Return the most volts that the overvoltage protection of the present source lets out."""
        values = self.values[channel]
        word = str(values[f"{values['function']} protection"])
        return math.inf if word == "NONE" else float(word.removeprefix("PROT"))

    @command(*(f"[:SENSe#]:{node}:RANGe:AUTO:ULIMit?" for node in ("VOLTage[:DC]", "CURRent[:DC]")))
    def _highest_range(self, call: Call) -> str:
        return self.highest_range(call, 1)

    @command(":OUTPut#:INTerlock:TRIPped?")
    def _interlock(self) -> str:
        return "1" if self.interlock_closed else "0"

    @command(":SYSTem:BEEPer[:IMMediate]", ":DISPlay:ENABle")
    def _accepted(self, _call: Call) -> None:
        """Do nothing that could be noticed."""
