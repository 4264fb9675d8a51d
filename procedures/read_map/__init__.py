"""Read map: every cell of an array in the state it is in, in both polarities, again and again."""

from __future__ import annotations

from procedures.read_map.procedure import ReadMap

__all__ = ["ReadMap"]
