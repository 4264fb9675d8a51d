"""Cutting a long sequence into messages that a box can hold, and putting the answers together again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import TypeVar

import numpy as np

from labmtj.shots import DeliveredPulses, ShotReadings

Answer = TypeVar("Answer", ShotReadings, DeliveredPulses)


def pieces(count: int, longest: int) -> Iterator[slice]:
    """Yield slices of at most `longest` that cover `count` points."""
    yield from (slice(start, start + longest) for start in range(0, count, longest))


def joined(parts: Sequence[Answer]) -> Answer:
    """Return the answers of parts of a sequence as one."""
    whole = {each.name: np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(parts[0])}
    return replace(parts[0], **whole)


def in_a_row(parts: Sequence[Answer], gap_seconds: float) -> Answer:
    """Return the parts as one; each is taken to begin `gap_seconds` after the last point of the one before."""
    offsets = np.cumsum([0.0, *(part.start_seconds[-1] + gap_seconds for part in parts[:-1])])
    shifted = [replace(part, start_seconds=part.start_seconds + gap) for part, gap in zip(parts, offsets, strict=True)]
    return joined(shifted)
