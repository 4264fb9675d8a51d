"""A 2450 in its TSP language on the side of the terminals: its source and meter are those of the SCPI language."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labmtj.virtual.scpi.errors import SCPIError
from labmtj.virtual.tsp.instrument import TSPInstrument
from labmtj.virtual.tsp.process import Functions

if TYPE_CHECKING:
    from instruments.virtual.series2450.readings import Measuring

FIRST_AMPERES = 1e-4
"""measure range after a reset; 2450 reference (web help), smu.measure.range"""


class Keithley2450Scripts(TSPInstrument):
    """Runs scripts for a 2450.

    Args:
        core: the box as its SCPI language sees it: settings, source and meter.
    """

    engine_module = "instruments.virtual.series2450tsp.engine"
    series = "2450 (TSP)"
    tables = (Path(__file__).with_name("series2450tsp") / "names.tsv",)

    def __init__(self, core: Measuring, *, script_seconds: float = 10.0) -> None:
        self._core = core
        self._settings = {setting.name: setting for setting in core.settings}
        super().__init__(core.box, script_seconds=script_seconds)

    @property
    def settings(self) -> Mapping[str, object]:
        """Plain values that the engine is built from."""
        return {"identity": self._core.identity(), "serial": self.box.serial, "line_hertz": self.box.line_hertz}

    @property
    def functions(self) -> Functions:
        """What the engine may call."""
        return {
            "now": lambda: (self.box.time.now(),), "spend": self._spend,
            "get": lambda name: (self._core.values[1][self._name(name)],), "set": self._set,
            "measured": lambda: (self._core.measured,), "measure": self._measure, "take": self._take,
            "zero": self._zero, "tripped": lambda: (self._core.units[1].limited(),),
            "interlocked": lambda: (self._core.interlock_closed,), "reset": self._reset,
        }  # fmt: skip

    def terminals_off(self) -> None:
        """Bring source and meter to their defaults, output off."""
        self._reset()

    def _reset(self) -> tuple[Any, ...]:
        self._core.reset()
        self._core.values[1]["sense CURR range"] = FIRST_AMPERES
        return ()

    def _spend(self, seconds: float, purpose: str) -> tuple[Any, ...]:
        self.box.time.spend(seconds, purpose)
        return ()

    def _set(self, name: str, word: str) -> tuple[int]:
        """Change a setting as the SCPI language would, with all that is checked and follows; return an error, or 0."""
        setting = self._settings[self._name(name)]
        try:
            self._core.put(setting, 1, setting.kind.read((word,), setting.default))
        except SCPIError as error:
            return (error.code,)
        return (0,)

    def _name(self, name: str) -> str:
        """Return the name of a setting, which may be one of the voltage source alone."""
        return name if name in self._settings else f"VOLT {name}"

    def _measure(self, function: str) -> tuple[Any, ...]:
        self._core.measured = function
        self._core.apply(1)
        return ()

    def _take(self) -> tuple[Any, ...]:
        found = self._core.take()
        return found.value, found.source, found.seconds, self._core.units[1].limited()

    def _zero(self) -> tuple[Any, ...]:
        self.box.time.spend(2 * self._core.aperture(1), "autozero")
        return ()
