"""The buffer of a 2400: it stores readings until it is full, and works out their statistics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean, pstdev

from instruments.virtual.series2400.status import Reporting
from instruments.virtual.series2400.tables import BUFFER_AVAILABLE, BUFFER_FULL, ELEMENTS
from labmtj.virtual.network.terminals import Box
from labmtj.virtual.scpi.errors import SCPIError
from labmtj.virtual.scpi.table import Call, check, command
from labmtj.virtual.scpi.values import Word

BYTES_PER_READING = 16
"""(from memory, unverified)"""


class Buffered(Reporting):
    """A 2400 that can store readings."""

    def __init__(self, box: Box) -> None:
        self._buffer: list[list[float]] = []
        super().__init__(box)

    def reset(self) -> None:
        """Store nothing any more; what is stored stays."""
        self._storing = False
        super().reset()

    def store(self, readings: list[list[float]]) -> None:
        """Keep as many readings as there is room for, if that is switched on."""
        if not self._storing:
            return
        room = self.values[1]["buffer size"] - len(self._buffer)
        self._buffer.extend(readings[:room])
        if len(readings) >= room:
            self._storing = False
            self.note("MEAS", BUFFER_FULL)

    def condition(self, name: str) -> int:
        """Return the bits that hold now."""
        stored = len(self._buffer)
        full = BUFFER_FULL if stored >= self.values[1]["buffer size"] else 0
        return super().condition(name) | ((BUFFER_AVAILABLE if stored >= 2 else 0) | full if name == "MEAS" else 0)

    @command(":TRACe:FEED:CONTrol", ":DATA:FEED:CONTrol")
    def _control_feed(self, call: Call) -> None:
        word = Word("NEXT|NEVer").read(call.arguments, "NEV")
        self._storing = word == "NEXT"
        if self._storing:
            self._buffer = []

    @command(":TRACe:FEED:CONTrol?", ":DATA:FEED:CONTrol?")
    def _feed_control(self) -> str:
        return "NEXT" if self._storing else "NEV"

    @command(":TRACe:CLEar", ":DATA:CLEar")
    def _clear_buffer(self) -> None:
        self._buffer = []

    @command(":TRACe:DATA?", ":DATA:DATA?")
    def _buffered(self) -> str:
        if not self._buffer:
            raise SCPIError(-230)
        if self.values[1]["stamps"] == "ABS":
            return self.show(self._buffer)
        place, rows = ELEMENTS.index("TIME"), [list(row) for row in self._buffer]
        for row, before in zip(rows, [self._buffer[0], *self._buffer], strict=False):
            row[place] -= before[place]
        return self.show(rows)

    @command(":TRACe:FREE?", ":DATA:FREE?")
    def _room(self) -> str:
        left = self.values[1]["buffer size"] - len(self._buffer)
        return f"{left * BYTES_PER_READING},{len(self._buffer) * BYTES_PER_READING}"

    @check("buffer size")
    def _check_storing(self, _name: str, _channel: int, value: int) -> int:
        if self._storing:
            raise SCPIError(800)
        return value

    @command(":TRACe:POINts:ACTual?", ":DATA:POINts:ACTual?")
    def _buffer_fill(self) -> str:
        return str(len(self._buffer))

    @command(":CALCulate3:DATA?")
    def _statistics(self) -> str:
        if not self._buffer:
            raise SCPIError(-230)
        work: dict[str, Callable[[Sequence[float]], float]] = {
            "MEAN": fmean,
            "SDEV": pstdev,
            "MAX": max,
            "MIN": min,
            "PKPK": lambda x: max(x) - min(x),
        }
        columns = [column for column, name in enumerate(("VOLT", "CURR", "RES")) if name in self.functions]
        values = [work[self.values[1]["statistic"]]([row[column] for row in self._buffer]) for column in columns]
        return self.numbers(values)
