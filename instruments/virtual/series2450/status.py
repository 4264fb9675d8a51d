"""What a 2450 says of itself in addition to readings: event log, status registers, clock and digital lines."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta

from instruments.virtual.series2450.tables import DIGITAL_LINES, EPOCH
from labmtj.virtual.network.terminals import Box
from labmtj.virtual.scpi.errors import SCPIError
from labmtj.virtual.scpi.meter_commands import MeterCommands
from labmtj.virtual.scpi.status import StatusRegisters
from labmtj.virtual.scpi.table import Call, command
from labmtj.virtual.scpi.values import Whole, Word, number, only, quoted, spelling

LINE_KINDS = {"DIG": ("IN", "OUT", "OPEN"), "TRIG": ("IN", "OUT", "OPEN"), "SYNC": ("MAST", "ACC")}
LAST_EVENTS = 100


class Reporting(StatusRegisters, MeterCommands):
    """A 2450 with a clock, an event log, status registers and digital lines."""

    def __init__(self, box: Box) -> None:
        self._clock_ahead = timedelta(0)
        self._posted: deque[str] = deque(maxlen=LAST_EVENTS)
        super().__init__(box)

    def reset(self) -> None:
        """Make every digital line an input."""
        self._lines = dict.fromkeys(range(1, DIGITAL_LINES + 1), ("DIG", "IN", 1))
        super().reset()

    def condition(self, name: str) -> int:  # noqa: ARG002
        """Return 0: what the bits mean is mapped by the user."""
        return 0

    # The clock and the log

    def clock(self, seconds: float) -> datetime:
        """Return the calendar time of a time on the bench."""
        return EPOCH + self._clock_ahead + timedelta(seconds=min(seconds, 1e9))

    def error_reply(self, code: int, text: str) -> str:
        """Return an error as the event log shows it: type and time after the text."""
        if code == 0:
            return '0,"No error;0;0 0"'  # of the same family: what drivers of it expect
        return f'{code},"{text};1;{self.clock(self.box.time.now()):%Y/%m/%d %H:%M:%S.%f}'[:-3] + '"'

    @command(":SYSTem:TIME")
    def _set_time(self, call: Call) -> None:
        only(call.arguments, 6)
        try:
            fields = [int(number(each)) for each in call.arguments]
            if len(fields) == 6:
                year, month, day, hour, minute, second = fields
                clock = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
            else:
                clock = datetime.fromtimestamp(fields[-1], UTC)
        except (ValueError, OverflowError, OSError, TypeError):
            raise SCPIError(-222) from None
        self._clock_ahead = clock - EPOCH - timedelta(seconds=self.box.time.now())

    @command(":SYSTem:TIME?")
    def _time(self, call: Call) -> str:
        now = self.clock(self.box.time.now())
        return f"{now:%a %b %d %H:%M:%S %Y}" if call.arguments else str(int(now.timestamp()))

    @command(":SYSTem:EVENtlog:POST")
    def _post(self, call: Call) -> None:
        only(call.arguments, 2)
        self._posted.append(quoted(call.arguments[0]))

    @command(":SYSTem:EVENtlog:NEXT?")
    def _next_event(self, _call: Call) -> str:
        if not len(self.errors) and self._posted:
            return f'1,"{self._posted.popleft()};0;{self.clock(self.box.time.now()):%Y/%m/%d %H:%M:%S.%f}'[:-3] + '"'
        return self.error_reply(*self.errors.pop())

    @command(":SYSTem:EVENtlog:COUNt?")
    def _event_count(self, _call: Call) -> str:
        return str(len(self.errors) + len(self._posted))

    @command("*CLS", ":SYSTem:CLEar")
    def _clear_log(self) -> None:
        self._posted.clear()
        self._clear_all()

    # Digital lines

    @command(*(f":DIGital:LINE{line}:MODE" for line in range(1, DIGITAL_LINES + 1)))
    def _set_line(self, call: Call) -> None:
        only(call.arguments, 2)
        kind = spelling("DIGital|TRIGger|SYNChronous", call.arguments[0])
        way = Word("IN|OUT|OPENdrain|MASTer|ACCeptor").read(call.arguments[1:], "IN")
        if kind is None or way not in LINE_KINDS[kind]:
            raise SCPIError(-224)
        self._lines[_line(call)] = (kind, way, self._lines[_line(call)][2])

    @command(*(f":DIGital:LINE{line}:MODE?" for line in range(1, DIGITAL_LINES + 1)))
    def _line_mode(self, call: Call) -> str:
        return ",".join(self._lines[_line(call)][:2])

    @command(*(f":DIGital:LINE{line}:STATe" for line in range(1, DIGITAL_LINES + 1)))
    def _drive_line(self, call: Call) -> None:
        kind, way, _ = self._lines[_line(call)]
        if (kind, way) == ("DIG", "IN"):
            raise SCPIError(-221)
        self._lines[_line(call)] = (kind, way, Whole(0, 1).read(call.arguments, 0))

    @command(*(f":DIGital:LINE{line}:STATe?" for line in range(1, DIGITAL_LINES + 1)))
    def _line_state(self, call: Call) -> str:
        return str(self._lines[_line(call)][2])

    @command(":DIGital:READ?")
    def _read_port(self) -> str:
        return str(sum(state << line - 1 for line, (_, _, state) in self._lines.items()))

    @command(":DIGital:WRITe")
    def _write_port(self, call: Call) -> None:
        self.write_port(Whole(0, 2**DIGITAL_LINES - 1).read(call.arguments, 0))

    def write_port(self, bits: int) -> None:
        """Bring the lines that are digital outputs to the bits of a number."""
        for line, (kind, way, state) in self._lines.items():
            driven = kind == "DIG" and way != "IN"
            self._lines[line] = (kind, way, bits >> line - 1 & 1 if driven else state)


def _line(call: Call) -> int:
    return int(call.header.partition(":LINE")[2][0])
