"""The check of a whole bench: identities, self-tests, wiring, contact."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from labmtj.bench.checks.contact import Contact, Expected, contact_check
from labmtj.bench.checks.wiring_check import Finding, wiring_check
from labmtj.bench.files.laboratory import LaboratoryFile, VirtualFile
from labmtj.bench.files.simulated import drawn_text
from labmtj.bench.session.opening import OpenBench, located
from labmtj.bench.session.standing import AnyLaboratory, laboratory_of, lost_text, open_any
from labmtj.errors import ProcedureFailed
from labmtj.verbs import Instrument


def check_text(name: str, file: AnyLaboratory, phase: Callable[[str], None] = lambda _: None) -> str:
    """Identify all instruments, let them test themselves, measure wiring and contact; return what was found.

    Args:
        name: of the bench, as the user gave it.
        file: of the bench.
        phase: called with what begins.

    Raises:
        ProcedureFailed: for whatever keeps a run from beginning, all of it together; the bench is safe.
    """
    laboratory = laboratory_of(file)
    expected = Expected.of(laboratory)
    phase(f"checking bench {name}: connecting and arming")
    with located(name), open_any(file, run="labmtj check") as bench:
        lines = list(_description(bench, laboratory))
        lines += [drawn_text(file.seed)] if isinstance(file, VirtualFile) else []
        phase("self-tests")
        wrong = [f"{unit}: {found}" for unit, each in _instruments(bench) for found in each.self_test()]
        phase("wiring")
        found = wiring_check(bench, expected)
        phase("contact")
        contact = contact_check(bench, expected)
    wrong += [str(each) for each in found if not each.on_chip]
    if contact.lost:
        wrong.append(lost_text(laboratory.name, contact, expected))
    else:
        lines += _contact_lines(contact, [each for each in found if each.on_chip])
    if wrong:
        raise ProcedureFailed("\n".join([*lines, "", "wrong:", *(f"  {each}" for each in wrong)]))
    return "\n".join([*lines, "self-tests and wiring: nothing wrong"])


def _contact_lines(contact: Contact, found: list[Finding]) -> Iterator[str]:
    """Iterate what is known of the lines: the spread of their currents, and those that a run does without."""
    good = contact.amperes[~(contact.open | contact.shorted | np.isnan(contact.amperes))]
    spread = f", {good.min():.3g} to {good.max():.3g} A" if good.size else ""
    yield f"contact: {good.size} of {int((~np.isnan(contact.amperes)).sum())} lines as expected{spread}"
    yield from (f"  {each}" for each in contact.findings())
    yield from (f"  {each}" for each in found)


def _description(bench: OpenBench, file: LaboratoryFile) -> Iterator[str]:
    rows, columns = bench.shape
    yield f"bench {file.name}: {rows} x {columns} lines, chip {file.chip.id}, array {file.chip.array.name}"
    yield from (f"  {name}: {identity}" for name, identity in bench.sessions.identities.items())
    limits = bench.limits
    yield (
        f"limits: {limits.cell_volts:g} V across a cell, {limits.line_amperes:g} A per line;\n  pulses of "
        f"{limits.pulse_seconds:g} s and {limits.pulse_joules:g} J, reads of {limits.disturb_volts:g} V"
    )
    yield from (f"  {ledger.text()}" for ledger in (bench.protected().pulses, *bench.relays.values()))
    yield f"wiring sha256: {bench.wiring.sha256}"
    array = file.chip.array
    if remark := array.model.temperature_remark(array.temperature_kelvin):
        yield f"array {array.name}: {remark}"


def _instruments(bench: OpenBench) -> list[tuple[str, Instrument]]:
    return [*bench.units.items(), *bench.matrices.items()]
