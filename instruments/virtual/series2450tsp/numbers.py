"""How a 2450 prints numbers: with as many digits as they need, unless a number of digits is set."""

from __future__ import annotations

from labmtj.virtual.tsp.numbers import NumberFormat
from labmtj.virtual.tsp.tree import Setting, refusing, whole

AUTOMATIC_DIGITS = 14
"""as Lua's own print [assumed]"""


class AutomaticFormat(NumberFormat):
    """The `format` table of a 2450: `asciiprecision` 0 is automatic."""

    def __init__(self) -> None:
        super().__init__()
        self._digits = Setting(0.0, refusing(whole(0, 16), 1405))
        self.group.members["asciiprecision"] = self._digits

    def text(self, value: object) -> str:
        """Return a value as `print` shows it."""
        if isinstance(value, int | float) and not isinstance(value, bool) and not self._digits.value:
            return f"{value:.{AUTOMATIC_DIGITS}g}"
        return super().text(value)
