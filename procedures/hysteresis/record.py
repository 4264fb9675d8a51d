"""What R-V loops told, and how it is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from labmtj.brief import brief
from labmtj.fitting.hysteresis import TmrFit
from labmtj.quantities import FloatArray
from labmtj.schema import Variable
from labmtj.verbs import Log
from procedures.common.cost import Effort, effort_attributes
from procedures.common.single_cells import Cells

PATH = "hysteresis"
MAP = ("row", "column")


@brief
@dataclass(frozen=True, eq=False)
class Loops:
    """What the loops told; maps are (rows, columns), NaN where a cell did not switch, or was not asked for."""

    polarity: int
    """+1: a row positive against its column drives most cells to P; -1: to AP; 0: none switched"""
    to_parallel_volts: FloatArray
    """amplitude of the pulse that switched the cell, with its sign; the pulse before was a step weaker and did not"""
    to_antiparallel_volts: FloatArray
    parallel_ohms: FloatArray
    """at the read voltage, between the ends of the lines: nothing is taken off for wires, of which a row carries the
    current of all its cells"""
    antiparallel_ohms: FloatArray
    tmr: TmrFit
    """of the cells of `cells`, against the voltage between the lines: wires are left in"""
    cells: Cells
    """(n, 2), those that got a loop"""
    volts: FloatArray
    """(steps,) of the pulses of a loop"""
    ohms: FloatArray
    """(n, steps) read after each; NaN where the cell got none"""
    limited: int
    """pulses in which a source was in compliance"""
    left: int
    """cells that switched both ways, but left a state while read at the voltages for TMR(V): they have no TMR"""
    effort: Effort


def as_map(shape: tuple[int, int], cells: Cells, values: FloatArray) -> FloatArray:
    """Return values (n,) of cells as a map, NaN where there is none."""
    whole = np.full(shape, np.nan)
    whole[tuple(cells.T)] = values
    return whole


def put_loops(log: Log, found: Loops, settings: Mapping[str, float], path: str = PATH) -> None:
    """Record the loops in the group `path`, with the settings that the numbers depend on."""
    maps = {
        "to_parallel_volts": (found.to_parallel_volts, "V", "amplitude that switched the cell to P, row minus column"),
        "to_antiparallel_volts": (found.to_antiparallel_volts, "V", "amplitude that switched the cell to AP"),
        "parallel_ohms": (found.parallel_ohms, "ohm", "resistance in P at read_volts"),
        "antiparallel_ohms": (found.antiparallel_ohms, "ohm", "resistance in AP at read_volts"),
    }
    fit, shape = found.tmr, found.to_parallel_volts.shape
    fitted = {
        "tmr": (fit.tmr, "1", "TMR at zero voltage"),
        "tmr_low": (fit.tmr_low, "1", "lower end of its 95 % interval"),
        "tmr_high": (fit.tmr_high, "1", "upper end of its 95 % interval"),
        "half_volts": (fit.half_volts, "V", "voltage at which half of the TMR is left"),
        "half_low_volts": (fit.half_low_volts, "V", "lower end of its 95 % interval"),
        "half_high_volts": (fit.half_high_volts, "V", "upper end of its 95 % interval; inf: not told"),
    }
    maps |= {name: (as_map(shape, found.cells, each), unit, text) for name, (each, unit, text) in fitted.items()}
    variables = {name: Variable(values, unit, text, MAP) for name, (values, unit, text) in maps.items()}
    if len(found.cells):
        variables |= {
            "cells": Variable(found.cells, "1", "row and column of the cells that got a loop", ("cell", "place")),
            "volts": Variable(found.volts, "V", "amplitude of each pulse of a loop, row minus column", ("step",)),
            "ohms": Variable(found.ohms, "ohm", "read behind each pulse; NaN: the cell got none", ("cell", "step")),
        }
    log.put(path, variables, signal="to_parallel_volts", kind="hysteresis")
    attributes = {
        "polarity": found.polarity, "limited_pulses": found.limited, "left_their_state": found.left, **settings,
    }  # fmt: skip
    log.attributes(path, attributes | effort_attributes(found.effort))
