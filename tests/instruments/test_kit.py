"""The conformance kit on labmtj's own: one of every language and family; faults of others are in tests/reliability."""

from labmtj.testing import MatrixConformance, UnitConformance, UnitFaults


class TestKeithley2450(UnitConformance, UnitFaults):
    driver = "keithley2450"


class TestKeithley2400(UnitConformance):
    driver = "keithley2400"


class TestKeithley2636B(UnitConformance):
    driver = "keithley2636b"


class TestKeysightB2902A(UnitConformance):
    driver = "keysightb2902a"


class TestKeithley3706A(MatrixConformance):
    driver, card = "keithley3706a", "3730"


class TestKeithley7001(MatrixConformance):
    driver, card = "keithley7001", "7012-S"


class TestKeysightB2201A(MatrixConformance):
    driver, card = "keysightb2201a", "B2211A"
