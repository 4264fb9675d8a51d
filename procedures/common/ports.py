"""All-port reads: one line driven at a time, all others at 0 V, the current of EVERY line read.

Wires and leads follow from the currents of row into row and of column into column, not from reads of columns alone.
The state of the array stays as it is. From the admittances follow every cell, the wires, and what leaks to ground.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from labmtj.cost import Cost, CostMeter
from labmtj.errors import CannotDo, ProcedureFailed
from labmtj.fitting.network import NetworkFit, fit_network
from labmtj.fitting.scatter import pooled_variance
from labmtj.quantities import Bias, Currents, FloatArray, Lines, ReadSettings
from labmtj.results import Fact, Quantity, Result, record
from labmtj.schema import Attribute, Purpose
from labmtj.verbs import Crossbar, Log
from procedures.common.bounds import ApertureSeconds, ReadVolts, Settings
from procedures.common.reference import MAP, possible_of


class AllPorts(Settings):
    """All-port reads as a procedure of their own."""

    read_volts: ReadVolts = Field(0.1, description="volts on the driven line")
    to_zero_bias: bool = Field(
        default=True,
        description="read at half the voltage, too, and extrapolate: AP cells conduct more at higher volts",
    )
    aperture_seconds: ApertureSeconds = Field(0.02, description="integration time of a reading")
    repeats: int = Field(4, ge=2, le=1000, description="readings of each line in both polarities; their scatter counts")
    gain_fraction: float = Field(
        5e-5, ge=0, le=0.1, description="how far units and ranges differ in gain (assumed); a common error is separate"
    )
    separate_meter_lead: bool = Field(
        default=False, description="let the two lines on meters have a series resistance that grounded lines have not"
    )

    def execute(self, crossbar: Crossbar, log: Log) -> PortReads:
        """Read, fit and record.

        Raises ProcedureFailed if no line can be driven, or the fit does not settle.
        """
        meter = CostMeter(crossbar)
        with log.tagged(purpose=Purpose.CALIBRATE):
            admittance, sigma, offset = self._extrapolated(meter)
            fit = fit_network(
                admittance,
                sigma,
                crossbar.shape,
                separate_meter=self.separate_meter_lead,
                gain_fraction=self.gain_fraction,
            )
            leak, leak_error = leaks(admittance, sigma, self.gain_fraction, fit.fitted_siemens)
            result = PortReads(
                admittance, sigma, offset, leak, leak_error, fit, self.gain_fraction, meter.cost
            )  # fmt: skip
            record(log, "ports", result, read_volts=self.read_volts, to_zero_bias=self.to_zero_bias)
            network = FittedNetwork(fit)
            record(log, "ports/network", network, **network.facts())
        return result

    def _extrapolated(self, crossbar: Crossbar) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return admittance, its standard deviation (lines, lines) and the currents at zero input (lines,)."""
        full, full_sigma = self._admittance(crossbar, self.read_volts)
        offset = zero_currents(crossbar, self._how)
        if not self.to_zero_bias:
            return full, full_sigma, offset
        half, half_sigma = self._admittance(crossbar, self.read_volts / 2)
        # conductance grows with the square of the voltage, to the next order (V / V_h)^4
        return (4 * half - full) / 3, np.hypot(4 * half_sigma, full_sigma) / 3, offset

    @property
    def _how(self) -> ReadSettings:
        return ReadSettings(aperture_seconds=self.aperture_seconds, repeats=self.repeats, polarity="both")

    def _admittance(self, crossbar: Crossbar, volts: float) -> tuple[FloatArray, FloatArray]:
        lines = sum(crossbar.shape)
        admittance, sigma = np.full((2, lines, lines), np.nan)
        for driven, read, currents in drive_each(crossbar, volts, self._how):
            into = -currents.raw_amperes * currents.signs[:, np.newaxis] / volts
            where = np.ix_(driven, read)
            admittance[where], sigma[where] = _mean_and_sigma(into, self.gain_fraction)
        return admittance, sigma


class PortReads(Result, kind="ports"):
    """Port admittances of an array, and what follows; lines are rows first, then columns; NaN: could not be read."""

    admittance_siemens: Annotated[
        FloatArray, Quantity("S", "current into the line per volt on the driven line", ("driven", "line"))
    ]
    sigma_siemens: Annotated[FloatArray, Quantity("S", "standard deviation of the admittance", ("driven", "line"))]
    zero_amperes: Annotated[FloatArray, Quantity("A", "current of the line at zero input", ("line",))]
    leak_siemens: Annotated[FloatArray, Quantity("S", "conductance of the line to ground", ("line",))]
    """what goes in at the line and comes out at no other"""
    leak_error_siemens: Annotated[FloatArray, Quantity("S", "standard error of it", ("line",))]
    fit: NetworkFit
    gain_fraction: Annotated[float, Fact("1", "assumed difference between units and ranges, in the errors")]
    """a gain error common to all stands apart"""
    cost: Cost


