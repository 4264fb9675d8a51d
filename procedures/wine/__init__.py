"""The reference campaign: solutions of a two-layer perceptron for Wine, written to arrays of several."""

from __future__ import annotations

from procedures.wine.procedure import WineCampaign

__all__ = ["WineCampaign"]
