"""The clock of a bench, which goes on where the last part of a run ended, as if there had been no time between."""

from __future__ import annotations

from labmtj.verbs import Clock


class ResumableClock:
    """Shows what another clock shows, until it is set."""

    def __init__(self, clock: Clock) -> None:
        self.inner, self._ahead = clock, 0.0

    def now(self) -> float:
        """Return the seconds since the run began, without those between its parts."""
        return self._ahead + self.inner.now()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self.inner.sleep(seconds)

    def resume_at(self, seconds: float) -> None:
        """Show this time now."""
        self._ahead += seconds - self.now()
