"""What a B2900 keeps: the readings of the last sequence of every channel, and a buffer that goes on over several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean, pstdev

from instruments.virtual.seriesb2900.shown import Shown
from instruments.virtual.seriesb2900.tables import BIT_COMPLIANCE, ELEMENTS
from labmtj.virtual.network.unit import NO_VALUE
from labmtj.virtual.scpi.errors import SCPIError
from labmtj.virtual.scpi.table import Call, command
from labmtj.virtual.scpi.values import Whole, only, spelling

BYTES_PER_READING = 16
"""(from memory, unverified)"""
STATISTICS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "MEAN": fmean, "SDEV": pstdev, "PKPK": lambda found: max(found) - min(found), "MIN": min, "MAX": max,
}  # fmt: skip


class Buffered(Shown):
    """A B2900 that keeps readings."""

    def reset(self) -> None:
        """Keep nothing."""
        self.readings: dict[int, list[list[float]]] = {channel: [] for channel in sorted(self.suffixes)}
        self._buffers: dict[int, list[list[float]]] = {channel: [] for channel in sorted(self.suffixes)}
        super().reset()

    def feed(self, channel: int) -> None:
        """Store the readings of a channel, as far as there is room, if that is switched on."""
        values = self.values[channel]
        if values["feed"] == "NEXT":
            room = values["buffer size"] - len(self._buffers[channel])
            self._buffers[channel].extend(self.readings[channel][:room])

    @command(":TRACe#:CLEar")
    def _clear_buffer(self, call: Call) -> None:
        self._buffers[call.channel] = []

    @command(":TRACe#:DATA?")
    def _buffered(self, call: Call) -> str:
        rows = _part(self._buffers[call.channel], call)
        if self.values[call.channel]["stamps"] == "DELT":
            place = ELEMENTS.index("TIME")
            before = [rows[0], *rows]
            rows = [
                [*row[:place], row[place] - was[place], *row[place + 1 :]]
                for row, was in zip(rows, before, strict=False)
            ]
        return self.show([rows], self.elements)

    @command(":SENSe#:DATA?")
    def _sensed(self, call: Call) -> str:
        return self.show([_part(self.readings[call.channel], call)], self.elements)

    @command(":SENSe#:DATA:LATest?")
    def _last_sensed(self, call: Call) -> str:
        return self.show([_part(self.readings[call.channel], call)[-1:]], self.elements)

    @command(":TRACe#:POINts:ACTual?")
    def _buffer_fill(self, call: Call) -> str:
        return str(len(self._buffers[call.channel]))

    @command(":TRACe#:FREE?")
    def _room(self, call: Call) -> str:
        used = len(self._buffers[call.channel])
        left = self.values[call.channel]["buffer size"] - used
        return f"{left * BYTES_PER_READING},{used * BYTES_PER_READING}"

    @command(":TRACe#:STATistic:DATA?")
    def _statistics(self, call: Call) -> str:
        rows = _part(self._buffers[call.channel], Call(call.suffixes, ()))
        work = STATISTICS[self.values[call.channel]["statistic"]]
        return self.show([[[work(column) for column in zip(*rows, strict=True)]]], self.elements)

    @command(":SYSTem:DATA:QUANtity?")
    def _quantity(self, call: Call) -> str:
        return str(
            len(self.readings[1 if not call.arguments else Whole(1, len(self.suffixes)).read(call.arguments, 1)])
        )

    # What is worked out of readings

    def _fed(self, channel: int) -> list[float]:
        rows, feed = _part(self.readings[channel], Call((channel,), ())), self.values[channel]["calculated feed"]
        found = self._powers(rows) if feed == "MATH" else [row[ELEMENTS.index(feed)] for row in rows]
        offset = self.values[channel]["offset"] if self.values[channel]["offset on"] else 0.0
        return [value if abs(value) > 9e37 else value - offset for value in found]

    @staticmethod
    def _powers(rows: Sequence[Sequence[float]]) -> list[float]:
        """Return the value of the expression POWER, the only one."""
        return [NO_VALUE if max(map(abs, row[:2])) > 9e37 else row[0] * row[1] for row in rows]

    @command(":CALCulate#:DATA?")
    def _calculated(self, call: Call) -> str:
        return ",".join(self.number_style % each for each in self._fed(call.channel))

    @command(":CALCulate#:DATA:LATest?")
    def _last_calculated(self, call: Call) -> str:
        return self.number_style % self._fed(call.channel)[-1]

    @command(":CALCulate#:MATH:DATA?")
    def _math(self, call: Call) -> str:
        rows = _part(self.readings[call.channel], Call(call.suffixes, ()))
        return ",".join(self.number_style % each for each in self._powers(rows))

    @command(":CALCulate#:MATH:DATA:LATest?")
    def _last_math(self, call: Call) -> str:
        return self.number_style % self._powers(_part(self.readings[call.channel], Call(call.suffixes, ())))[-1]

    @command(":CALCulate#:OFFSet:ACQuire")
    def _acquire_offset(self, call: Call) -> None:
        values = self.values[call.channel]
        before, values["offset on"] = values["offset on"], False
        values["offset"], values["offset on"] = self._fed(call.channel)[-1], before

    @command(*(f":CALCulate#:LIMit{number}:FAIL?" for number in ("[1]", *range(2, 13))))
    def _limit_fails(self, call: Call) -> str:
        number = call.header.rpartition("LIM")[2].removeprefix("IT").partition(":")[0] or "1"
        node = f":CALCulate#:LIMit{'[1]' if number == '1' else number}"
        values, rows = self.values[call.channel], self.readings[call.channel]
        if not values[f"{node}:STATe"] or not rows:
            return "0"
        if values[f"{node}:FUNCtion"] == "COMP":
            limited = bool(int(rows[-1][ELEMENTS.index("STAT")]) & BIT_COMPLIANCE)
            return "1" if limited == (values[f"{node}:COMPliance:FAIL"] == "IN") else "0"
        inside = values[f"{node}:LOWer[:DATA]"] <= self._fed(call.channel)[-1] <= values[f"{node}:UPPer[:DATA]"]
        return "0" if inside else "1"


def _part(rows: list[list[float]], call: Call) -> list[list[float]]:
    """Return the rows from an offset on, as many as a size says: `:SENSe:DATA? offset,size`."""
    if not rows:
        raise SCPIError(-230)
    only(call.arguments or ("0",), 2)
    offset, size = call.arguments[0] if call.arguments else "0", call.arguments[1:2]
    if spelling("CURRent|STARt", offset):
        offset = "0" if spelling("STARt", offset) else str(len(rows) - 1)
    start = Whole(0, len(rows) - 1).read((offset,), 0)
    return rows[start : start + Whole(1, len(rows)).read(size, 1)] if size else rows[start:]
