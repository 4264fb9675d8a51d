"""A crossbar made of physics: circuit, junctions, seeded noise, and a clock that books time instead of waiting."""

from labmtj.simulated.clock import VirtualClock
from labmtj.simulated.crossbar import SimulatedCrossbar, Timing
from labmtj.simulated.meter import MeterModel, MeterRange, Offsets, VoltageRange

__all__ = ["MeterModel", "MeterRange", "Offsets", "SimulatedCrossbar", "Timing", "VirtualClock", "VoltageRange"]
