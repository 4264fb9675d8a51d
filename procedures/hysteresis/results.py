"""Results of R-V loops, and how they are recorded."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated

import numpy as np

from labmtj.cost import Cost
from labmtj.fitting.hysteresis import TmrFit
from labmtj.quantities import FloatArray
from labmtj.results import Estimate, Fact, Quantity, Result
from procedures.common.reference import MAP
from procedures.common.single_cells import Cells


class Loops(Result, kind="hysteresis", signal="to_parallel_volts"):
    """What the loops show; maps are (rows, columns), NaN where a cell did not switch, or was not asked for."""

    polarity: Annotated[int, Fact("1", "+1: a row positive against its column drives most cells to P; -1: to AP")]
    """0: none switched"""
    to_parallel_volts: Annotated[
        FloatArray, Quantity("V", "amplitude that switched the cell to P, row minus column", MAP)
    ]
    """the pulse before was a step weaker and did not"""
    to_antiparallel_volts: Annotated[FloatArray, Quantity("V", "amplitude that switched the cell to AP", MAP)]
    parallel_ohms: Annotated[FloatArray, Quantity("ohm", "resistance in P at read_volts", MAP)]
    """between the ends of the lines: nothing is taken off for wires, of which a row carries the current of all its
    cells"""
    antiparallel_ohms: Annotated[FloatArray, Quantity("ohm", "resistance in AP at read_volts", MAP)]
    tmr: TmrFit
    """of the cells of `cells`, against the voltage between the lines: wires are left in"""
    cells: Annotated[Cells, Quantity("1", "row and column of the cells that got a loop", ("cell", "place"))]
    volts: Annotated[FloatArray, Quantity("V", "amplitude of each pulse of a loop, row minus column", ("step",))]
    ohms: Annotated[FloatArray, Quantity("ohm", "read after each pulse; NaN: the cell got none", ("cell", "step"))]
    limited: Annotated[int, Fact("1", "pulses in which a source was in compliance", "limited_pulses")]
    left: Annotated[int, Fact("1", "cells that left a state while read at the voltages for TMR(V)", "left_their_state")]
    """they switched both ways, and have no TMR"""
    cost: Cost

    @property
    def fitted(
        self,
    ) -> Annotated[
        TmrFit,
        Estimate("1", "TMR at zero voltage", MAP, name="tmr", parts=("tmr", "tmr_low", "tmr_high")),
        Quantity("V", "voltage at which half of the TMR is left", MAP, part="half_volts"),
        Quantity("V", "lower end of its 95 % interval", MAP, part="half_low_volts"),
        Quantity("V", "upper end of its 95 % interval; inf: not determined", MAP, part="half_high_volts"),
    ]:
        """The fits as maps."""
        shape = self.to_parallel_volts.shape
        return TmrFit(*(as_map(shape, self.cells, getattr(self.tmr, each.name)) for each in fields(TmrFit)))


def as_map(shape: tuple[int, ...], cells: Cells, values: FloatArray) -> FloatArray:
    """Return values (n,) of cells as a map, NaN where there is none."""
    whole = np.full(shape, np.nan)
    whole[tuple(cells.T)] = values
    return whole
