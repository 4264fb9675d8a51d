"""All reads that a calibration needs, of an unknown chip: reference maps, then all ports in all-P and all-AP."""

from procedures.calibration.procedure import CalibrationReads as CalibrationReads
