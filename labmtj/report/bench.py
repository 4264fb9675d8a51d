"""What the run took from the bench: pulses, reads, time on its clock; and the contact of the chip under the probes."""

from __future__ import annotations

import datetime
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from labmtj.report.blocks import Source, Table, cells
from labmtj.report.contents import Contents
from labmtj.report.digits import MISSING, counted
from labmtj.schema import Purpose

CONTACT = "bench/contact"
Counts = dict[str, int]
_NAMES = {purpose.value: purpose.name.lower().replace("_", " ") for purpose in Purpose}


def chip_counts(contents: Contents, chip: str) -> tuple[Counts, Counts]:
    """Return the pulses and the reads of a chip by purpose; one read is one shot of all the lines it was asked for."""
    reads = _by_purpose(contents, f"arrays/{chip}/reads")
    for purpose, count in _by_purpose(contents, f"arrays/{chip}/row_reads").items():
        reads[purpose] = reads.get(purpose, 0) + count
    return _by_purpose(contents, f"arrays/{chip}/pulses"), reads


def _by_purpose(contents: Contents, table: str) -> Counts:
    if not contents.has(f"{table}/purpose"):
        return {}
    counts: Counter[int] = Counter()
    for block in contents.blocks(table, "purpose"):
        values, times = np.unique(block["purpose"], return_counts=True)
        counts.update(dict(zip(values.tolist(), times.tolist(), strict=True)))
    return {_NAMES.get(value, str(value)): counts[value] for value in sorted(counts)}


def counts_table(contents: Contents) -> Table:
    """Return pulses and reads of every chip by purpose."""
    found = {chip: chip_counts(contents, chip) for chip in contents.chips[:60]}
    pulses = _purposes(each for each, _ in found.values())
    reads = _purposes(each for _, each in found.values())
    rows = [
        cells(
            chip,
            *(_count(done, name) for name in pulses),
            counted(sum(done.values())),
            *(_count(read, name) for name in reads),
            counted(sum(read.values())),
        )
        for chip, (done, read) in found.items()
    ]
    header = (
        "chip",
        *(f"{name} pulses" for name in pulses),
        "all pulses",
        *(f"{name} reads" for name in reads),
        "all reads",
    )
    sources = [
        Source.of(f"arrays/{chip}/reads", ".purpose.plot.hist()", array="purpose")
        for chip in contents.chips[:1]
        if reads
    ]
    note = (
        "Counts. One read is one shot of the meters of all columns; a bias of both polarities takes two. Reads for "
        "“write” are the verify reads."
    )
    return Table("Pulses and reads by purpose", header, rows, note, sources)


def _purposes(counts: object) -> list[str]:
    found: dict[str, None] = {}
    for each in counts:  # type: ignore[attr-defined]
        found |= dict.fromkeys(each)
    return [name for name in _NAMES.values() if name in found]


def _count(counts: Counts, name: str) -> str:
    return counted(counts[name]) if name in counts else MISSING


def contact_findings(contents: Contents) -> list[str]:
    """Return the lines that the last contact check found open, shorted or not driven; none if there was no check."""
    if not contents.has(f"{CONTACT}/open") or not len(contents.read(f"{CONTACT}/open")):
        return []
    return _contact_found(contents, -1)


def contact_table(contents: Contents) -> Table:
    """Return every contact check of the run: when, the currents of good lines, and the bad ones."""
    rows = []
    for check, seconds in enumerate(contents.read(f"{CONTACT}/utc_seconds").tolist()):
        amperes, bad = (contents.read(f"{CONTACT}/{name}")[check] for name in ("amperes", "open"))
        good = amperes[~(bad | contents.read(f"{CONTACT}/shorted")[check] | np.isnan(amperes))]
        spread = f"{good.min():.3g} to {good.max():.3g}" if good.size else MISSING
        found = "; ".join(_contact_found(contents, check)) or "all lines have contact"
        when = f"{datetime.datetime.fromtimestamp(seconds, datetime.UTC):%Y-%m-%d %H:%M:%S}"
        rows.append(cells(when, counted(good.size), spread, found))
    return Table(
        "Contact of the lines",
        ("touch-down, UTC", "good lines (count)", "their currents (A)", "found"),
        rows,
        "Before the first bias, and again when a run is resumed: every line alone at the read voltage of the check, "
        "all others at 0 V. The cells on a line that is open are lost to the run; those on one that the bench cannot "
        "drive are neither written nor read, and count in no fidelity of a whole array.",
        (Source.of(CONTACT, '.amperes.plot.line(x="line")', array="amperes"),),
    )


def _contact_found(contents: Contents, check: int) -> list[str]:
    names = contents.read(f"{CONTACT}/line").astype(str)
    states = {name: contents.read(f"{CONTACT}/{name}")[check].astype(bool) for name in ("open", "shorted")}
    found = [f"{line} is {state}" for state, lines in states.items() for line in names[lines].tolist()]
    return found + _outside(names, np.isnan(contents.read(f"{CONTACT}/amperes")[check]))


def _outside(names: NDArray[np.str_], undriven: NDArray[np.bool_]) -> list[str]:
    """Return what of the array is on lines that the bench cannot drive, or nothing."""
    on_rows = np.char.startswith(names, "row")
    cells = int(np.logical_or.outer(undriven[on_rows], undriven[~on_rows]).sum())
    whole = int(on_rows.sum() * (~on_rows).sum())
    lines = ", ".join(names[undriven].tolist())
    return [f"{lines} cannot be driven: {cells} of {whole} cells are outside of the run"] if lines else []
