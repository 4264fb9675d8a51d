"""The Keithley 2450 of PyMeasure as a source-measure unit of labmtj."""

from pymeasure.instruments.keithley import Keithley2450

from instruments.adapted import AdaptedUnit, Kept
from instruments.smumodel import Model
from labmtj.shots import UnitFacts

FACTS = UnitFacts(210.0, 1.05, tuple(10.0**n for n in range(-8, 1)), 1.05, 0.02, False, (0.0, 0.0), 50.0, 0.001)


class PyMeasure2450(AdaptedUnit):
    """Says how six things are done, and what the data sheet says in the order of `UnitFacts`; the rest is shared."""

    models = ("2450",)
    model = Model(FACTS, (0.01, 10.0), (0.02, 0.2, 2.0, 20.0, 200.0), 1.05, 1, 0.0, {})
    pymeasure = Keithley2450

    def prepare(self, amperes: float, range_volts: float) -> None:
        self.instrument.apply_voltage(range_volts, amperes)
        self.instrument.current_range = amperes

    def kept(self) -> Kept:
        box = self.instrument
        return Kept(box.source_voltage, box.source_voltage_range, box.compliance_current, box.source_enabled)

    def set_volts(self, volts: float) -> None:
        self.instrument.source_voltage = volts

    def switch(self, on: bool) -> None:
        self.instrument.write(f":OUTP {int(on)}")

    def measure(self, line_cycles: float, range_amperes: float | None, rest_amperes: float) -> float:
        self.instrument.measure_current(line_cycles, range_amperes or 1.0, auto_range=range_amperes is None)
        amperes = float(self.instrument.current)
        self.instrument.current_range = rest_amperes
        return amperes

    def is_limited(self) -> bool:
        return bool(float(self.instrument.ask(":SOUR:VOLT:ILIM:TRIP?")))
