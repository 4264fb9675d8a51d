"""What the channels of a unit were limited to, and levels checked against it, whatever the language of the box."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from labmtj.errors import LimitExceeded, UsageError
from labmtj.quantities import FloatArray


class LimitedChannels:
    """Remembers the limits; a driver sets them, and clears them when they may not hold any more."""

    name: str
    channels: tuple[str, ...]
    _limits: dict[str, tuple[float, float]]
    """compliance in amperes and highest level in volts, by channel"""

    def _known(self, channel: str) -> str:
        """Return a channel; UsageError if there is none of that name."""
        if channel not in self.channels:
            raise UsageError(f"{self.name} has no channel {channel!r}; it has {' and '.join(self.channels)}")
        return channel

    def _limit_of(self, channel: str) -> tuple[float, float]:
        """Return compliance and highest level of a channel; UsageError before `limit`."""
        if self._known(channel) not in self._limits:
            raise UsageError(f"{self.name}: channel {channel} needs a limit first")
        return self._limits[channel]

    def _check_levels(self, channels: Sequence[str], volts: FloatArray) -> None:
        """Raise LimitExceeded for levels (..., channels) beyond the limit set by `limit`; 0 V is always allowed."""
        for channel, levels in zip(map(self._known, channels), volts.T, strict=True):
            worst = np.max(np.abs(levels), initial=0.0)
            highest = self._limit_of(channel)[1] if worst else 0.0
            if not worst <= highest:
                raise LimitExceeded(f"{self.name}: level {worst:g} V of channel {channel} exceeds its {highest:g} V")
