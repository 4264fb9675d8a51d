"""Reference maps: every cell read in the all-P and the all-AP array, and what follows from the pair."""

from __future__ import annotations

from procedures.reference.procedure import ReferenceMap

__all__ = ["ReferenceMap"]
