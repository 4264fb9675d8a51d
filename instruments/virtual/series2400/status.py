"""What a 2400 says of itself in addition to readings: status registers, the panel, the digital output, its clock."""

from __future__ import annotations

from typing import ClassVar

from instruments.virtual.series2400.shown import Shown
from instruments.virtual.series2400.tables import (
    IDLE,
    IN_COMPLIANCE,
    PROTECTED,
    READING_AVAILABLE,
    READING_OVERFLOW,
    WAITS_FOR_ARM,
)
from labmtj.virtual.network.terminals import Box
from labmtj.virtual.network.unit import OVERFLOW
from labmtj.virtual.scpi.blocks import register
from labmtj.virtual.scpi.errors import SCPIError
from labmtj.virtual.scpi.status import StatusRegisters
from labmtj.virtual.scpi.table import Call, command, one
from labmtj.virtual.scpi.values import Switch, Whole, quoted

WIDTHS = {1: 20, 2: 32}
"""characters of the upper and the lower line of the display"""


class Reporting(StatusRegisters, Shown):
    """A 2400 with status registers and a panel."""

    def __init__(self, box: Box) -> None:
        self.readings: list[list[float]] = []
        """of the last sequence"""
        self.waiting = False
        """for an event of the arm layer"""
        super().__init__(box)

    def reset(self) -> None:
        """Show readings; the clock goes on."""
        self._texts = dict.fromkeys(WIDTHS, "")
        self._text_shown = dict.fromkeys(WIDTHS, False)
        self.waiting, self._clock_zero = False, getattr(self, "_clock_zero", 0.0)
        super().reset()

    def condition(self, name: str) -> int:
        """Return the bits that hold now."""
        if name == "OPER":
            return WAITS_FOR_ARM if self.waiting else IDLE
        if name == "QUES":
            return 0
        limited = self.values[1]["output"] and self.units[1].limited()
        last = self.readings[-1] if self.readings else ()
        bits = (
            (READING_AVAILABLE, bool(last) or limited),
            (READING_OVERFLOW, OVERFLOW in last),
            (PROTECTED, self.protected(1)),
            (IN_COMPLIANCE, limited),
        )
        return sum(bit for bit, holds in bits if holds)

    # The panel

    _lines: ClassVar = (":DISPlay[:WINDow[1]]", ":DISPlay:WINDow2")

    @command(*(f"{line}:TEXT:DATA" for line in _lines))
    def _set_text(self, call: Call) -> None:
        line, text = _line(call), quoted(one(call))
        if len(text) > WIDTHS[line]:
            raise SCPIError(-223)
        self._texts[line] = text

    @command(*(f"{line}:TEXT:DATA?" for line in _lines))
    def _text(self, call: Call) -> str:
        return f'"{self._texts[_line(call)]}"'

    @command(*(f"{line}:TEXT:STATe" for line in _lines))
    def _show_text(self, call: Call) -> None:
        self._text_shown[_line(call)] = Switch().read(call.arguments, default=False)

    @command(*(f"{line}:TEXT:STATe?" for line in _lines))
    def _is_text_shown(self, call: Call) -> str:
        return "1" if self._text_shown[_line(call)] else "0"

    @command(*(f"{line}:DATA?" for line in _lines))
    def _displayed(self, call: Call) -> str:
        line = _line(call)
        if self._text_shown[line]:
            return f'"{self._texts[line]}"'
        return '"OFF"' if not self.values[1]["output"] else f'"{self.level(1):+.5G}"'

    @command(":SYSTem:KEY")
    def _press(self, call: Call) -> None:
        self._key = Whole(1, 32).read(call.arguments, 1)

    @command(":SYSTem:KEY?")
    def _last_key(self) -> str:
        return str(getattr(self, "_key", 0))

    # The clock, the protocol, the digital output

    @command(":SYSTem:TIME?")
    def _time(self) -> str:
        return self.number_style % (self.box.time.now() - self._clock_zero)

    @command(":SYSTem:TIME:RESet")
    def _reset_time(self) -> None:
        self._clock_zero = self.box.time.now()

    def stamp(self) -> float:
        """Return the time stamp of a reading."""
        return self.box.time.now() - self._clock_zero

    @command(":SYSTem:MEP[:STATe]")
    def _choose_protocol(self, call: Call) -> None:
        Switch().read(call.arguments, default=True)  # the other protocol is chosen on the panel

    @command(":SYSTem:MEP[:STATe]?")
    def _protocol(self) -> str:
        return "1"  # SCPI

    @command(":SOURce2:TTL[:LEVel]:ACTual?")
    def _digital_output(self) -> str:
        return register(self.values[1]["digital output"], self.values[1]["output format"])

    @command(":SOURce2:CLEar[:IMMediate]")
    def _clear_digital_output(self) -> None:
        self.values[1]["digital output"] = 15


def _line(call: Call) -> int:
    return 2 if "WIND2" in call.header or "WINDOW2" in call.header else 1
