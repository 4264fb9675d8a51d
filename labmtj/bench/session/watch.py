"""What a bench reports to its watchdog: the longest time of its next step, or that nothing is on."""

from __future__ import annotations

from typing import Protocol

from labmtj.bench.session.idling import IDLE_SECONDS
from labmtj.safety import STEP_SECONDS

MARGIN_SECONDS = 5.0
"""of every lease, beyond the work and one instrument that does not answer: a busy machine is no hang"""
MAKE_SAFE_SECONDS = 4 * STEP_SECONDS + MARGIN_SECONDS
"""lease of a clean-up: its four steps have deadlines of their own"""
IDLE_LEASE_SECONDS = IDLE_SECONDS + 2 * MARGIN_SECONDS
"""lease of a run that computes between two operations: by then it switches its outputs off itself, unless it hangs"""


class Watch(Protocol):
    """The protocol of a watchdog, which acts when the run dies or hangs."""

    def begin(self) -> None:
        """Watch from now on; raise WatchdogLost if that cannot be."""
        ...

    def require(self, phase: str, seconds: float) -> None:
        """Send a lease of `seconds` and wait for its echo; raise WatchdogLost without one."""
        ...

    def extend(self, phase: str, seconds: float) -> None:
        """Send a new lease and wait for its echo if the present one does not fit the next step."""
        ...

    def announce(self, phase: str, seconds: float) -> None:
        """Send a lease of exactly `seconds` without waiting: for work that must not depend on an echo."""
        ...

    def rest(self) -> None:
        """Expect nothing: the outputs are off."""
        ...


class NoWatch:
    """For instruments that end with this process, or exist on a tape only."""

    def begin(self) -> None:
        """Nothing can be left on."""

    def require(self, phase: str, seconds: float) -> None:
        """No echo comes."""

    def extend(self, phase: str, seconds: float) -> None:
        """No echo comes."""

    def announce(self, phase: str, seconds: float) -> None:
        """No watchdog listens."""

    def rest(self) -> None:
        """No watchdog watches."""
