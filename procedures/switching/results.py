"""How switching probabilities are recorded: a row per test pulse, and the fits by direction, cell and width."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from labmtj.cost import Cost
from labmtj.fitting.switching_curve import MedianSlope, SwitchingCurves
from labmtj.fitting.switching_law import ExponentTest, ModelRange, Pulses, Ridge, SwitchingLaws
from labmtj.quantities import BoolArray, FloatArray
from labmtj.results import Estimate, Fact, Quantity
from labmtj.schema import Column, Table
from labmtj.verbs import Log
from procedures.common.single_cells import OF_CELL, ByDirection, Cells

TRIALS = "switching/trials"
CURVE, LAW, RIDGE = ("direction", "cell", "width"), ("direction", "cell"), ("direction", "cell", "point")
_WITH_LAW = "{} end of the interval of {} with the error of the law"


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


def append_trials(
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


class SwitchingResult(ByDirection, kind="switching", signal="median_volts"):
    """What single pulses show; arrays are (2, cells) or (2, cells, widths): towards P first, then towards AP."""

    cells: Annotated[Cells, OF_CELL]
    widths_seconds: Annotated[FloatArray, Quantity("s", "width of the pulses, asked for", ("width",), name="width")]
    delivered_seconds: Annotated[FloatArray, Quantity("s", "mean width delivered", CURVE)]
    """at full voltage, as far as the crossbar reports"""
    voltage: Annotated[Literal["lines", "cell"], Fact("1", "between which voltages are quoted")]
    """the two lines, or across the cell by its delivered fraction"""
    curves: Annotated[
        tuple[SwitchingCurves, SwitchingCurves],
        Estimate(
            "V", "V50, at which half of the pulses switch, {where}", CURVE, name="median_volts",
            ends="median_{}_volts", parts=("median_volts", "median_low", "median_high"),
        ),
        Estimate(
            "1/V", "factors of e by which the rate rises per volt", CURVE, name="efolds_per_volt",
            ends="efolds_{}_per_volt", parts=("efolds_per_volt", "efolds_low", "efolds_high"),
        ),
        Quantity("1", "test pulses that count", CURVE, name="pulses", part="trials"),
    ]  # fmt: skip
    """(cells, widths)"""
    slopes: Annotated[
        tuple[MedianSlope, MedianSlope],
        Estimate(
            "V", "V50 per decade of width", LAW, name="volts_per_decade", parts=("volts_per_decade", "low", "high")
        ),
    ]
    laws: Annotated[
        tuple[SwitchingLaws, SwitchingLaws],
        Estimate(
            "1", "Delta, conditional on {given}", LAW, name="stability",
            parts=("stability", "stability_low", "stability_high"),
        ),
        Estimate(
            "V", "Vc0 {where}, conditional on {given}", LAW, name="critical_volts", ends="critical_{}_volts",
            parts=("critical_volts", "critical_low", "critical_high"),
        ),
        Quantity(
            "1", "correlation of the errors of Delta and Vc0", LAW, name="stability_critical_correlation",
            part="correlation",
        ),
    ]  # fmt: skip
    model_ranges: Annotated[
        tuple[ModelRange, ModelRange],
        Quantity("1", _WITH_LAW.format("lower", "Delta"), LAW, name="stability_model_low", part="stability_low"),
        Quantity("1", _WITH_LAW.format("upper", "Delta"), LAW, name="stability_model_high", part="stability_high"),
        Quantity("V", _WITH_LAW.format("lower", "Vc0"), LAW, name="critical_model_low_volts", part="critical_low"),
        Quantity("V", _WITH_LAW.format("upper", "Vc0"), LAW, name="critical_model_high_volts", part="critical_high"),
    ]
    ridges: Annotated[
        tuple[Ridge, Ridge],
        Quantity("1", "Delta along the ridge", RIDGE, name="ridge_stability", part="stability"),
        Quantity("V", "best Vc0 there, tau0 free", RIDGE, name="ridge_critical_volts", part="critical_volts"),
        Quantity("s", "the tau0 that goes with it", RIDGE, name="ridge_attempt_seconds", part="attempt_seconds"),
        Quantity("1", "log likelihood below the best; 1.92 excludes at 95 %", RIDGE, name="ridge_fall", part="fall"),
    ]
    exponents: Annotated[
        tuple[ExponentTest, ExponentTest],
        Quantity(
            "1", "log likelihood of exponent 2 less that of 1", LAW, name="exponent_log_ratio", part="log_ratio"
        ),
        Quantity(
            "1", "exponent of the barrier that the data decide for, 1 or 2; 0 for neither", LAW,
            {"undecided": 0, "exponent_1": 1, "exponent_2": 2}, part="exponent",
        ),
    ]  # fmt: skip
    pulses: tuple[Pulses, Pulses]
    """every test pulse, (cells, trials)"""
    comes_back: Annotated[BoolArray, Quantity("1", "whether the cell could be reset to the end", LAW)]
    """False for a cell that at some point could not: its trials end there"""
    disturbed: Annotated[tuple[int, int], Fact("1", "cells not under test that had left their state by the end")]
    """of a direction; the array was initialised after"""
    limited: Annotated[int, Fact("1", "pulses in which a source was in compliance; their trials are not counted")]
    cost: Cost

    @property
    def attempt_seconds(self) -> Annotated[float, Fact("s", "tau0 at which Delta and Vc0 are quoted")]:
        """Assumed."""
        return self.laws[0].attempt_seconds

    @property
    def assumed_exponent(self) -> Annotated[int, Fact("1", "exponent of the barrier at which they are quoted")]:
        """Assumed."""
        return self.laws[0].exponent

    @property
    def told(self) -> Annotated[list[str], Fact("1", "what the cells together say of the exponent")]:
        """In words, towards P and towards AP."""
        return [test.together.verdicts[0] for test in self.exponents]

    @property
    def where(self) -> str:
        """Between which voltages are quoted, in words."""
        return "across the cell" if self.voltage == "cell" else "between the lines of the cell"

    @property
    def given(self) -> str:
        """What Delta and Vc0 are conditional on."""
        return f"tau0 = {self.attempt_seconds:g} s and exponent {self.assumed_exponent}"

    @property
    def outside(
        self,
    ) -> Annotated[
        NDArray[np.int8],
        Quantity(
            "1", "where V50 lies: below, among or above the amplitudes tried", CURVE,
            {"below": -1, "among": 0, "above": 1},
        ),
    ]:  # fmt: skip
        """Where V50 lies beyond the amplitudes tried, (2, cells, widths): 1 above all, -1 below, 0 within.

        A V50 beyond them is an extrapolation, or NaN where every pulse switched, or none.
        """
        return np.array([self._outside(direction) for direction in (0, 1)], np.int8)

    def _outside(self, direction: int) -> NDArray[np.int8]:
        median, pulses = self.curves[direction].median_volts, self.pulses[direction]
        volts, switched = (part.reshape((*median.shape, -1)) for part in (pulses.volts, pulses.switched))
        made = np.isfinite(volts)
        hits, most = np.where(made, switched, 0.0).sum(axis=2), np.where(made, volts, -np.inf).max(axis=2)
        above = (hits == 0) | (median > most)
        below = (hits == made.sum(axis=2)) | (median < np.where(made, volts, np.inf).min(axis=2))
        return np.where(~made.any(axis=2), 0, np.where(above, 1, np.where(below, -1, 0))).astype(np.int8)