class FittedNetwork(Result, kind="ports.network"):
    """What was fitted to port admittances, as it is recorded."""

    fit: Annotated[
        NetworkFit,
        Quantity("S", "conductance of the cell, wires taken off", MAP, part="cell_siemens"),
        Quantity("S", "standard error of it", MAP, part="cell_error_siemens"),
        Quantity("ohm", "resistance of the cell, wires taken off", MAP, part="cell_ohms"),
        Quantity("1", "cells in S, row by row, then wires in ohm, paths in S", ("parameter",), part="estimate"),
        Quantity("1", "of the posterior, in units of `estimate`", ("parameter", "other"), part="covariance"),
        Fact("1", "parameters that the data determine", part="rank"),
        Fact("1", "fitted values", part="parameters"),
        Fact("1", "admittances that were fitted", part="data"),
        Fact("1", "of the fit", part="chi_squared"),
        Fact("1", "degrees of freedom", part="freedom"),
        Fact("1", "admittances that were left out", part="outvoted"),
        Fact("1", "what the fit does not explain", part="misfit"),
    ]

    @property
    def piece_ohms(
        self,
    ) -> Annotated[FloatArray, Quantity("ohm", "each piece of wire: segments of rows, of columns, leads", ("piece",))]:
        """Resistances of the pieces of wire."""
        return self.fit.pieces[0]

    def facts(self) -> dict[str, Attribute]:
        """Return the model, and every wire; one that the data do not determine has a reason instead of a value."""
        fit = self.fit
        facts: dict[str, Attribute] = {
            "wires": list(fit.wires),
            "model": fit.model.summary(),
            "paths": fit.path_words(),
        }
        for name, wire in fit.wires.items():
            if wire.ohms is None or wire.standard_error_ohms is None:
                facts[f"{name}_refused"] = wire.reason
            else:
                facts |= {name: wire.ohms, f"{name}_error": wire.standard_error_ohms}
        return facts


def drive_each(
    crossbar: Crossbar, volts: float, how: ReadSettings
) -> list[tuple[list[int], list[int], Currents]]:  # fmt: skip
    """Drive every line that can be driven alone and read all it can read: driven lines, read lines, answer, for each.

    Where a bench has too few channels to read columns against a column, rows alone are read, and the column itself.

    Raises:
        ProcedureFailed: if no line can be driven alone.
    """
    count = sum(crossbar.shape)
    bias, possible = possible_of(crossbar, Bias.from_lines(volts * np.eye(count), crossbar.shape, ordered=False))
    drivable = possible.tolist()
    found = []
    for kind in ([k for k in drivable if k < crossbar.shape[0]], [k for k in drivable if k >= crossbar.shape[0]]):
        if not kind:
            continue
        chosen = Bias.from_lines(volts * np.eye(count)[kind], crossbar.shape, ordered=False)
        try:
            found.append((kind, drivable, crossbar.measure(chosen, _lines(drivable, crossbar.shape), how)))
        except CannotDo:
            found += [_read_less(crossbar, line, volts, drivable, how) for line in kind]
    if not found:
        raise ProcedureFailed(f"no line can be driven alone to {volts:g} V: {crossbar.refusal(bias)}")
    return found


def _read_less(
    crossbar: Crossbar, line: int, volts: float, lines: list[int], how: ReadSettings
) -> tuple[list[int], list[int], Currents]:
    other = [k for k in lines if k == line or (k < crossbar.shape[0]) != (line < crossbar.shape[0])]
    bias = Bias.from_lines([np.where(np.arange(sum(crossbar.shape)) == line, volts, 0.0)], crossbar.shape)
    return [line], other, crossbar.measure(bias, _lines(other, crossbar.shape), how)


def zero_currents(crossbar: Crossbar, how: ReadSettings) -> FloatArray:
    """Return the current of every line with all sources at 0 V, (lines,), NaN for a line that cannot be read."""
    amperes = np.full(sum(crossbar.shape), np.nan)
    bias = Bias(np.zeros(crossbar.shape[0]), np.zeros(crossbar.shape[1]))
    given = ReadSettings(how.aperture_seconds, how.settle_seconds, how.range_amperes, how.repeats)
    for lines in (range(crossbar.shape[0]), range(crossbar.shape[0], len(amperes))):
        readable = _readable(crossbar, list(lines))
        if readable:
            answer = crossbar.measure(bias, _lines(readable, crossbar.shape), given)
            amperes[readable] = answer.amperes[0]
    return amperes


def _readable(crossbar: Crossbar, lines: list[int]) -> list[int]:
    """Return the lines that have a source: one that cannot be driven, such as one tied to ground, is not read."""
    tiny = min(1e-3, crossbar.limits.disturb_volts)
    alone = Bias.from_lines(tiny * np.eye(sum(crossbar.shape))[lines], crossbar.shape)
    if crossbar.refusal(alone) is None:
        return lines
    return [
        line
        for line, volts in zip(lines, alone.line_volts, strict=True)
        if crossbar.refusal(Bias.from_lines(volts, crossbar.shape)) is None
    ]


def _lines(numbers: list[int], shape: tuple[int, int]) -> Lines:
    return Lines(
        tuple(k for k in numbers if k < shape[0]), tuple(k - shape[0] for k in numbers if k >= shape[0])
    )  # fmt: skip


def _mean_and_sigma(into: FloatArray, gain_fraction: float) -> tuple[FloatArray, FloatArray]:
    """Return mean over the shots and its standard deviation, (driven, lines), from (driven, shots, lines)."""
    pairs = into.reshape(len(into), -1, 2, into.shape[2]).mean(axis=2)  # both polarities: the offset cancels
    mean, own = pairs.mean(axis=1), pairs.var(axis=1, ddof=1)
    shots = pairs.shape[1]
    variance = pooled_variance(own, mean, np.array(shots - 1.0)) / shots
    return mean, np.sqrt(variance + (gain_fraction * mean) ** 2 + (1e-12) ** 2)


def leaks(
    admittance: FloatArray, sigma: FloatArray, gain_fraction: float, fitted: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the conductance of every line to ground and its standard error, (lines,): the sum of its whole row.

    A telegraph cell that jumps between two reads of a row looks like a leak: what the `fitted` admittances do not
    explain counts as error. A gain that differs from channel to channel does so, too.
    """
    apart = gain_fraction * np.abs(admittance.diagonal())
    unexplained = np.nan_to_num(admittance - fitted)
    return admittance.sum(axis=1), np.sqrt(np.maximum(sigma**2, unexplained**2).sum(axis=1) + apart**2)
