"""All reads that a calibration needs, of a chip not measured before: reference maps, then all ports in."""

from procedures.calibration.procedure import CalibrationReads as CalibrationReads
