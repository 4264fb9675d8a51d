"""Vector-matrix products on the array: all rows at once, by transfer matrix, or bit by bit.

A product is `inputs @ W` with W the signed weights of a block of cells: each weight is the difference of two
neighbouring columns (even column plus, odd column minus), in units of the nominal conductance step of a cell.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from pydantic import Field

from labmtj.errors import ProcedureFailed, UsageError
from labmtj.network import Block, Placement
from labmtj.quantities import Bias, Currents, Flag, FloatArray, Lines, ReadSettings
from labmtj.verbs import Crossbar
from procedures.common.bounds import ApertureSeconds, ReadVolts, Settings
from procedures.common.reference import ReferenceMaps
from procedures.common.schemes import inputs_on_rows, select_rows

Way = Literal["simultaneous", "transfer", "bit_serial"]
Mode = Literal["auto", "simultaneous", "transfer", "bit_serial"]


class InferSettings(Settings):
    """How a vector-matrix product is measured."""

    mode: Mode = Field(
        "auto",
        description="all rows at once (simultaneous), one row at a time (transfer), or one bit at a time (bit_serial); "
        "auto: all rows at once where the bench has the channels, else one at a time",
    )
    read_volts: ReadVolts = Field(0.1, description="volts of an input of 1")
    aperture_seconds: ApertureSeconds = Field(0.02, description="integration time of a reading")
    baseline_reads: int = Field(
        4, ge=0, le=1000, description="zero-input reads after each write, averaged and subtracted"
    )
    bits: int = Field(6, ge=1, le=16, description="magnitude bits of an input in mode bit_serial")


@dataclass(frozen=True)
class Multiplier:
    """A block of an array used as a matrix.

    Args:
        crossbar: the array.
        block: where the matrix lives, or the lines that it uses.
        settings: how to measure.
        range_amperes: meter range that holds the largest column current; fixed, so that the baseline is on it too.
    """

    crossbar: Crossbar
    block: Block | Placement
    settings: InferSettings
    range_amperes: float

    @property
    def way(self) -> Way:
        """How products are measured."""
        return way_of(self.crossbar, self.block, self.settings)

    @property
    def _lines(self) -> Lines:
        return Lines(columns=tuple(self.block.column_lines))

    def _how(self, **changes: Any) -> ReadSettings:
        how = ReadSettings(aperture_seconds=self.settings.aperture_seconds, range_amperes=self.range_amperes)
        return replace(how, **changes)

    def baseline(self) -> FloatArray:
        """Return the currents of the block's columns with every line at 0 V, (columns,); zero if `baseline_reads` is 0.

        An offset of the virtual grounds drives a current through every cell of a column. It is subtracted exactly, but
        holds only while the states are unchanged: take it again after each write.
        """
        if not self.settings.baseline_reads:
            return np.zeros(self.block.columns)
        shape = self.crossbar.shape
        reading = self._how(repeats=self.settings.baseline_reads)
        currents = self.crossbar.measure(Bias(np.zeros(shape[0]), np.zeros(shape[1])), self._lines, reading)
        return np.asarray(self._within_range(currents)[0], float)

    def simultaneous(self, inputs: FloatArray) -> FloatArray:
        """Return the column currents, all inputs at once: inputs (samples, rows) in [-1, 1] -> (samples, columns)."""
        _check_inputs(inputs, self.block.rows)
        bias = inputs_on_rows(self.crossbar.shape, self.block.row_lines, self.settings.read_volts * inputs)
        return self._within_range(self.crossbar.measure(bias, self._lines, self._how()))

    def transfer(self) -> FloatArray:
        """Return the transfer matrix of the block in siemens, (rows, columns): one row at a time, both polarities."""
        bias = select_rows(self.crossbar.shape, self.block.row_lines, self.settings.read_volts)
        currents = self.crossbar.measure(bias, self._lines, self._how(polarity="both"))
        return self._within_range(currents) / self.settings.read_volts

    def _within_range(self, currents: Currents) -> FloatArray:
        """Return the amperes, (batch, columns); ProcedureFailed if one is beyond the range: it gives no product."""
        beyond = (currents.flags & Flag.OVERFLOW).any(axis=(0, 1))
        if beyond.any():
            raise ProcedureFailed(
                f"column {self.block.column_lines[int(np.argmax(beyond))]} carries more than any product of this array "
                f"({self.range_amperes:.3g} A): a cell has changed since the reference maps; make them again"
            )
        return currents.amperes

    def superposed(self, inputs: FloatArray, transfer: FloatArray) -> FloatArray:
        """Return the column currents that a transfer matrix in siemens gives: the array is linear, so rows add up."""
        _check_inputs(inputs, self.block.rows)
        return inputs @ transfer * self.settings.read_volts

    def bit_serial(self, inputs: FloatArray, baseline: FloatArray) -> FloatArray:
        """Return the column currents, baseline subtracted, from binary inputs alone, as two sources can give them.

        The magnitude of each input is rounded to `bits` bits; the rows whose bit is set are driven together at one
        voltage, positive and negative inputs one after the other, and the currents are added with their weights.
        """
        _check_inputs(inputs, self.block.rows)
        top = 2**self.settings.bits - 1
        magnitude = np.round(np.abs(inputs) * top).astype(int)
        total = np.zeros((len(inputs), self.block.columns))
        for sign in (1.0, -1.0):
            chosen = np.where(np.sign(inputs) == sign, magnitude, 0)
            for bit in range(self.settings.bits):
                pattern = (chosen >> bit) & 1
                some = pattern.any(axis=1)
                if some.any():
                    total[some] += sign * 2**bit / top * (self.simultaneous(pattern[some].astype(float)) - baseline)
        return total

    def multiply(self, inputs: FloatArray, baseline: FloatArray) -> FloatArray:
        """Return the column currents for the inputs in the chosen way, baseline subtracted, (samples, columns)."""
        _check_inputs(inputs, self.block.rows)
        if (way := self.way) == "transfer":
            return self.superposed(inputs, self.transfer())
        if way == "bit_serial":
            return self.bit_serial(inputs, baseline)
        return self.simultaneous(inputs) - baseline


def way_of(crossbar: Crossbar, block: Block | Placement, settings: InferSettings) -> Way:
    """Return how products with a block are measured: as the settings say, or (auto) as the crossbar can."""
    if settings.mode != "auto":
        return settings.mode
    different = settings.read_volts * np.linspace(0.5, 1.0, block.rows)[np.newaxis]
    refusal = crossbar.refusal(inputs_on_rows(crossbar.shape, block.row_lines, different))
    return "simultaneous" if refusal is None else "transfer"


def column_range(reference: ReferenceMaps, block: Block | Placement, read_volts: float) -> float:
    """Return the current that no column of the block exceeds: every row driven, every cell P, and a tenth more."""
    parallel = block.take(reference.parallel_amperes) * (read_volts / reference.read_volts)
    return float(1.1 * parallel.sum(axis=0).max())


def pair_difference(column_amperes: FloatArray, read_volts: float, delta_siemens: float) -> FloatArray:
    """Return (plus - minus column) / (delta_siemens x read_volts): currents (..., columns) -> (..., columns / 2)."""
    return (column_amperes[..., 0::2] - column_amperes[..., 1::2]) / (read_volts * delta_siemens)


def _check_inputs(inputs: FloatArray, rows: int) -> None:
    if inputs.ndim != 2 or inputs.shape[1] != rows:
        raise UsageError(f"the block has {rows} rows; inputs of shape {inputs.shape} do not fit (samples, {rows})")
    if not (np.abs(inputs) <= 1).all():
        raise UsageError("inputs must lie in [-1, 1]: 1 is read_volts on the row")
