"""Noise of cells: a series of reads of each, its white and 1/f level, and the cells that jump between."""

from __future__ import annotations

from procedures.noise.procedure import NoiseSeries

__all__ = ["NoiseSeries"]
