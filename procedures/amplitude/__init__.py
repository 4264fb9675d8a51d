"""Amplitude scan: write fidelity against write voltage, for each direction."""

from __future__ import annotations

from procedures.amplitude.procedure import AmplitudeMap

__all__ = ["AmplitudeMap"]
