"""The error queue of a SCPI instrument: first in, first out, and it says when it has overflowed."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

TEXTS: Mapping[int, str] = {
    -102: "Syntax error",
    -104: "Data type error",
    -108: "Parameter not allowed",
    -109: "Missing parameter",
    -113: "Undefined header",
    -114: "Header suffix out of range",
    -120: "Numeric data error",
    -141: "Invalid character data",
    -151: "Invalid string data",
    -161: "Invalid block data",
    -170: "Expression error",
    -200: "Execution error",
    -213: "Init ignored",
    -221: "Settings conflict",
    -222: "Parameter data out of range",
    -223: "Too much data",
    -224: "Illegal parameter value",
    -230: "Data corrupt or stale",
    -241: "Hardware missing",
    -350: "Queue overflow",
    -410: "Query INTERRUPTED",
    -420: "Query UNTERMINATED",
    -430: "Query DEADLOCKED",
}
"""Standard codes (SCPI 1999, volume 2, chapter 21); a brand adds its own, positive ones."""


class SCPIError(Exception):
    """What goes into the error queue; it never leaves the engine."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def event_bit(code: int) -> int:
    """Return the bit of the standard event register that an error sets."""
    families = {-1: 32, -2: 16, -3: 8, -4: 4}
    return families.get(-(-code // 100), 8) if code < 0 else 8


class ErrorQueue:
    """Errors waiting to be read.

    Args:
        texts: of the codes.
        depth: most errors that wait; the last place then says that others were lost.
    """

    def __init__(self, texts: Mapping[int, str], depth: int) -> None:
        self._texts, self._depth = texts, depth
        self._waiting: deque[int] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def push(self, code: int) -> None:
        """Queue an error."""
        if len(self._waiting) < self._depth:
            self._waiting.append(code)
        else:
            self._waiting[-1] = -350

    def pop(self) -> tuple[int, str]:
        """Return the oldest error, code and text; (0, "No error") if there is none."""
        if not self._waiting:
            return 0, "No error"
        code = self._waiting.popleft()
        return code, self._texts.get(code, "Unknown error")

    def clear(self) -> None:
        """Forget all."""
        self._waiting.clear()
