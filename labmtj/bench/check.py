"""A whole bench checked by what answers: identities, self-tests, wiring."""

from __future__ import annotations

from collections.abc import Iterator

from labmtj.bench.contact import Expected
from labmtj.bench.laboratory import LaboratoryFile
from labmtj.bench.opening import OpenBench, located
from labmtj.bench.standing import AnyLaboratory, laboratory_of, open_any
from labmtj.bench.wiring_check import wiring_check
from labmtj.errors import ProcedureFailed
from labmtj.verbs import Instrument


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
        f"{limits.pulse_seconds:g} s, reads of {limits.disturb_volts:g} V"
    )
    yield f"wiring sha256: {bench.wiring.sha256}"


def _instruments(bench: OpenBench) -> list[tuple[str, Instrument]]:
    return [*bench.units.items(), *bench.matrices.items()]
