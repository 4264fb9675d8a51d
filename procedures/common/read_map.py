"""Read map: every cell of an array in the state it is in, in both polarities, again and again; nothing is written."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labmtj.cost import Cost, CostMeter
from labmtj.quantities import Bias, Currents, Flag, FloatArray, Lines, ReadSettings
from labmtj.results import Fact, Quantity, Result
from labmtj.verbs import Crossbar
from procedures.common.bounds import ApertureSeconds, ReadVolts, Settings
from procedures.common.reference import MAP, possible_of
from procedures.common.schemes import select_rows


class ReadMapSettings(Settings):
    """How a map is read."""

    read_volts: ReadVolts = Field(0.1, description="volts on the row that is read, all other lines at 0 V")
    aperture_seconds: ApertureSeconds = Field(0.02, description="integration time of a reading")
    repeats: int = Field(
        4, ge=2, le=10_000, description="readings of every cell in both polarities; their scatter counts"
    )


class CellReads(Result, kind="read_map", signal="siemens"):
    """What every cell gave; maps are (rows, columns), NaN on rows that the crossbar cannot drive."""

    amperes: Annotated[FloatArray, Quantity("A", "read current of the cell, mean of both polarities", MAP)]
    """the offset of the meter cancels"""
    scatter_amperes: Annotated[FloatArray, Quantity("A", "standard deviation of one reading in both polarities", MAP)]
    baseline_amperes: Annotated[FloatArray, Quantity("A", "current at zero input", ("column",))]
    flags: Annotated[NDArray[np.uint8], Quantity("1", "what was wrong with any of its readings", MAP, Flag)]
    read_volts: Annotated[float, Fact("V", "on the row")]
    """what the cell itself gets is less by the drop along its lines"""
    cost: Cost

    @property
    def siemens(self) -> Annotated[FloatArray, Quantity("S", "conductance of the cell with its lines", MAP)]:
        """Conductance between the ends of the row and the column."""
        return self.amperes / self.read_volts


def read_map(crossbar: Crossbar, settings: ReadMapSettings) -> CellReads:
    """Read every cell, one driven row at a time; the state of the array stays as it is."""
    meter = CostMeter(crossbar)
    rows, columns = crossbar.shape
    across = Lines(columns=tuple(range(columns)))
    how = ReadSettings(settings.aperture_seconds, repeats=settings.repeats, polarity="both")
    maps = np.full((2, rows, columns), np.nan)
    flags = np.zeros((rows, columns), np.uint8)
    each = select_rows(crossbar.shape, np.arange(rows), settings.read_volts)
    bias, possible = possible_of(crossbar, Bias.from_lines(each.line_volts, crossbar.shape, ordered=False))
    answer = meter.measure(bias, across, how)
    maps[:, possible] = mean_and_scatter(answer)
    flags[possible] = np.bitwise_or.reduce(np.broadcast_to(answer.flags, answer.raw_amperes.shape), axis=1)
    given = ReadSettings(settings.aperture_seconds, repeats=settings.repeats)
    baseline = meter.measure(Bias(np.zeros(rows), np.zeros(columns)), across, given).amperes[0]
    return CellReads(maps[0], maps[1], baseline, flags, settings.read_volts, meter.cost)


def mean_and_scatter(answer: Currents) -> FloatArray:
    """Return mean and standard deviation of a reading in both polarities, (2, batch, lines), of alternating signs."""
    signed = answer.raw_amperes * answer.signs[:, np.newaxis]
    pairs = signed.reshape(len(signed), -1, 2, signed.shape[2]).mean(axis=2)
    return np.stack([pairs.mean(axis=1), pairs.std(axis=1, ddof=1)])
