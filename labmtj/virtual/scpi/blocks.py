"""Numbers as a block of bytes, and status registers in other digits than decimal ones."""

from __future__ import annotations

import struct
from collections.abc import Sequence

_REGISTERS = {"ASC": "{:d}", "HEX": "#H{:X}", "OCT": "#Q{:o}", "BIN": "#B{:b}"}


def block(numbers: Sequence[float], letter: str, *, swapped: bool, counted: bool) -> str:
    """Return a block of IEEE 754 numbers, each byte as the character of its number.

    Args:
        numbers: to send.
        letter: "f" for 4 bytes each, "d" for 8.
        swapped: least significant byte first.
        counted: with the number of bytes in front (`#` digits count); else `#0`, to the end of the message.
    """
    data = struct.pack(f"{'<' if swapped else '>'}{len(numbers)}{letter}", *numbers)
    front = f"#{len(str(len(data)))}{len(data)}" if counted else "#0"
    return front + data.decode("latin-1")


def register(value: int, style: str) -> str:
    """Return a status register as `:FORMat:SREGister` asks for: ASC, HEX, OCT or BIN."""
    return _REGISTERS[style].format(value)
