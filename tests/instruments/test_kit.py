"""The conformance kit on labmtj's own units: one of every language and family; faults of others are in tests/reliability."""

from labmtj.testing import UnitConformance, UnitFaults


class TestKeithley2450(UnitConformance, UnitFaults):
    driver = "keithley2450"


class TestKeithley2400(UnitConformance):
    driver = "keithley2400"


class TestKeithley2636B(UnitConformance):
    driver = "keithley2636b"


class TestKeysightB2902A(UnitConformance):
    driver = "keysightb2902a"
