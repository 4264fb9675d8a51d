"""Numbers as a TSP box prints them and as its Lua reads them, without loss."""

from __future__ import annotations

import math
from collections.abc import Iterable

SENTINEL = 9e37
"""Numbers beyond this stand for "no number" (9.91e37) on every box of the family."""
LINE_LENGTH = 900
"""Longest line that is sent; the buffer of a line on the oldest boxes is about 1000 characters (from memory)."""


def number(text: str) -> float:
    """Return a printed value: NaN for nil, for nothing and for a sentinel; 1 and 0 for booleans; else ValueError."""
    words = {"nil": math.nan, "": math.nan, "true": 1.0, "false": 0.0}
    text = text.strip()
    value = words[text] if text in words else float(text)
    return math.nan if abs(value) > SENTINEL else value


def numbers(text: str) -> list[float]:
    """Return the values of a line that `printbuffer` or `table.concat` made; sentinels are kept, nil is NaN."""
    return [math.nan if field.strip() in ("nil", "") else float(field) for field in text.split(",")]


def literal(value: float) -> str:
    """Return a number as Lua reads it, without loss; ValueError for what is not finite."""
    if not math.isfinite(value):
        raise ValueError(f"{value} has no place in a command")
    return repr(float(value))


def listing(values: Iterable[float]) -> list[str]:
    """Return a Lua table of numbers as lines that are short enough to send."""
    lines, line = ["{"], ""
    for value in map(literal, values):
        if len(line) + len(value) >= LINE_LENGTH:
            lines.append(line)
            line = ""
        line += value + ","
    return [*lines, line, "}"]
