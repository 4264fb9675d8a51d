"""`eventlog`: errors, warnings and notes with their times; a 2450 has it instead of an error queue."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from labmtj.virtual.tsp.complaints import EMPTY, UNAVAILABLE, Complaint, Entry, ErrorQueue, Severity
from labmtj.virtual.tsp.tree import Group, text, whole

INFO, WARN, ERROR, ALL = 1, 2, 4, 7
CAPACITY = 1000
POSTED = 1  # event number of what scripts post [assumed]
SEVERITIES = {"INFO": INFO, "WARN": WARN, "ERROR": ERROR}


class Event(NamedTuple):
    """One event."""

    entry: Entry
    severity: int
    seconds: float
    """since 1970"""


class EventLog(ErrorQueue):
    """All events of a box, oldest first.

    Args:
        utc_seconds: returns the time since 1970.
    """

    def __init__(self, utc_seconds: Callable[[], float]) -> None:
        super().__init__()
        self._utc_seconds = utc_seconds
        self._events: deque[Event] = deque(maxlen=CAPACITY)
        self._suppressed = 0
        self._muted: set[int] = set()
        self.group = Group(
            "eventlog",
            {
                "getcount": lambda kind=ALL: float(len(self._of(kind))), "next": self._next_of, "clear": self.clear,
                "post": self._post, "suppress": self._suppress, "save": self._save,
            },
        )  # fmt: skip

    def __len__(self) -> int:
        return sum(event.severity == ERROR for event in self._events)

    def put(self, entry: Entry) -> None:
        """Append an error."""
        self.add(entry, INFO if entry.severity is Severity.INFORMATIONAL else ERROR)

    def add(self, entry: Entry, severity: int) -> None:
        """Append an event, unless its kind or number is suppressed."""
        if not severity & self._suppressed and entry.code not in self._muted:
            self._events.append(Event(entry, severity, self._utc_seconds()))

    def next(self) -> Entry:
        """Take the oldest error."""
        found = self._take(ERROR)
        return EMPTY if found is None else found.entry

    def clear(self) -> None:
        """Drop all events."""
        self._events.clear()

    def note(self, kind: str, message: str) -> None:
        """Append what a script or a trigger model has to say."""
        self.add(Entry(POSTED, message, Severity.INFORMATIONAL), SEVERITIES.get(kind, INFO))

    def _of(self, kind: object) -> list[Event]:
        wanted = int(whole(INFO, ALL)(kind))
        return [event for event in self._events if event.severity & wanted]

    def _take(self, kind: object) -> Event | None:
        found = self._of(kind)
        if not found:
            return None
        self._events.remove(found[0])
        return found[0]

    def _next_of(self, kind: object = ALL) -> tuple[object, ...]:
        event = self._take(kind)
        if event is None:
            return 0.0, "No error", 0.0, 0.0, 0.0, 0.0
        seconds = int(event.seconds)
        nanoseconds = float(round((event.seconds - seconds) * 1e9))
        return float(event.entry.code), event.entry.text, float(event.severity), 0.0, float(seconds), nanoseconds

    def _post(self, message: object, kind: object = INFO) -> None:
        self.add(Entry(POSTED, text(message), Severity.INFORMATIONAL), int(whole(INFO, ERROR)(kind)))

    def _suppress(self, kind: object) -> None:
        number_of = int(whole(-32768, 32767)(kind))
        if number_of in (INFO, WARN, ERROR, ALL):
            self._suppressed |= number_of & ~ERROR  # errors are always reported
        else:
            self._muted.add(number_of)

    def _save(self, name: object, kind: object = ALL) -> None:
        text(name), whole(INFO, ALL)(kind)
        raise Complaint(UNAVAILABLE, "no USB drive is inserted: nothing is saved")
