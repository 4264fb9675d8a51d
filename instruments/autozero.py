"""When a meter is zeroed: for a new aperture and then now and again; in between its references are taken to hold."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager

RENEWAL_SECONDS = 600.0
"""Assumed: within ten minutes zero and reference of a warm meter drift by less than its noise.

Zeroing takes two more apertures. Done with every sequence it would cost a crossbar more time than the readings,
because a routing holds for one or two of them.
"""


class Autozero:
    """Keeps in mind for which aperture the meter of each channel was zeroed last, and when."""

    def __init__(self) -> None:
        self._zeroed: dict[str, tuple[float, float]] = {}

    @contextmanager
    def due(self, channels: Collection[str], aperture_seconds: float) -> Iterator[frozenset[str]]:
        """Give the channels to zero now; they count as zeroed if the body succeeds.

        Only the last aperture counts, however many of them a box may keep references for.
        """
        now = time.monotonic()
        stale = frozenset(channel for channel in channels if not self._holds(channel, aperture_seconds, now))
        for channel in stale:
            self._zeroed.pop(channel, None)
        yield stale
        self._zeroed |= dict.fromkeys(stale, (aperture_seconds, now))

    def _holds(self, channel: str, aperture_seconds: float, now: float) -> bool:
        aperture, since = self._zeroed.get(channel, (0.0, 0.0))
        return aperture == aperture_seconds and now - since < RENEWAL_SECONDS

    def forget(self) -> None:
        """Zero every channel the next time: the bench is armed anew, or the box was in other hands."""
        self._zeroed.clear()
