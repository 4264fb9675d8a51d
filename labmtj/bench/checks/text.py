"""What `labmtj check` prints: the parts of a bench, the provenance of its numbers, and whether it answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import isfinite

import numpy as np
from pydantic import BaseModel

from labmtj.arrays import ArrayDescription
from labmtj.bench.files.description import BenchFile, MeterFile
from labmtj.bench.files.protecting import protected
from labmtj.bench.files.simulated import SimulatedBench, describe
from labmtj.device.parameter import Parameter, Range
from labmtj.errors import LabmtjError, ProcedureFailed
from labmtj.quantities import Bias, ChipGroup, Lines, ReadSettings

KNOWN_AS = ("published", "typical", "fitted", "assumed")


def bench_text(bench: BenchFile) -> str:
    """Return the description of a bench, ending with "ok" when every array has passed its self-test.

    Raises:
        ProcedureFailed: naming the array that does not answer as it should.
    """
    lines = [f"bench {bench.name}: {bench.kind}, {len(bench.arrays)} arrays, a source-measure unit on every line", ""]
    for array in bench.arrays.values():
        try:
            lines += [*_array_lines(array), f"  self-test: {self_test(bench, array)}", ""]
        except LabmtjError as error:
            raise ProcedureFailed(f"bench {bench.name}, array {array.name}: {error}") from error
    return "\n".join([*lines, *_meter_lines(bench.meter), "", "ok"])


def _array_lines(array: ArrayDescription) -> list[str]:
    model, limits = array.model, array.limits
    size, remark = model.size_metres(array.family), model.temperature_remark(array.temperature_kelvin)
    known: Counter[str] = Counter(found.provenance for found in parameters(array))
    return [
        f"array {array.name}: {array.shape[0]} x {array.shape[1]} cells"
        + (f" of {size * 1e9:g} nm" if isfinite(size) else ""),
        *(f"  {line}" for line in model.lines(array.family)),
        f"  limits: {limits.cell_volts:g} V across a cell, {limits.line_amperes:g} A per line, "
        f"pulses of {limits.pulse_seconds:g} s and {limits.pulse_joules:g} J, reads of {limits.disturb_volts:g} V",
        f"  budget: {limits.pulses_per_cell} pulses per cell",
        "  numbers: " + ", ".join(f"{known[each]} {each}" for each in KNOWN_AS),
        *([f"  temperature: {remark}"] if remark else []),
    ]


def parameters(model: BaseModel) -> Iterator[Parameter | Range]:
    """Iterate over all numbers with a provenance in a model, however deep they lie."""
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, Parameter | Range):
            yield value
        elif isinstance(value, BaseModel):
            yield from parameters(value)


def _meter_lines(meter: MeterFile) -> list[str]:
    scales = ", ".join(f"{each.full_scale_amperes:g}" for each in meter.ranges)
    return [f"meter: ranges {scales} A; {meter.source}"]


def self_test(bench: BenchFile, array: ArrayDescription) -> str:
    """Read one row of a chip, give it one pulse within the limits, and say what was found.

    Raises:
        ProcedureFailed: if the currents are not within 0.1 to 1000 times the nominal ones.
    """
    station = ChipGroup("self-test", (f"{array.name}-0a",), describe(array))
    (simulated,) = SimulatedBench(bench, 0).connect(station).values()
    crossbar = protected(simulated, array)
    columns = Lines(columns=tuple(range(array.shape[1])))
    read_volts = min(0.1, array.limits.disturb_volts)
    currents = crossbar.measure(_on_first_row(array, read_volts), columns, ReadSettings(polarity="both"))
    amperes = currents.amperes[0]
    nominal = array.shape[1] * station.info.antiparallel_siemens * read_volts
    if not (np.isfinite(amperes).all() and nominal / 10 < np.abs(amperes).sum() < nominal * 1000):
        raise ProcedureFailed(
            f"row 0 at {read_volts:g} V carries {np.abs(amperes).sum():.3g} A, nominal is "
            f"{nominal:.3g} A; check resistances and wires of its file, and the ranges of the meter"
        )
    seconds = min(1e-3, array.limits.pulse_seconds)
    pulse = crossbar.pulse(_on_first_row(array, array.limits.cell_volts), seconds)
    held = " in compliance" if pulse.flags.any() else ""
    return (
        f"row 0 at {read_volts:g} V carries {np.abs(amperes).sum() * 1e6:.4g} uA; "
        f"pulse of {array.limits.cell_volts:g} V, {seconds * 1e3:g} ms given{held}"
    )


def _on_first_row(array: ArrayDescription, volts: float) -> Bias:
    rows, columns = array.shape
    return Bias(np.where(np.arange(rows) == 0, volts, 0.0), np.zeros(columns))
