"""All reads that a calibration needs, of a chip not measured before: reference maps, then all ports in."""

from __future__ import annotations

from procedures.calibration.procedure import CalibrationReads

__all__ = ["CalibrationReads"]
