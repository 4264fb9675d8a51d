"""What a reading of a 2400 shows: the functions that are measured, the elements that are sent, the status word."""

from __future__ import annotations

from collections.abc import Sequence

from instruments.virtual.series2400.tables import (
    BIT_AMPERES_READ,
    BIT_AMPERES_SOURCED,
    BIT_AUTO_OHMS,
    BIT_COMPLIANCE,
    BIT_FILTER,
    BIT_FOUR_WIRES,
    BIT_FRONT,
    BIT_OHMS_READ,
    BIT_OVERFLOW,
    BIT_PROTECTED,
    BIT_RANGE_COMPLIANCE,
    BIT_VOLTS_READ,
    BIT_VOLTS_SOURCED,
    ELEMENT_CHOICES,
    ELEMENTS,
)
from labmtj.virtual.network.unit import NO_VALUE, Measured
from labmtj.virtual.scpi.blocks import block
from labmtj.virtual.scpi.errors import SCPIError
from labmtj.virtual.scpi.meter_commands import MeterCommands, function_named
from labmtj.virtual.scpi.sourcemeter import QUANTITIES, other
from labmtj.virtual.scpi.table import Call, command, one
from labmtj.virtual.scpi.values import only, spelling

BITS_READ = {"VOLT": BIT_VOLTS_READ, "CURR": BIT_AMPERES_READ, "RES": BIT_OHMS_READ}
SPELLED = {"VOLT": '"VOLT:DC"', "CURR": '"CURR:DC"', "RES": '"RES"'}


class Shown(MeterCommands):
    """A 2400 that can word a reading."""

    def reset(self) -> None:
        """Be as after `*RST` (18-11): amperes are measured, all elements shown."""
        self.functions = {"CURR"}
        self.elements: tuple[str, ...] = ELEMENTS
        self._places = list(range(len(ELEMENTS)))
        self._letter = ""
        """of binary numbers; "" for ASCII"""
        super().reset()

    @command("[:SENSe#]:FUNCtion[:ON]")
    def _measure_also(self, call: Call) -> None:
        wanted = [function_named(argument) for argument in call.arguments or (one(call),)]
        self.functions = self.functions | {*wanted} if self.values[1]["concurrent"] else {wanted[0]}

    @command("[:SENSe#]:FUNCtion:OFF")
    def _measure_not(self, call: Call) -> None:
        self.functions = self.functions - {function_named(argument) for argument in call.arguments}

    @command("[:SENSe#]:FUNCtion[:ON]:ALL")
    def _measure_all(self) -> None:
        self.functions = {"VOLT", "CURR", "RES"}

    @command("[:SENSe#]:FUNCtion:OFF:ALL")
    def _measure_nothing(self) -> None:
        self.functions = set()

    @command("[:SENSe#]:FUNCtion[:ON]?")
    def _measured(self) -> str:
        return ",".join(SPELLED[each] for each in SPELLED if each in self.functions) or '""'

    @command(":FORMat:ELEMents[:SENSe#]")
    def _choose_elements(self, call: Call) -> None:
        chosen = {spelling(ELEMENT_CHOICES, argument) for argument in call.arguments or (one(call),)}
        if None in chosen:
            raise SCPIError(-224)
        self.elements = tuple(each for each in ELEMENTS if each in chosen)  # in this order, whatever the list's
        self._places = [ELEMENTS.index(each) for each in self.elements]

    @command(":FORMat:ELEMents[:SENSe#]?")
    def _chosen_elements(self) -> str:
        return ",".join(self.elements)

    @property
    def ohms_by_itself(self) -> bool:
        """Whether resistance is measured with a test current that the box chooses."""
        return "RES" in self.functions and self.values[1]["ohms mode"] == "AUTO"

    def row(self, shown: Measured, level: float | None, started: float) -> list[float]:
        """Return all elements of a reading that the meter showed at a level, None for the one that is set."""
        values, function = self.values[1], self.values[1]["function"]
        sourced = values[f"{function} level"] if level is None else level
        found = {"VOLT": shown.volts, "CURR": shown.amperes}
        for quantity in QUANTITIES:
            if quantity not in self.functions:
                found[quantity] = sourced if quantity == function else NO_VALUE
        ohms = shown.volts / shown.amperes if "RES" in self.functions and shown.amperes else NO_VALUE
        return [found["VOLT"], found["CURR"], ohms, started, float(self._status_word(shown))]

    def _status_word(self, shown: Measured) -> int:
        values = self.values[1]
        limited = other(values["function"])
        by_range = shown.limited and self.limit(1) < values[f"{limited} limit"]
        word = BIT_VOLTS_SOURCED if limited == "CURR" else BIT_AMPERES_SOURCED
        for function in self.functions:
            word |= BITS_READ[function]
        if shown.overflow:
            word |= BIT_OVERFLOW
        if values["filter"]:
            word |= BIT_FILTER
        if values["terminals"] == "FRON":
            word |= BIT_FRONT
        if shown.limited:
            word |= BIT_RANGE_COMPLIANCE if by_range else BIT_COMPLIANCE
        if values["four wires"]:
            word |= BIT_FOUR_WIRES
        if self.protected(1):
            word |= BIT_PROTECTED
        if self.ohms_by_itself:
            word |= BIT_AUTO_OHMS
        return word

    @command("[:SENSe#]:FUNCtion[:ON]:COUNt?")
    def _count_measured(self) -> str:
        return str(len(self.functions))

    @command("[:SENSe#]:FUNCtion:OFF?")
    def _not_measured(self) -> str:
        return ",".join(SPELLED[each] for each in SPELLED if each not in self.functions) or '""'

    @command("[:SENSe#]:FUNCtion:OFF:COUNt?")
    def _count_not_measured(self) -> str:
        return str(3 - len(self.functions))

    @command("[:SENSe#]:FUNCtion:STATe?")
    def _is_measured(self, call: Call) -> str:
        return "1" if function_named(one(call)) in self.functions else "0"

    @command(":FORMat[:DATA]")
    def _set_format(self, call: Call) -> None:
        word = spelling("ASCii|REAL|SREal", only(call.arguments, 2))
        if word is None or (len(call.arguments) > 1 and (word != "REAL" or call.arguments[1] != "32")):
            raise SCPIError(-224)
        self._letter = "" if word == "ASC" else "f"  # both kinds of REAL have single precision

    @command(":FORMat[:DATA]?")
    def _format(self) -> str:
        return "REAL,32" if self._letter else "ASC"

    def show(self, readings: list[list[float]]) -> str:
        """Return readings as they are sent."""
        return self.numbers([reading[place] for reading in readings for place in self._places])

    def numbers(self, numbers: Sequence[float]) -> str:
        """Return numbers as they are sent."""
        if self._letter:
            return block(numbers, self._letter, swapped=self.values[1]["border"] == "SWAP", counted=False)
        style = self.number_style
        return ",".join([style % each for each in numbers])
