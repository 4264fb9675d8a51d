"""What a 2400 works out of its readings: power, null, limit tests."""

from __future__ import annotations

from instruments.virtual.series2400.buffer import Buffered
from instruments.virtual.series2400.tables import LIMIT_TESTS
from labmtj.virtual.network.unit import NO_VALUE
from labmtj.virtual.scpi.errors import SCPIError
from labmtj.virtual.scpi.table import Call, command


class Calculating(Buffered):
    """A 2400 with its math."""

    def _results(self) -> list[float]:
        """Return the value of the expression POWER for each reading; it is the only one."""
        if not self.readings:
            raise SCPIError(-230)
        on = self.values[1][":CALCulate[1]:STATe"]
        return [row[0] * row[1] if on and NO_VALUE not in row[:2] else NO_VALUE for row in self.readings]

    @command(":CALCulate[1]:DATA?")
    def _calculated(self) -> str:
        return self.numbers(self._results())

    @command(":CALCulate[1]:DATA:LATest?")
    def _last_calculated(self) -> str:
        return self.numbers(self._results()[-1:])

    def _fed(self) -> list[float]:
        feed = self.values[1]["calculated feed"]
        if feed == "CALC1":
            found = self._results()
        else:
            found = [row[("VOLT", "CURR", "RES").index(feed)] for row in self.readings]
        if not found:
            raise SCPIError(-230)
        offset = self.values[1]["null offset"] if self.values[1]["null"] else 0.0
        return [value if value == NO_VALUE else value - offset for value in found]

    @command(":CALCulate2:DATA?")
    def _compared(self) -> str:
        return self.numbers(self._fed())

    @command(":CALCulate2:DATA:LATest?")
    def _last_compared(self) -> str:
        return self.numbers(self._fed()[-1:])

    @command(":CALCulate2:NULL:ACQuire")
    def _acquire_null(self) -> None:
        before, self.values[1]["null"] = self.values[1]["null"], False
        self.values[1]["null offset"] = self._fed()[-1]
        self.values[1]["null"] = before

    @command(":CALCulate2:LIMit[1]:FAIL?")
    def _limit_1_fails(self) -> str:
        values = self.values[1]
        limited = values["output"] and self.units[1].limited()
        return "1" if values["limit 1"] and limited == (values["limit 1 fails"] == "IN") else "0"

    @command(*(f":CALCulate2:LIMit{number}:FAIL?" for number in LIMIT_TESTS))
    def _limit_fails(self, call: Call) -> str:
        number = call.header.rpartition("LIM")[2].removeprefix("IT").partition(":")[0]
        values = self.values[1]
        if not values[f"limit {number}"] or not self.readings:
            return "0"
        inside = values[f"limit {number} lower"] <= self._fed()[-1] <= values[f"limit {number} upper"]
        return "0" if inside else "1"

    @command(":CALCulate2:CLIMits:CLEar[:IMMediate]")
    def _clear_limits(self) -> None:
        self.readings = []
