"""Ramp: the conductance of cells while the voltage on them rises."""

from labmtj_example.ramp.procedure import Ramp

__all__ = ["Ramp"]
