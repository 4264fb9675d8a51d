"""One cell by hand, a whole bench checked, a bench made safe: what the command line does without a run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from labmtj import library, yamlfile
from labmtj.bench.contact import Expected
from labmtj.bench.laboratory import InstrumentFile, LaboratoryFile
from labmtj.bench.loading import load_any
from labmtj.bench.notebook import open_bench
from labmtj.bench.opening import OpenBench, located
from labmtj.bench.sessions import open_sessions
from labmtj.bench.standing import AnyLaboratory, laboratory_of, open_any
from labmtj.bench.wiring_check import wiring_check
from labmtj.errors import ConfigError, InstrumentError, LabmtjError, ProcedureFailed, UsageError
from labmtj.quantities import Bias, Flag, Lines, Reading
from labmtj.verbs import Crossbar, Instrument


def read_cell(name: str, row: int, column: int, volts: float) -> str:
    """Read one cell of the array on a bench: its row at `volts`, all other lines at 0 V, both polarities."""
    with open_bench(name) as array:
        _check_cell(array, row, column)
        rows = np.where(np.arange(array.shape[0]) == row, volts, 0.0)
        _check_read(array, volts)
        bias = Bias(rows, np.zeros(array.shape[1]))
        currents = array.measure(bias, Lines(columns=(column,)), Reading(polarity="both"))
        amperes = float(currents.amperes[0, 0])
    flags = Flag(int(np.bitwise_or.reduce(currents.flags, axis=None)))
    resistance = f"{volts / amperes:.4g} ohm" if amperes else "no current"
    return f"cell ({row}, {column}) at {volts:g} V: {amperes:.6e} A, {resistance}{f', {flags.name}' if flags else ''}"


def pulse_cell(name: str, row: int, column: int, volts: float, seconds: float, *, over_budget: bool = False) -> str:
    """Pulse one cell, half the voltage on its row and half on its column; say what it got, and what it reads then."""
    with open_bench(name) as array:
        _check_cell(array, row, column)
        rows, columns = (np.arange(size) == index for size, index in zip(array.shape, (row, column), strict=True))
        if over_budget:
            array.allow_over_budget()
        pulse = array.pulse(Bias(np.where(rows, volts / 2, 0.0), np.where(columns, -volts / 2, 0.0)), seconds)
        read_volts = min(0.1, array.limits.disturb_volts)
        bias = Bias(np.where(rows, read_volts, 0.0), np.zeros(array.shape[1]))
        amperes = array.measure(bias, Lines(columns=(column,)), Reading(polarity="both")).amperes[0, 0]
    steps, lines = pulse.delivered.step_seconds[0], pulse.delivered.line_volts[0]
    across = lines[:, row] - lines[:, array.shape[0] + column]
    told = ", ".join(f"{volt:.4g} V for {step:.4g} s" for volt, step in zip(across, steps, strict=True))
    limited = ", a source was limited" if (pulse.flags & Flag.COMPLIANCE).any() else ""
    return f"cell ({row}, {column}) got {told}{limited}; it reads {amperes:.6e} A at {read_volts:g} V"


def _check_cell(array: Crossbar, row: int, column: int) -> None:
    rows, columns = array.shape
    if not (0 <= row < rows and 0 <= column < columns):
        raise UsageError(
            f"cell ({row}, {column}) does not exist: the array has rows 0 to {rows - 1} and columns 0 to {columns - 1}"
        )


def _check_read(array: Crossbar, volts: float) -> None:
    if not 0 < abs(volts) <= array.limits.disturb_volts:
        raise UsageError(
            f"--volts {volts:g}: a read needs more than 0 V and at most {array.limits.disturb_volts:g} V "
            "(limits.disturb_volts); `labmtj pulse` applies more"
        )


def check_text(name: str, file: AnyLaboratory) -> str:
    """Identify all instruments, let them test themselves, measure the wiring; return what was found.

    Raises:
        ProcedureFailed: for whatever is wrong, all of it together; the bench is safe.
    """
    laboratory = laboratory_of(file)
    with located(name), open_any(file, run="labmtj check") as bench:
        lines = list(_description(bench, laboratory))
        wrong = [f"{unit}: {found}" for unit, each in _instruments(bench) for found in each.self_test()]
        wrong += wiring_check(bench, Expected.of(laboratory))
    if wrong:
        raise ProcedureFailed("\n".join([*lines, "", "wrong:", *(f"  {each}" for each in wrong)]))
    return "\n".join([*lines, "self-tests and wiring: nothing wrong", "", "ok"])


def _description(bench: OpenBench, file: LaboratoryFile) -> Iterator[str]:
    rows, columns = bench.shape
    yield f"bench {file.name}: {rows} x {columns} lines, chip {file.chip.id}, array {file.chip.array.name}"
    yield from (f"  {name}: {identity}" for name, identity in bench.sessions.identities.items())
    limits = bench.limits
    yield (
        f"limits: {limits.cell_volts:g} V across a cell, {limits.line_amperes:g} A per line, pulses of "
        f"{limits.pulse_seconds:g} s and {limits.pulse_joules:g} J, reads of {limits.disturb_volts:g} V"
    )
    yield from (f"  {ledger.text()}" for ledger in (bench.protected().pulses, *bench.relays.values()))
    yield f"wiring sha256: {bench.wiring.sha256}"


def _instruments(bench: OpenBench) -> list[tuple[str, Instrument]]:
    return [*bench.units.items(), *bench.matrices.items()]


def make_safe(name: str) -> list[str]:
    """Bring every source of a bench file to 0 V and off, then every relay to rest; works with a file that is wrong.

    Returns what was done, instrument by instrument. Locks are not asked for: safety comes before ownership.

    Raises:
        InstrumentError: telling every instrument that could not be made safe.
        ConfigError: if the file names no instrument at all, or a bench whose instruments are virtual.
    """
    instruments = _instruments_named(library.find(name, "benches"))
    done: dict[str, list[str]] = {"units": [], "matrices": []}
    failed: list[LabmtjError] = []
    for unit, instrument in instruments.items():
        try:
            with open_sessions({unit: instrument}) as sessions:
                for kind in ("units", "matrices"):
                    for each in getattr(sessions, kind).values():
                        each.make_safe()
                        done[kind].append(f"{unit} at {instrument.resource}: safe")
        except LabmtjError as error:
            failed.append(error)
    if failed:
        told = "\n  ".join([*(line for lines in done.values() for line in lines), *map(str, failed)])
        raise InstrumentError("bench", name, f"not everything is safe, see to it by hand:\n  {told}")
    return done["units"] + done["matrices"]


def _instruments_named(path: Path) -> dict[str, InstrumentFile]:
    """Return the instruments that a file names, sources first, however wrong the rest of it is."""
    try:
        file = load_any(str(path))
        if not isinstance(file, LaboratoryFile):
            raise ConfigError(
                f"{path}: is a bench of kind {file.kind}; it ends, and is safe, with the run that uses it"
            )
        found = dict(file.instruments)
    except ConfigError:
        found = _as_far_as_readable(path)
        if not found:
            raise
    return dict(sorted(found.items(), key=lambda item: bool(item[1].cards)))


def _as_far_as_readable(path: Path) -> dict[str, InstrumentFile]:
    """Return every pair of a driver and a resource in a file that cannot be used otherwise."""
    try:
        content = yamlfile.load(path).content
        entries = content.get("instruments") if content.get("kind") not in ("virtual", "simulated", "replay") else None
    except ConfigError:
        text = path.read_text(encoding="utf-8", errors="replace")
        drivers = re.findall(r"driver:\s*['\"]?([\w.]+)", text)
        resources = re.findall(r"resource:\s*['\"]?([^'\"\s,}]+)", text)
        pairs = enumerate(zip(drivers, resources, strict=False), 1)
        entries = {f"instrument {number}": {"driver": driver, "resource": where} for number, (driver, where) in pairs}
    found: dict[str, InstrumentFile] = {}
    for name, entry in entries.items() if isinstance(entries, dict) else ():
        known = {key: value for key, value in entry.items() if key in InstrumentFile.model_fields}
        try:
            found[str(name)] = InstrumentFile.model_validate(known)
        except ValueError:
            minimal = {key: known.get(key) for key in ("driver", "resource")}
            if all(isinstance(value, str) for value in minimal.values()):
                found[str(name)] = InstrumentFile.model_validate(minimal)
    return found
