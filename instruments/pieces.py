"""Cutting a long sequence into messages that a box can hold, and putting the answers together again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from labmtj.quantities import FloatArray
from labmtj.shots import DeliveredPulses, ShotReadings


def pieces(count: int, longest: int) -> Iterator[slice]:
    """Yield slices of at most `longest` that cover `count` points."""
    yield from (slice(start, start + longest) for start in range(0, count, longest))


def joined_readings(parts: Sequence[ShotReadings]) -> ShotReadings:
    """Return the parts as one; each is taken to begin when the one before began its last shot."""
    starts = _shifted([part.start_seconds for part in parts], 0.0)
    amperes, flags, ranges = _columns(parts, "amperes", "flags", "range_amperes")
    return ShotReadings(amperes, flags, ranges, starts)


def joined_pulses(parts: Sequence[DeliveredPulses], each_seconds: float) -> DeliveredPulses:
    """Return the parts as one; each is taken to begin `each_seconds` after the last pulse of the one before."""
    starts = _shifted([part.start_seconds for part in parts], each_seconds)
    seconds, volts, flags = _columns(parts, "step_seconds", "step_volts", "flags")
    return DeliveredPulses(seconds, volts, flags, starts)


def _columns(parts: Sequence[Any], *names: str) -> list[Any]:
    return [np.concatenate([getattr(part, name) for part in parts]) for name in names]


def _shifted(starts: Sequence[FloatArray], gap: float) -> FloatArray:
    offsets = np.cumsum([0.0, *(start[-1] + gap for start in starts[:-1])])
    return np.concatenate([start + offset for start, offset in zip(starts, offsets, strict=True)])
