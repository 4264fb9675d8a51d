"""All reads that a calibration needs, of a chip nobody knows yet: reference maps, then all ports in."""

from __future__ import annotations

from procedures.calibration.procedure import CalibrationReads

__all__ = ["CalibrationReads"]
