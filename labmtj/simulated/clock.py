"""Time that is booked, not waited for: how long a bench would have taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping


class VirtualClock:
    """A clock that advances only on request, and remembers for what.

    It counts whole nanoseconds, so that the sum does not depend on the size of the steps it was made of.
    """

    def __init__(self) -> None:
        self.nanoseconds = 0
        self._booked: Counter[str] = Counter()

    def now(self) -> float:
        """Return the seconds since the clock was started."""
        return self.nanoseconds * 1e-9

    def book(self, purpose: str, seconds: float, times: int = 1) -> None:
        """Advance by `times` x `seconds` and count them under `purpose`; less than 0 s is none, as on a bench."""
        step = max(0, nanoseconds(seconds)) * times
        self.nanoseconds += step
        self._booked[purpose] += step

    def sleep(self, seconds: float) -> None:
        """Book a wait."""
        self.book("wait", seconds)

    @property
    def booked_seconds(self) -> dict[str, float]:
        """Seconds by purpose: source, settle, aperture, transfer, pulse, wait."""
        return {purpose: count * 1e-9 for purpose, count in sorted(self._booked.items())}

    def snapshot(self) -> dict[str, int]:
        """Return the nanoseconds by purpose."""
        return dict(self._booked)

    def restore(self, snapshot: Mapping[str, int]) -> None:
        """Go back to a snapshot."""
        self._booked = Counter({purpose: int(count) for purpose, count in snapshot.items()})
        self.nanoseconds = sum(self._booked.values())


def nanoseconds(seconds: float) -> int:
    """Return the nearest whole number of nanoseconds."""
    return round(seconds * 1e9)
