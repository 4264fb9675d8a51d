"""What a box keeps for scripts: the data queue, user strings, the event log, and setups."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from labmtj.virtual.tsp.complaints import INVALID_PARAMETER, Complaint
from labmtj.virtual.tsp.tree import Group, Members, Reading, Setting, one_of, text, whole

if TYPE_CHECKING:
    from labmtj.virtual.tsp.engine import Engine

QUEUE_CAPACITY = 128
SETUPS = 5
"""stored setups; 0 is the factory default"""


def catalog(names: list[str]) -> Callable[..., str | None]:
    """Return an iterator for `for name in ... do`."""
    left = iter(names)
    return lambda *_: next(left, None)


class Stores:
    """The tables `dataqueue`, `userstring`, `eventlog` and `setup`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._queue: deque[object] = deque()
        self._strings: dict[str, str] = {}
        self._setups: dict[str, list[tuple[Setting, Any]]] = {}

    def members(self) -> Members:
        """Return the globals."""
        return {
            "dataqueue": Group(
                "dataqueue",
                {
                    "CAPACITY": float(QUEUE_CAPACITY), "count": Reading(lambda: float(len(self._queue))),
                    "add": self._add, "next": self._next, "clear": self._queue.clear,
                },
            ),
            "userstring": Group(
                "userstring",
                {
                    "add": self._keep_string, "get": self._string, "delete": self._forget_string,
                    "catalog": lambda: catalog(list(self._strings)),
                },
            ),
            "eventlog": Group(
                "eventlog",
                {
                    # events of LAN triggers, of which none ever comes
                    "count": 0.0, "next": lambda: None, "all": lambda: None, "clear": lambda: None,
                    "ENABLE": 1, "DISABLE": 0, "DISCARD_OLDEST": 1, "DISCARD_NEWEST": 0,
                },
            ),
            "setup": Group(
                "setup",
                {"save": self._save, "recall": self._recall, "poweron": Setting(0.0, whole(0, SETUPS), kept=True)},
            ),
        }  # fmt: skip

    def _add(self, value: object, _: object = 0) -> bool:
        if len(self._queue) >= QUEUE_CAPACITY:
            return False
        self._queue.append(value)
        return True

    def _next(self, _: object = 0) -> object:
        return self._queue.popleft() if self._queue else None

    def _keep_string(self, name: object, value: object) -> None:
        self._strings[text(name)] = text(value)

    def _string(self, name: object) -> str:
        found = self._strings.get(text(name))
        if found is None:
            raise Complaint(INVALID_PARAMETER, f"parameter 1 is invalid: no user string {name}")
        return found

    def _forget_string(self, name: object) -> None:
        self._string(name)
        del self._strings[text(name)]

    def _save(self, place: object = None) -> None:
        """Keep every setting that a reset would bring back."""
        kept = [(each, each.value) for each in self._engine.root.settings() if not each.kept]
        self._setups[_place(place)] = kept

    def _recall(self, place: object = None) -> None:
        """Bring back what was kept; outputs go off, as by a reset."""
        name = _place(place)
        if name != "0" and name not in self._setups:
            raise Complaint(-315, f"no setup is saved as {name}")
        self._engine.reset()
        for setting, value in self._setups.get(name, []):
            setting.value = value
        for apply in self._engine.recalled:
            apply()


def _place(given: object) -> str:
    """Return the name of a stored setup: one of the box's own numbers, or a file."""
    return given if isinstance(given, str) else f"{one_of(*range(SETUPS + 1))(given):.0f}"
