"""Retention: the fraction of cells that have lost their state after a time at rest."""

from __future__ import annotations

from procedures.retention.procedure import Retention

__all__ = ["Retention"]
