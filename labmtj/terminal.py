"""The one place that prints: whatever a text has picked up on its way is escaped before it reaches a terminal."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

from labmtj.escaped import escaped


def say(*lines: str, file: TextIO | None = None) -> None:
    """Print lines, on standard output if no other file is given, and send them at once."""
    print(*map(escaped, lines), sep="\n", file=sys.stdout if file is None else file, flush=True)


class _Escaping(logging.StreamHandler[TextIO]):
    """Prints what is logged and taken by no other handler."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self.setLevel(logging.WARNING)

    def format(self, record: logging.LogRecord) -> str:
        return escaped(super().format(record))


def escape_logs() -> None:
    """Escape what the library logs where no run takes it: Python prints that as it is."""
    logging.lastResort = _Escaping()
