"""Time as a script sees it: waiting lets whatever runs in the background (sweeps, timers) go on."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator
from functools import partial
from itertools import count
from typing import Any, NamedTuple, Protocol, TypeVar

Result = TypeVar("Result")


class Wait(NamedTuple):
    """A time that something takes."""

    seconds: float
    purpose: str


Course = Generator[Wait, None, Result]
"""something that takes its time: it yields what it waits for, and may go on in the background"""


class Remote(Protocol):
    """The other process: the terminals and the time of the box."""

    def __call__(self, name: str, *arguments: object) -> list[Any]:
        """Call a function of the other process with plain values; raises ScriptFault if the script is to end."""
        ...


class Clock:
    """The clock of the box, with what is due at a later time."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self.cleared = 0
        """how often what was due has been forgotten"""

    def now(self) -> float:
        """Return the seconds since the bench was built."""
        return float(self._remote("now")[0])

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Have something done when this time has passed."""
        heapq.heappush(self._due, (self.now() + seconds, next(self._order), action))

    def spend(self, seconds: float, purpose: str) -> None:
        """Let time pass; what falls due in between is done."""
        if not self._due:
            if seconds > 0:
                self._remote("spend", seconds, purpose)
            return
        end = self.now() + seconds
        while self._due and self._due[0][0] <= end:
            self._next(purpose)
        rest = end - self.now()
        if rest > 0:
            self._remote("spend", rest, purpose)

    def wait(self, seconds: float, purpose: str, done: Callable[[], bool]) -> bool:
        """Let time pass until something is so, but no longer than some seconds; return whether it is."""
        end = self.now() + seconds
        while not done():
            if not self._due or self._due[0][0] > end:
                self.spend(max(0.0, end - self.now()), purpose)
                return done()
            self._next(purpose)
        return True

    def run(self, course: Course[Result]) -> Result:
        """Let a course run to its end before anything else is done by who asks."""
        try:
            while True:
                self.spend(*next(course))
        except StopIteration as end:
            result: Result = end.value
            return result

    def start(self, course: Course[Any]) -> None:
        """Let a course run in the background."""
        for wait in course:
            if wait.seconds > 0:
                self.after(wait.seconds, partial(self.start, course))
                return

    def finish(self) -> None:
        """Let time pass until nothing is due any more."""
        while self._due:
            self._next("settle")

    def clear(self) -> None:
        """Forget what is due."""
        self._due.clear()
        self.cleared += 1

    def _next(self, purpose: str) -> None:
        seconds, _, action = heapq.heappop(self._due)
        wait = seconds - self.now()
        if wait > 0:
            self._remote("spend", wait, purpose)
        action()
