"""The buffer of a 2400: it stores readings until it is full, and works out their statistics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean, pstdev

from instruments.virtual.series2400.shown import Shown
from instruments.virtual.series2400.tables import (
    BUFFER_FULL,
)
from labmtj.virtual.scpi_errors import SCPIError
from labmtj.virtual.scpi_table import Call, command
from labmtj.virtual.scpi_values import (
    Word,
)
from labmtj.virtual.terminals import Box


class Buffered(Shown):
    """A 2400 that can store readings."""

    def __init__(self, box: Box) -> None:
        self._buffer: list[list[float]] = []
        super().__init__(box)

    def reset(self) -> None:
        """Store nothing any more; what is stored stays."""
        self._storing, self._measurement_events = False, 0
        super().reset()

    def summary(self) -> int:
        """Return the measurement summary bit (15-3)."""
        return 1 if self._measurement_events & self.values[1]["measurement mask"] else 0

    def store(self, readings: list[list[float]]) -> None:
        """Keep as many readings as there is room for, if that is switched on."""
        if not self._storing:
            return
        room = self.values[1]["buffer size"] - len(self._buffer)
        self._buffer.extend(readings[:room])
        if len(readings) >= room:
            self._storing = False
            self._measurement_events |= BUFFER_FULL

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
        return self.show(self._buffer)

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
        return ",".join(self.number_style % value for value in values)

    @command(":STATus:MEASurement[:EVENt]?")
    def _measurement_event_query(self) -> str:
        events, self._measurement_events = self._measurement_events, 0
        return str(events)

    @command(":STATus:MEASurement:CONDition?")
    def _measurement_condition(self) -> str:
        return str(self._measurement_events)
