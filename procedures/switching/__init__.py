"""Switching probability of single cells against amplitude and width, in both directions, and the law behind it."""

from __future__ import annotations

from procedures.switching.procedure import SwitchingProbability

__all__ = ["SwitchingProbability"]
