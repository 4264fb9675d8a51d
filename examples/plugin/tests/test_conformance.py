"""What labmtj holds its own drivers, procedures and devices to."""

from labmtj_example.sm100 import COMMANDS

from labmtj.testing import DeviceConformance, ProcedureConformance, UnitConformance, UnitFaults


class TestSM100(UnitConformance, UnitFaults):
    driver = "sm100"
    earlier = tuple(setting.other for setting in COMMANDS.relied_on)


class TestPyMeasure2450(UnitConformance, UnitFaults):
    driver = "pymeasure2450"


class TestRamp(ProcedureConformance):
    experiment = "ramp"


class TestNotches(DeviceConformance):
    device = "notches"
    family = {
        "lowest_ohms": {"value": 12000.0, "relative_sigma": 0.03, "provenance": "assumed"},
        "first_volts": {"value": 0.70, "relative_sigma": 0.01, "provenance": "assumed"},
        "second_volts": {"value": 1.05, "relative_sigma": 0.01, "provenance": "assumed"},
    }
