"""The one place that prints: control characters are escaped before a text reaches a terminal."""

from __future__ import annotations

import sys
from typing import TextIO

from labmtj.escaped import escaped


def say(*lines: str, file: TextIO | None = None) -> None:
    """Print lines, on standard output if no other file is given, and send them at once."""
    print(*map(escaped, lines), sep="\n", file=sys.stdout if file is None else file, flush=True)


def say_over(line: str) -> None:
    """Print a line on standard error, on a terminal over the line of the progress that is there."""
    stream = sys.stderr
    start, width = ("\r", 78) if stream.isatty() else ("", 0)
    print(f"{start}{escaped(line):<{width}}", file=stream, flush=True)
