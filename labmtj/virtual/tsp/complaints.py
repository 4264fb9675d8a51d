"""The error queue of a TSP instrument, and the two ways in which a statement fails."""

from __future__ import annotations

from collections import deque
from enum import IntEnum
from typing import NamedTuple


class Severity(IntEnum):
    """How bad an entry of the queue is."""

    NONE = 0
    INFORMATIONAL = 10
    RECOVERABLE = 20
    SERIOUS = 30
    FATAL = 40


class Complaint(Exception):
    """A statement that the box refuses: it does nothing, goes into the queue, and the script runs on."""

    def __init__(self, code: int, text: str, severity: Severity = Severity.RECOVERABLE) -> None:
        super().__init__(code, text, severity)
        self.entry = Entry(code, text, severity)


class ScriptFault(Exception):
    """A statement that Lua itself trips over: the script ends, with -286 in the queue."""


class Aborted(ScriptFault):
    """The script was aborted: every statement that could notice fails from now on."""


class Ended(ScriptFault):
    """The script wants to end itself, with exit()."""

    def __init__(self) -> None:
        super().__init__(EXIT)


class Entry(NamedTuple):
    """One entry of the queue."""

    code: int
    text: str
    severity: Severity


EXIT = "\x04exit"
"""the message of the error that ends a script which called exit(): no script can say it by chance"""

# From memory, unverified, unless a page is given; the pages are of the 2600B reference manual.
SYNTAX_ERROR = -285  # B-2: the chunk is not executed
RUNTIME_ERROR = -286  # B-2: the script ends
OUT_OF_RANGE = -222
QUEUE_OVERFLOW = -350
OUTPUT_BLOCKED = 802
UNAVAILABLE = 1100
TOO_BIG = 1101
TOO_SMALL = 1102
TOO_FEW_PARAMETERS = 1400
INVALID_PARAMETER = 1401
INVALID_INDEX = 4900
TOO_BIG_FOR_RANGE = 5005
UNSAFE_AREA = 5007
OUTPUT_IS_ON = 5008

TEXTS = {
    1404: "Invalid byte order", 1405: "Invalid ASCII precision", 1406: "Invalid data format",
    1500: "Invalid baud rate setting", 1501: "Invalid parity setting", 1503: "Invalid bits setting",
    1504: "Invalid flow control setting", 1800: "Invalid digital trigger mode",
    2401: "Invalid timeout seconds (.001 to 30)",
}  # fmt: skip
"""of errors that say what kind of value was refused; Series 2600B web help"""

EMPTY = Entry(0, "Queue Is Empty", Severity.NONE)
CAPACITY = 100  # from memory, unverified


class ErrorQueue:
    """First in, first out; when it is full the last entry says so."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque()

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, entry: Entry) -> None:
        """Append an entry."""
        if len(self._entries) < CAPACITY:
            self._entries.append(entry)
        else:
            self._entries[-1] = Entry(QUEUE_OVERFLOW, "Queue overflow", Severity.RECOVERABLE)

    def next(self) -> Entry:
        """Take the oldest entry, or `EMPTY`."""
        return self._entries.popleft() if self._entries else EMPTY

    def clear(self) -> None:
        """Drop all entries."""
        self._entries.clear()
