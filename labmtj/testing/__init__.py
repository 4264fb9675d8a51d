"""A conformance kit: what labmtj holds its own drivers, procedures and device models to, for those of plug-ins.

In the `conftest.py` at the root of a plug-in's tests:

    pytest_plugins = ["labmtj.testing"]

and in a test module, a class for each thing, named as files name it:

    class TestSM100(UnitConformance, UnitFaults):
        driver = "sm100"

    class TestRamp(ProcedureConformance):
        experiment = "ramp"

    class TestNotches(DeviceConformance):
        device, family = "notches", {"lowest_ohms": {"value": 12e3, "provenance": "assumed"}, ...}

A module that names it is needed: registered as a pytest plug-in that loads by itself (entry point `pytest11`), it would
import labmtj in every test run of every project of the same environment, and redirect the state of all of them.
"""

from labmtj.testing.boxes import relay_box, resistor_box
from labmtj.testing.devices import DeviceConformance
from labmtj.testing.faults import UnitFaults
from labmtj.testing.isolation import own_state
from labmtj.testing.matrices import MatrixConformance
from labmtj.testing.procedures import ProcedureConformance
from labmtj.testing.units import UnitConformance

__all__ = [
    "DeviceConformance", "MatrixConformance", "ProcedureConformance", "UnitConformance", "UnitFaults", "own_state",
    "relay_box", "resistor_box",
]  # fmt: skip
