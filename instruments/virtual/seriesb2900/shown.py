"""What a reading of a B2900 shows: the functions that are measured, the elements that are sent, and their format."""

from __future__ import annotations

from collections.abc import Sequence

from instruments.virtual.seriesb2900.status import Reporting
from instruments.virtual.seriesb2900.tables import (
    BIT_COMPLIANCE,
    BIT_CURRENT_SOURCE,
    BIT_OVERFLOW,
    ELEMENT_CHOICES,
    ELEMENTS,
)
from labmtj.virtual.network.unit import NO_VALUE, Measured
from labmtj.virtual.scpi.blocks import block
from labmtj.virtual.scpi.errors import SCPIError
from labmtj.virtual.scpi.meter_commands import function_named
from labmtj.virtual.scpi.table import Call, command, one
from labmtj.virtual.scpi.values import only, spelling


class Shown(Reporting):
    """A B2900 that can word readings."""

    def reset(self) -> None:
        """Be as after `*RST`: volts and amperes are measured, all elements shown."""
        self.functions = {channel: {"VOLT", "CURR"} for channel in sorted(self.suffixes)}
        self.elements: tuple[str, ...] = ELEMENTS
        self._format = "ASC"
        super().reset()

    @command(":SENSe#:FUNCtion[:ON]")
    def _measure_also(self, call: Call) -> None:
        only(call.arguments, 9)
        self.functions[call.channel] |= {function_named(argument) for argument in call.arguments}

    @command(":SENSe#:FUNCtion:OFF")
    def _measure_not(self, call: Call) -> None:
        only(call.arguments, 9)
        self.functions[call.channel] -= {function_named(argument) for argument in call.arguments}

    @command(":SENSe#:FUNCtion[:ON]:ALL")
    def _measure_all(self, call: Call) -> None:
        self.functions[call.channel] = {"VOLT", "CURR", "RES"}

    @command(":SENSe#:FUNCtion:OFF:ALL")
    def _measure_nothing(self, call: Call) -> None:
        self.functions[call.channel] = set()

    @command(":SENSe#:FUNCtion[:ON]?")
    def _measured(self, call: Call) -> str:
        return ",".join(f'"{each}"' for each in ELEMENTS[:3] if each in self.functions[call.channel]) or '""'

    @command(":FORMat:ELEMents:SENSe#")
    def _choose_elements(self, call: Call) -> None:
        only(call.arguments, 9)
        chosen = {spelling(ELEMENT_CHOICES, argument) for argument in call.arguments}
        if None in chosen:
            raise SCPIError(-224)
        self.elements = tuple(each for each in ELEMENTS if each in chosen)  # in this order, whatever the list's

    @command(":FORMat:ELEMents:SENSe#?")
    def _chosen_elements(self, _call: Call) -> str:
        return ",".join(self.elements)

    @command(":FORMat[:DATA]")
    def _set_format(self, call: Call) -> None:
        word = spelling("ASCii|REAL", only(call.arguments, 2))
        length = call.arguments[1] if len(call.arguments) > 1 else "32"
        if word is None or (word == "REAL" and length not in ("32", "64")):
            raise SCPIError(-224)
        self._format = word if word == "ASC" else f"REAL,{length}"

    @command(":FORMat[:DATA]?")
    def _shown_format(self) -> str:
        return self._format

    def row(self, channel: int, shown: Measured, level: float, opened: float) -> list[float]:
        """Return all elements of a reading."""
        functions = self.functions[channel]
        volts = shown.volts if "VOLT" in functions else NO_VALUE
        amperes = shown.amperes if "CURR" in functions else NO_VALUE
        ohms = shown.volts / shown.amperes if "RES" in functions and shown.amperes else NO_VALUE
        bits = (
            (BIT_CURRENT_SOURCE, self.values[channel]["function"] == "CURR"),
            (BIT_COMPLIANCE, shown.limited),
            (BIT_OVERFLOW, shown.overflow),
        )
        return [volts, amperes, ohms, opened, float(sum(bit for bit, present in bits if present)), level]

    def show(self, found: Sequence[list[list[float]]], elements: Sequence[str]) -> str:
        """Return the readings of all channels in turn; a channel with fewer is filled up."""
        places = [ELEMENTS.index(each) for each in elements]
        missing = [NO_VALUE] * len(ELEMENTS)
        rows = (
            readings[index] if index < len(readings) else missing
            for index in range(max(map(len, found)))
            for readings in found
        )
        return self._formatted([row[place] for row in rows for place in places])

    def _formatted(self, numbers: Sequence[float]) -> str:
        if self._format == "ASC":
            return ",".join(self.number_style % each for each in numbers)
        letter = "f" if self._format.endswith("32") else "d"
        return block(numbers, letter, swapped=self.values[1]["border"] == "SWAP", counted=True)

    @command(":SENSe#:FUNCtion[:ON]:COUNt?")
    def _count_measured(self, call: Call) -> str:
        return str(len(self.functions[call.channel]))

    @command(":SENSe#:FUNCtion:OFF?")
    def _not_measured(self, call: Call) -> str:
        return ",".join(f'"{each}"' for each in ELEMENTS[:3] if each not in self.functions[call.channel]) or '""'

    @command(":SENSe#:FUNCtion:OFF:COUNt?")
    def _count_not_measured(self, call: Call) -> str:
        return str(3 - len(self.functions[call.channel]))

    @command(":SENSe#:FUNCtion:STATe?")
    def _is_measured(self, call: Call) -> str:
        return "1" if function_named(one(call)) in self.functions[call.channel] else "0"
