"""Open apertures and their integrals so far: means over the time from opening to closing."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

from labmtj.virtual.network.terminals import Sensed

Key = TypeVar("Key", bound=Hashable)
Part = tuple[float, Sensed]
"""seconds, and what was seen on average during them"""


class Apertures(Generic[Key]):
    """Those that are open, by channel. All of them integrate the same time: it is passed once, and added to each."""

    def __init__(self) -> None:
        self._open: dict[Key, list[Part]] = {}

    def __iter__(self) -> Iterator[Key]:
        return iter(tuple(self._open))

    def __bool__(self) -> bool:
        return bool(self._open)

    def open(self, channel: Key) -> None:
        """Begin; what a former aperture of the channel has integrated is forgotten."""
        self._open[channel] = []

    def add(self, channel: Key, seconds: float, seen: Sensed) -> None:
        """Integrate what was seen during some more seconds."""
        self._open[channel].append((seconds, seen))

    def close(self, channel: Key) -> Sensed | None:
        """End, and return the mean; None if no time has passed, or nothing was open."""
        parts = self._open.pop(channel, [])
        return mean(parts) if parts else None


def mean(parts: list[Part]) -> Sensed:
    """Return the mean over the parts, weighted with their seconds; that of a single part is what it is, to the bit."""
    total = sum(seconds for seconds, _ in parts)
    shares = [seconds / total for seconds, _ in parts]
    volts = sum(share * seen.volts for share, (_, seen) in zip(shares, parts, strict=True))
    amperes = sum(share * seen.amperes for share, (_, seen) in zip(shares, parts, strict=True))
    return Sensed(volts, amperes, any(seen.limited for _, seen in parts))
