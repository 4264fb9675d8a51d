"""Ramp: the conductance of cells while the voltage on them rises, below what disturbs them."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from labmtj.quantities import Bias, FloatArray, Lines, ReadSettings
from labmtj.results import Fact, Quantity, Result, record
from labmtj.verbs import Crossbar, Log
from procedures.common.bounds import ReadVolts, Settings

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


class Ramp(Settings):
    """The cells on the diagonal, one after another, all other lines at 0 V."""

    highest_volts: ReadVolts = Field(0.1, description="at the last step; at most limits.disturb_volts of the array")
    steps: int = Field(5, ge=2, le=100)
    aperture_seconds: float = Field(0.02, gt=0, le=10)

    def execute(self, crossbar: Crossbar, log: Log) -> RampResult:
        """Measure, record and return what was found."""
        self.check(crossbar)  # of a notebook; a run checks every array before its first bias
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
