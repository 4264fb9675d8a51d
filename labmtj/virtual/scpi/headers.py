"""Which spellings of a SCPI header a pattern such as "[:SOURce#]:VOLTage[:LEVel]" stands for."""

from __future__ import annotations

import re
from functools import cache

_PIECE = re.compile(r"([A-Z]+)([a-z]*)|[#*\[\]]")
_SYMBOLS = {"#": r"(\d{0,3})", "*": r"\*", "[": "(?:", "]": ")?"}


def _piece(match: re.Match[str]) -> str:
    if match[1] is None:
        return _SYMBOLS[match[0]]
    return f"{match[1]}(?:{match[2].upper()})?" if match[2] else match[1]


@cache
def expression(pattern: str) -> re.Pattern[str]:
    """Return what matches the headers of a pattern: in capitals, from the root of the tree, without question mark.

    Capitals are the short form, all letters the long form; nodes in brackets may be left out; `#` is a numeric suffix.
    """
    return re.compile(_PIECE.sub(_piece, pattern))


def split(text: str, mark: str) -> list[str]:
    """Return the parts of a text between marks that stand outside of quotation marks and parentheses."""
    if not any(opening in text for opening in "\"'("):
        return text.split(mark)
    parts, quote, depth, start = [], "", 0, 0
    for place, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in "()":
            depth = max(depth + (1 if character == "(" else -1), 0)
        elif character == mark and depth == 0:
            parts.append(text[start:place])
            start = place + 1
    return [*parts, text[start:]]


def headers(message: str) -> list[tuple[str, str]]:
    """Return the full header, in capitals, and the arguments of every unit of a message.

    A header without a leading colon continues on the level of the one before; a common command (`*CLS`, even `:*CLS`)
    leaves the level as it is.
    """
    found, level = [], ""
    for unit in split(message, ";"):
        header, _, arguments = unit.strip().replace("\t", " ").partition(" ")
        if not header:
            continue
        header = header.upper()
        if header.lstrip(":").startswith("*"):
            full = header.lstrip(":")
        else:
            full = header if header.startswith(":") else f"{level}:{header}"
            level = full.rpartition(":")[0]
        found.append((full, arguments.strip()))
    return found
