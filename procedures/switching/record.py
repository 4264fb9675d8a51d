"""How switching probabilities are recorded: a row per test pulse, and the fits by direction, cell and width."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labmtj.quantities import FloatArray
from labmtj.schema import Column, Table, Variable
from labmtj.verbs import Log
from procedures.common.cost import effort_attributes
from procedures.common.single_cells import DIRECTION_NAMES, Cells

if TYPE_CHECKING:
    from procedures.switching.procedure import SwitchingResult

PATH = "switching"
TRIALS = f"{PATH}/trials"


def declare_trials(log: Log) -> None:
    """Describe the table of test pulses."""
    log.table(
        Table(
            TRIALS,
            "trial",
            {
                "row": Column("u2", "1", "row of the cell"),
                "column": Column("u2", "1", "column of the cell"),
                "to_parallel": Column("bool", "1", "whether the pulse drove the cell from AP to P, else from P to AP"),
                "width_seconds": Column("f8", "s", "width asked for"),
                "seconds": Column("f8", "s", "width delivered at full voltage"),
                "volts": Column("f8", "V", "amplitude delivered between the lines of the cell"),
                "switched": Column("bool", "1", "whether the read after the pulse shows the other state"),
            },
        )
    )


def put_trials(
    log: Log,
    cells: Cells,
    state: bool,  # noqa: FBT001 - a state is a bit
    width: float,
    volts: FloatArray,
    seconds: FloatArray,
    switched: FloatArray,
) -> None:
    """Append the pulses of one width, (cells, trials) each."""
    cell, trial = np.nonzero(np.isfinite(volts))
    if not len(cell):
        return
    log.append(
        TRIALS,
        {
            "row": cells[cell, 0], "column": cells[cell, 1], "to_parallel": state, "width_seconds": width,
            "seconds": seconds[cell, trial], "volts": volts[cell, trial], "switched": switched[cell, trial] > 0,
        },
    )  # fmt: skip


def put_switching(log: Log, result: SwitchingResult) -> None:
    """Record the fits."""
    curve, cell, law = ("direction", "cell", "width"), ("direction", "cell"), ("direction", "cell")
    where = "across the cell" if result.voltage == "cell" else "between the lines of the cell"
    given = f"tau0 = {result.laws[0].attempt_seconds:g} s and exponent {result.laws[0].exponent}"

    def curves(name: str, units: str, text: str) -> Variable:
        return Variable([result.curve(k, name) for k in (0, 1)], units, text, curve)

    def both(values: object, units: str, text: str) -> Variable:
        return Variable(np.array(values), units, text, cell)

    laws, slopes, ridges = result.laws, result.slopes, result.ridges
    ridge = ("direction", "cell", "point")
    log.put(
        PATH,
        {
            "direction": Variable(list(DIRECTION_NAMES), "1", "towards which state", ("direction",)),
            "width": Variable(result.widths_seconds, "s", "width of the pulses, asked for", ("width",)),
            "cells": Variable(result.cells, "1", "row and column of each cell", ("cell", "line")),
            "delivered_seconds": Variable(result.delivered_seconds, "s", "mean width delivered", curve),
            "median_volts": curves("median_volts", "V", f"V50, at which half of the pulses switch, {where}"),
            "median_low_volts": curves("median_low", "V", "lower end of its 95 % interval"),
            "median_high_volts": curves("median_high", "V", "upper end of its 95 % interval"),
            "efolds_per_volt": curves("efolds_per_volt", "1/V", "factors of e by which the rate rises per volt"),
            "efolds_low_per_volt": curves("efolds_low", "1/V", "lower end of its 95 % interval"),
            "efolds_high_per_volt": curves("efolds_high", "1/V", "upper end of its 95 % interval"),
            "outside": Variable(
                result.outside, "1", "where V50 lies: below, among or above the amplitudes tried", curve,
                {"below": -1, "among": 0, "above": 1},
            ),
            "pulses": curves("trials", "1", "test pulses that count"),
            "volts_per_decade": both([each.volts_per_decade for each in slopes], "V", "V50 per decade of width"),
            "volts_per_decade_low": both([each.low for each in slopes], "V", "lower end of its 95 % interval"),
            "volts_per_decade_high": both([each.high for each in slopes], "V", "upper end of its 95 % interval"),
            "stability": both([each.stability for each in laws], "1", f"Delta, conditional on {given}"),
            "stability_low": both([each.stability_low for each in laws], "1", "lower end of its 95 % interval"),
            "stability_high": both([each.stability_high for each in laws], "1", "upper end of its 95 % interval"),
            "critical_volts": both([each.critical_volts for each in laws], "V", f"Vc0 {where}, conditional on {given}"),
            "critical_low_volts": both([each.critical_low for each in laws], "V", "lower end of its 95 % interval"),
            "critical_high_volts": both([each.critical_high for each in laws], "V", "upper end of its 95 % interval"),
            **{
                name: both(
                    [getattr(each, field) for each in result.model_ranges], unit,
                    f"{end} end of the interval of {what} with the error of the law",
                )
                for name, field, unit, what, end in (
                    ("stability_model_low", "stability_low", "1", "Delta", "lower"),
                    ("stability_model_high", "stability_high", "1", "Delta", "upper"),
                    ("critical_model_low_volts", "critical_low", "V", "Vc0", "lower"),
                    ("critical_model_high_volts", "critical_high", "V", "Vc0", "upper"),
                )
            },
            "stability_critical_correlation": both(
                [each.correlation for each in laws], "1", "correlation of the errors of Delta and Vc0"
            ),
            "exponent_log_ratio": both(
                [each.log_ratio for each in result.exponents], "1", "log likelihood of exponent 2 less that of 1"
            ),
            "exponent": Variable(
                np.array([each.exponent for each in result.exponents]), "1",
                "exponent of the barrier that the data decide for, 1 or 2; 0 for neither", cell,
                {"undecided": 0, "exponent_1": 1, "exponent_2": 2},
            ),
            "comes_back": Variable(result.comes_back, "1", "whether the cell could be reset to the end", law),
            "ridge_stability": Variable([each.stability for each in ridges], "1", "Delta along the ridge", ridge),
            "ridge_critical_volts": Variable(
                [each.critical_volts for each in ridges], "V", "best Vc0 there, tau0 free", ridge
            ),
            "ridge_attempt_seconds": Variable(
                [each.attempt_seconds for each in ridges], "s", "the tau0 that goes with it", ridge
            ),
            "ridge_fall": Variable(
                [each.fall for each in ridges], "1", "log likelihood below the best; 1.92 excludes at 95 %", ridge
            ),
        },
        signal="median_volts", kind="switching")  # fmt: skip
    log.attributes(
        PATH,
        {
            "voltage": result.voltage,
            "attempt_seconds": laws[0].attempt_seconds,
            "assumed_exponent": laws[0].exponent,
            "told": [test.together.told[0] for test in result.exponents],
            "disturbed": list(result.disturbed),
            "limited": result.limited,
            **effort_attributes(result.effort),
        },
    )
