"""How values are printed: text with a number of digits, or binary blocks."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from typing import Any

from labmtj.virtual.tsp.tree import Group, Setting, one_of, refusing, whole

ASCII, SINGLE, DOUBLE = 1, 2, 3
LITTLE_ENDIAN = 1


class NumberFormat:
    """The `format` table of a script (2600B manual 7-101, 9-102)."""

    def __init__(self) -> None:
        self._digits = Setting(6.0, refusing(whole(1, 16), 1405))
        self._data = Setting(float(ASCII), refusing(one_of(ASCII, SINGLE, DOUBLE), 1406))
        self._order = Setting(float(LITTLE_ENDIAN), refusing(one_of(0, 1), 1404))
        names = {"ASCII": 1, "REAL32": 2, "SREAL": 2, "REAL64": 3, "DREAL": 3, "REAL": 3}
        orders = {"NORMAL": 0, "NETWORK": 0, "BIGENDIAN": 0, "SWAPPED": 1, "LITTLEENDIAN": 1}
        self.group = Group(
            "format",
            {"asciiprecision": self._digits, "data": self._data, "byteorder": self._order, **names, **orders},
        )

    def text(self, value: object) -> str:
        """Return a value as `print` shows it."""
        if value is None:
            return "nil"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return f"{value:.{int(self._digits.value) - 1}e}"
        return value if isinstance(value, str) else f"table: 0x{id(value):x}"

    def numbers(self, values: Iterable[Any]) -> str:
        """Return numbers, or words of a buffer, as `printbuffer` sends them; one character is one byte."""
        if self._data.value == ASCII:
            return ", ".join(map(self.text, values))
        values = [each if isinstance(each, int | float) else math.nan for each in values]
        letter = "f" if self._data.value == SINGLE else "d"
        order = "<" if self._order.value == LITTLE_ENDIAN else ">"
        return "#0" + struct.pack(f"{order}{len(values)}{letter}", *values).decode("latin-1")
