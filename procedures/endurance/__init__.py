"""Endurance: cells written to and fro within a budget; contrast and switching yield against the."""

from __future__ import annotations

from procedures.endurance.procedure import Endurance

__all__ = ["Endurance"]
