"""Disturb: how often a cell that is half-selected, or read, leaves its state."""

from __future__ import annotations

from procedures.disturb.procedure import Disturb

__all__ = ["Disturb"]
