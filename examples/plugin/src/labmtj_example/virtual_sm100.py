"""The SM100 as it answers on the wire: settings behind headers, and `:READ?`."""

from __future__ import annotations

from labmtj.simulated.meter import MeterModel, MeterRange, VoltageRange
from labmtj.virtual.network.unit import OVERFLOW
from labmtj.virtual.scpi.meter_commands import MeterCommands
from labmtj.virtual.scpi.sourcemeter import Range, Sheet
from labmtj.virtual.scpi.table import Setting, command
from labmtj.virtual.scpi.values import Number, Switch, Word

REACH = 1.05
METER = MeterModel(
    tuple(  # full scale in amperes, gain, offset, rms noise at one line cycle
        MeterRange(scale, 0.0005, 3e-4 * scale, 1e-6 * scale) for scale in (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
    ),
    over_range=REACH,
    voltage_ranges=tuple(
        VoltageRange(scale, 0.0005, 1e-4 * scale, 1e-6 * scale, 0.0005, 1e-4 * scale) for scale in (2.0, 20.0)
    ),
)


def _of_quantity(quantity: str, node: str, top: float, lowest: float, limit: float) -> tuple[Setting, ...]:
    """Return the settings of volts or of amperes, by the names that `SourceMeter` knows."""
    source, sense = f"[:SOURce]:{node}", f":SENSe:{node}"
    return (
        Setting(f"{quantity} level", f"{source}[:LEVel]", Number(-top, top), 0.0),
        Setting(f"{quantity} range", f"{source}:RANGe", Range(-top, top), lowest),
        Setting(f"{quantity} autorange", f"{source}:RANGe:AUTO", Switch(), default=True),
        Setting(f"{quantity} limit", f"{sense}:PROTection", Number(lowest / 1000, top), limit),
        Setting(f"sense {quantity} range", f"{sense}:RANGe", Range(-top, top), lowest),
        Setting(f"sense {quantity} autorange", f"{sense}:RANGe:AUTO", Switch(), default=True),
    )


class VirtualSM100(MeterCommands):
    """The box."""

    sheet = Sheet.of(METER, 1.0, REACH)
    settings = (
        Setting("function", "[:SOURce]:FUNCtion", Word("VOLTage|CURRent"), "VOLT"),
        *_of_quantity("VOLT", "VOLTage", 20.0, 2.0, 20.0),
        *_of_quantity("CURR", "CURRent", 0.1, 1e-6, 1e-4),
        Setting("delay", "[:SOURce]:DELay", Number(0.0, 1000.0), 0.0),
        Setting("nplc", ":SENSe:NPLCycles", Number(0.01, 10.0), 1.0),
        Setting("autozero", ":SENSe:AZERo", Switch(), default=True),
        Setting("output", ":OUTPut[:STATe]", Switch(), default=False),
        Setting("off mode", "", Word("NORMal"), "NORM"),  # no header: the box has no choice
        Setting("four wires", "", Switch(), default=False),
    )

    def identity(self) -> str:
        """Return the answer to `*IDN?`."""
        return f"EXAMPLE INSTRUMENTS,SM100,{self.box.serial},1.0"

    @command(":SENSe:CURRent:PROTection:TRIPped?")
    def _tripped(self) -> str:
        return self.tripped(1)

    @command(":ABORt")
    def _abort(self) -> None:
        """Do nothing: what runs was stopped when this came in."""

    @command(":READ?")
    def _read(self) -> str | None:
        if self.stopped.is_set():
            return None
        self.box.time.spend(self.values[1]["delay"], "settle")
        start, shown = self.box.time.now(), self.measure(1)
        amperes = OVERFLOW if shown.overflow else shown.amperes
        return f"{amperes:+.6E},{start:.6f},{shown.limited + 2 * shown.overflow:d}"
