"""Ramp: the conductance of cells while the voltage on them rises, below what disturbs them."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from labmtj.errors import SettingError
from labmtj.quantities import ArrayInfo, Bias, FloatArray, Lines, ReadSettings
from labmtj.results import Fact, Quantity, Result, record
from labmtj.strictmodel import StrictModel
from labmtj.verbs import Crossbar, Log

AXES = ("step", "cell")


class RampResult(Result, kind="ramp", signal="siemens"):
    """Each quantity is declared once: file, report, `labmtj show` and `labmtj compare` follow from it."""

    volts: Annotated[FloatArray, Quantity("V", "on the row of the cell", ("step",))]
    cell: Annotated[FloatArray, Quantity("1", "place on the diagonal, from 0", ("cell",))]
    siemens: Annotated[FloatArray, Quantity("S", "current of the column over the voltage of the row", AXES)]
    aperture_seconds: Annotated[float, Fact("s", "of each reading")]

    @property
    def change(self) -> Annotated[FloatArray, Quantity("1", "conductance at the last step over the first", ("cell",))]:
        """What a tunnel barrier shows, and a resistor does not."""
        return np.asarray(self.siemens[-1] / self.siemens[0])


class Ramp(StrictModel):
    """The cells on the diagonal, one after another, all other lines at 0 V."""

    highest_volts: float = Field(0.1, gt=0, description="at the last step; at most limits.disturb_volts of the array")
    steps: int = Field(5, ge=2, le=100)
    aperture_seconds: float = Field(0.02, gt=0, le=10)

    def check(self, array: ArrayInfo | Crossbar, *key: str) -> None:
        """Raise SettingError for what would disturb the cells; called for every array before the first bias."""
        disturb = array.limits.disturb_volts
        if self.highest_volts > disturb:
            raise SettingError(
                (*key, "highest_volts"), f"{self.highest_volts:g} V exceeds {disturb:g} V (limits.disturb_volts)"
            )

    def execute(self, crossbar: Crossbar, log: Log) -> RampResult:
        """Measure, record and return what was found."""
        self.check(crossbar)
        volts = np.linspace(0, self.highest_volts, self.steps + 1)[1:]
        rows, columns = crossbar.shape
        cells = range(min(rows, columns))
        siemens = np.empty((self.steps, len(cells)))
        for cell in cells:
            bias = Bias(np.outer(volts, np.arange(rows) == cell), np.zeros((self.steps, columns)))
            read = crossbar.measure(bias, Lines(columns=(cell,)), ReadSettings(self.aperture_seconds))
            siemens[:, cell] = read.amperes.reshape(self.steps) / volts  # into ground
        result = RampResult(volts, np.arange(len(cells), dtype=float), siemens, self.aperture_seconds)
        record(log, "ramp", result)
        return result
