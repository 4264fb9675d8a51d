"""Log messages of the library, escaped for a terminal; apart from `terminal`, because the help needs no logging."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

from labmtj.escaped import escaped


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
