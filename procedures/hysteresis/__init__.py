"""R-V loops: write pulses in a staircase to and fro, a small read after each; where a cell switches."""

from __future__ import annotations

from procedures.hysteresis.procedure import Hysteresis

__all__ = ["Hysteresis"]
