"""Something that runs in the background: it waits for time or for events, and rests, so that every message ends."""

from __future__ import annotations

from collections.abc import Callable

from labmtj.virtual.tsp.clock import Clock, Course, Wait
from labmtj.virtual.tsp.complaints import Complaint

REST = Wait(-1.0, "rest")
"""what a course yields to wait for `wake`"""


class Background:
    """Runs one course at a time.

    Args:
        clock: of the box.
        failed: takes the error that ends a course.
    """

    def __init__(self, clock: Clock, failed: Callable[[Complaint], None]) -> None:
        self._clock, self._failed = clock, failed
        self._course: Course[None] | None = None
        self._cleared = 0
        self.resting = False

    @property
    def running(self) -> bool:
        """Whether there is a course that has not ended; a device clear or an aborted script ends it."""
        if self._course is not None and self._cleared != self._clock.cleared:
            self.stop()
        return self._course is not None

    def start(self, course: Course[None]) -> None:
        """Let a course run, beginning when time next passes."""
        self._course, self._cleared, self.resting = course, self._clock.cleared, False
        self._clock.after(0.0, self._go)

    def stop(self) -> None:
        """End it where it is."""
        self._course, self.resting = None, False

    def wake(self) -> None:
        """Let it go on if it rests."""
        if self.running and self.resting:
            self.resting = False
            self._clock.after(0.0, self._go)

    def _go(self) -> None:
        if self._course is None:
            return
        try:
            wait = next(self._course)
        except StopIteration:
            self._course = None
        except Complaint as complaint:
            self._course = None
            self._failed(complaint)
        else:
            if wait.seconds < 0:
                self.resting = True
            else:  # also without waiting others get their turn
                self._clock.after(wait.seconds, self._go)
