"""What a B2900 says of itself in addition to readings: status registers, date, time and its timer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from instruments.virtual.seriesb2900.tables import IDLE
from labmtj.virtual.network.terminals import Box
from labmtj.virtual.scpi.errors import SCPIError
from labmtj.virtual.scpi.meter_commands import MeterCommands
from labmtj.virtual.scpi.status import StatusRegisters
from labmtj.virtual.scpi.table import Call, command
from labmtj.virtual.scpi.values import number, only

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""what the clock of the box shows when the clock of the bench starts"""


class Reporting(StatusRegisters, MeterCommands):
    """A B2900 with status registers and a clock."""

    def __init__(self, box: Box) -> None:
        self._clock_ahead = timedelta(0)
        self._timer_zero = 0.0
        self.waiting: list[int] = []
        """channels that wait for a trigger"""
        super().__init__(box)

    def condition(self, name: str) -> int:
        """Return the bits that hold now."""
        if name != "OPER":
            return 0
        return sum(IDLE[channel] for channel in self.suffixes if channel not in self.waiting)

    @property
    def _now(self) -> datetime:
        return EPOCH + self._clock_ahead + timedelta(seconds=min(self.box.time.now(), 1e9))

    def _set_clock(self, call: Call, *fields: str) -> None:
        only(call.arguments, 3)
        try:
            values = [int(number(each)) for each in call.arguments]
            clock = self._now.replace(**dict(zip(fields, values, strict=True)))  # type: ignore[arg-type]
        except (ValueError, TypeError, OverflowError):
            raise SCPIError(-222) from None
        self._clock_ahead += clock - self._now

    @command(":SYSTem:DATE")
    def _set_date(self, call: Call) -> None:
        self._set_clock(call, "year", "month", "day")

    @command(":SYSTem:DATE?")
    def _date(self, _call: Call) -> str:
        return f"{self._now.year},{self._now.month},{self._now.day}"

    @command(":SYSTem:TIME")
    def _set_time(self, call: Call) -> None:
        self._set_clock(call, "hour", "minute", "second")

    @command(":SYSTem:TIME?")
    def _time(self, _call: Call) -> str:
        return f"{self._now.hour},{self._now.minute},{self._now.second}"

    @command(":SYSTem:TIME:TIMer:COUNt?")
    def _timer(self) -> str:
        return self.number_style % (self.box.time.now() - self._timer_zero)

    @command(":SYSTem:TIME:TIMer:COUNt:RESet[:IMMediate]")
    def _reset_timer(self) -> None:
        self._timer_zero = self.box.time.now()
