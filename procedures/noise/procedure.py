"""Noise of cells: a series of reads of each, its white and 1/f level, and the cells that jump between two levels.

Reads alone: no pulse, the states stay as they are found. Levels are of the current relative to its mean, so that cells
of any resistance compare.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labmtj.cost import Cost, CostMeter
from labmtj.errors import ProcedureFailed
from labmtj.fitting.noise import FEWEST_SAMPLES, NoiseLevels, fit_noise, welch
from labmtj.fitting.telegraph import TelegraphTest, find_telegraph
from labmtj.health import Health
from labmtj.quantities import Bias, BoolArray, Flag, FloatArray, Lines, ReadSettings
from labmtj.results import Estimate, Fact, Quantity, Result, record
from labmtj.schema import Purpose
from labmtj.verbs import Crossbar, Log
from procedures.common.bounds import ApertureSeconds, OnArray, Place, ReadVolts, Settings
from procedures.common.health import record_finding
from procedures.common.reference import MAP, possible_of
from procedures.common.schemes import select_rows
from procedures.common.single_cells import OF_CELL, Cells

PATH = "noise"
CELL = ("cell",)
LEAST_FRACTION = 0.05
"""of the usual current; a cell below it is open, and has no relative noise"""
UNEVEN = 0.05
"""by how much intervals between reads may differ from their median for a spectrum to mean anything"""


class NoiseSeries(Settings):
    """Noise spectrum and telegraph cells."""

    binary: ClassVar[str] = "noise"

    cells: Annotated[list[Place] | None, OnArray()] = Field(
        None, examples=[[[0, 0], [7, 3]]], description="[row, column] of each; null takes all"
    )
    samples: int = Field(1000, ge=FEWEST_SAMPLES, le=1_000_000, description="reads of each cell, one after another")
    read_volts: ReadVolts = Field(0.1, description="volts on the row that is read")
    aperture_seconds: ApertureSeconds = Field(0.02, description="integration time of a read")
    false_alarm_rate: float = Field(0.005, ge=5e-4, le=0.5, description="of the telegraph test, per cell")
    noisy_factor: float = Field(5.0, gt=1, description="a cell is noisy, too, if its rms is this often the median")

    def execute(self, crossbar: Crossbar, log: Log) -> NoiseResult:
        """Read, judge and record; changes nothing in the array."""
        self.check(crossbar)
        with log.tagged(purpose=Purpose.CHARACTERISE):
            meter = CostMeter(crossbar)
            result = _judge(self, *_read(self, meter), meter.shape, meter.cost)
            record(log, PATH, result)
            text = f"{self.samples} reads: jumps between two levels, or over {self.noisy_factor:g} x the usual rms"
            record_finding(log, result.noisy, Health.NOISY, text, result.cost, PATH)
        return result


class Spectra(NamedTuple):
    """Frequencies (f,) in Hz and densities (n, f) in 1/Hz."""

    frequency: FloatArray
    density: FloatArray


class NoiseResult(Result, kind="noise", signal="noisy"):
    """Noise of n cells relative to their current, all in the state in which they were found."""

    cells: Annotated[Cells, OF_CELL]
    """those judged: without lines that cannot be driven, open cells, and cells with a read beyond the range"""
    interval_seconds: Annotated[float, Fact("s", "between two reads")]
    mean_amperes: Annotated[FloatArray, Quantity("A", "mean read current", CELL)]
    series: Annotated[FloatArray, Quantity("1", "reads, relative to mean", ("cell", "sample"), dtype="f4")]
    """each read relative to the mean, less one"""
    rms: Annotated[FloatArray, Quantity("1", "standard deviation of the reads, relative", CELL)]
    levels: Annotated[
        NoiseLevels,
        Estimate(
            "1/Hz", "white level, relative, cell and meter", CELL, name="white",
            parts=("white", "white_low", "white_high"),
        ),
        Estimate(
            "1", "1/f level at 1 Hz times 1 Hz, relative", CELL, name="pink", parts=("pink", "pink_low", "pink_high")
        ),
    ]  # fmt: skip
    telegraph: Annotated[
        TelegraphTest,
        Quantity("1", "whether the cell jumps between two levels", CELL, name="telegraph", part="found"),
        Quantity("1", "height of the jumps, relative", CELL, part="jump"),
        Quantity("s", "mean dwell in the level of less current", CELL, part="low_seconds"),
        Quantity("s", "mean dwell in the level of more current", CELL, part="high_seconds"),
        Quantity("1", "jumps seen in the series", CELL, part="jumps"),
        Fact("1", "of the telegraph test, per cell", part="false_alarm_rate"),
    ]
    noisy: Annotated[BoolArray, Quantity("1", "telegraph, or far noisier than the others", MAP)]
    judged: Annotated[BoolArray, Quantity("1", "whether the cell was looked at", MAP)]
    cost: Cost

    @cached_property
    def spectra(
        self,
    ) -> Annotated[
        Spectra,
        Quantity("Hz", "frequency", ("frequency",), part="frequency"),
        Quantity("1/Hz", "relative, by Welch", ("cell", "frequency"), part="density", dtype="f4"),
    ]:
        """Averaged spectra, for the eye."""
        return Spectra(*welch(self.series, self.interval_seconds))


def _read(settings: NoiseSeries, crossbar: Crossbar) -> tuple[Cells, FloatArray, float]:
    """Return the cells, their currents (n, samples), and the interval between two reads."""
    wanted = np.argwhere(np.ones(crossbar.shape, bool)) if settings.cells is None else np.array(settings.cells, np.intp)
    bias, possible = possible_of(crossbar, select_rows(crossbar.shape, np.unique(wanted[:, 0]), settings.read_volts))
    cells, series, interval = [], [], 0.0
    for volts, row in zip(bias.line_volts, np.unique(wanted[:, 0])[possible], strict=True):
        columns = np.unique(wanted[wanted[:, 0] == row, 1])
        amperes, interval = _row(settings, crossbar, Bias.from_lines(volts, crossbar.shape), columns)
        cells += [(int(row), int(column)) for column in columns]
        series.append(amperes)
    return np.array(cells, np.intp), np.concatenate(series), interval


def _row(settings: NoiseSeries, crossbar: Crossbar, bias: Bias, columns: NDArray[np.intp]) -> tuple[FloatArray, float]:
    """Return the series of the cells of a row, (cells, samples), all on the range of the first look."""
    lines = Lines(columns=tuple(columns.tolist()))
    look = crossbar.measure(bias, lines, ReadSettings(settings.aperture_seconds)).amperes
    scale = 1.5 * float(np.nanmedian(np.abs(look)))
    how = ReadSettings(settings.aperture_seconds, repeats=settings.samples, range_amperes=scale if scale > 0 else None)
    currents = crossbar.measure(bias, lines, how)
    spoilt = (currents.flags & (Flag.INVALID | Flag.OVERFLOW | Flag.COMPLIANCE)).astype(bool)
    starts = np.broadcast_to(currents.start_seconds, currents.raw_amperes.shape)[0]
    return np.where(spoilt, np.nan, currents.raw_amperes)[0].T, _interval(starts)


def _interval(starts: FloatArray) -> float:
    """Return the time between two reads, (samples, lines); ProcedureFailed if they are not evenly spaced."""
    steps = np.diff(starts, axis=0)
    middle = float(np.median(steps))
    if not middle > 0 or np.mean(np.abs(steps - middle) > UNEVEN * middle) > UNEVEN:
        raise ProcedureFailed(
            f"reads came at uneven times (median interval {middle:.3g} s): no spectrum can be made of them; "
            "read with a longer aperture_seconds"
        )
    return middle


def _judge(
    settings: NoiseSeries, cells: Cells, amperes: FloatArray, interval: float, shape: tuple[int, int], cost: Cost
) -> NoiseResult:
    mean = amperes.mean(axis=1)
    good = np.isfinite(mean) & (np.abs(mean) > LEAST_FRACTION * np.abs(np.nanmedian(mean)))
    if not good.any():
        raise ProcedureFailed("no cell gave a series of reads to judge; look at the read map first")
    cells, mean = cells[good], mean[good]
    series = amperes[good] / mean[:, np.newaxis] - 1
    rms = series.std(axis=1)
    telegraph = find_telegraph(series, interval, settings.aperture_seconds, false_alarm_rate=settings.false_alarm_rate)
    noisy, judged = np.zeros((2, *shape), bool)
    judged[cells[:, 0], cells[:, 1]] = True
    noisy[cells[:, 0], cells[:, 1]] = telegraph.found | (rms > settings.noisy_factor * np.median(rms))
    levels = fit_noise(series, interval, settings.aperture_seconds)
    return NoiseResult(cells, interval, mean, series, rms, levels, telegraph, noisy, judged, cost)
