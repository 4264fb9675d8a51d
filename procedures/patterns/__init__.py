"""Test patterns written one after another: the memory test of an array, and the shortest campaign with a write."""

from __future__ import annotations

from procedures.patterns.procedure import PatternCampaign

__all__ = ["PatternCampaign"]
