"""What a run found, for a terminal of 80 columns."""

from __future__ import annotations

import textwrap

import numpy as np

from labmtj.errors import DataError
from labmtj.report.bench import chip_counts, contact_findings
from labmtj.report.cells import cell_lines
from labmtj.report.contents import Contents
from labmtj.report.digits import percent
from labmtj.report.edges import edge_lines
from labmtj.report.headline import missing_notes, result_sentence
from labmtj.report.health import health_lines
from labmtj.report.methods import comparisons, method_lines
from labmtj.report.patterns import pattern_lines, patterns
from labmtj.report.read_words import read_map_lines
from labmtj.report.station import TEST, TRAIN, Station
from labmtj.report.wires import port_lines

_WIDTH = 80
_WIDTHS = (11, 7, 6, 6, 12, 7, 7, 7, 8, 7)
_HEADS = (
    ("size", "write", "soft-", "g = 1", "common g", "per", "per", "+ both", "write", "bench"),
    ("", "fid. %", "ware", "", "", "layer", "soln.", "refits", "pulses", "hours"),
)


def summary_lines(contents: Contents) -> list[str]:
    """Return what was run, the table by device size if there is one, and what is missing."""
    lines = [printable(f"run {contents.run}, experiment {contents.experiment}, seed {contents.seed}"), ""]
    try:
        lines += _wrapped(result_sentence(contents))
        if comparisons(contents):
            lines += ["", *map(printable, method_lines(contents))]
        else:
            lines += ["", *_table(contents)] if contents.stations else ["", *_chips(contents)]
        if patterns(contents):
            lines += ["", *map(printable, pattern_lines(contents))]
        if found := health_lines(contents):
            lines += ["", *map(printable, found)]
        for line in [
            *read_map_lines(contents), *port_lines(contents), *cell_lines(contents), *edge_lines(contents)
        ]:  # fmt: skip
            lines += ["", *_wrapped(line)]
    except (DataError, LookupError, TypeError, ValueError) as error:
        lines += ["", *_wrapped(f"What was found cannot be shown: {error}")]
    if found := contact_findings(contents):
        lines += ["", *_wrapped(f"contact: {'; '.join(found)}")]
    for note in missing_notes(contents):
        lines += ["", *_wrapped(note.text)]
    return lines


def printable(text: str) -> str:
    """Return the text without what would move a terminal's cursor."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(printable(text), _WIDTH)


def _table(contents: Contents) -> list[str]:
    heads, rows = [_line(*head) for head in _HEADS], [_row(station) for station in contents.stations[:60]]
    if not contents.analysed:
        return [*heads, *rows]
    return [
        f"median accuracy in % on the {contents.samples[TRAIN]} (published, after tuning: 95.3)",
        "", *heads, *rows, "",
        *_wrapped(f"on the {contents.samples[TEST]}, at the common g: {_held_back(contents)}"),
    ]  # fmt: skip


def _held_back(contents: Contents) -> str:
    return ", ".join(
        f"{each.label} {percent(float(np.median(each.accuracy('common', TEST))))}" for each in contents.analysed[:8]
    )


def _row(station: Station) -> str:
    name = printable(station.label if len(station.label) < _WIDTHS[0] else station.name)[: _WIDTHS[0]]
    if not station.count:
        return f"{name:<{_WIDTHS[0]}} nothing written yet"
    medians = [""] * 6
    if station.analysed:
        variants = ("software", "measured", "common", "per_layer", "per_solution", "refit_both")
        medians = [percent(float(np.median(station.accuracy(variant)))) for variant in variants]
        medians[2] += f" {station.gains['common']:5.2f}"
    fidelity = percent(float(station.fidelity.mean()), 2)
    return _line(name, fidelity, *medians, _short(station.pulses), f"{station.bench_hours:.2f}")


def _line(first: str, *rest: str) -> str:
    return f"{first:<{_WIDTHS[0]}}" + "".join(f"{text:>{width}}" for text, width in zip(rest, _WIDTHS[1:], strict=True))


def _short(count: int) -> str:
    return str(count) if count < 100_000 else f"{count / 1000:.0f}k"


def _chips(contents: Contents) -> list[str]:
    if not contents.chips:
        return ["Nothing was measured yet."]
    rows = [f"{'chip':<30}{'pulses':>10}{'reads':>10}"]
    for chip in contents.chips[:40]:
        pulses, reads = chip_counts(contents, chip)
        rows.append(f"{printable(chip)[:30]:<30}{sum(pulses.values()):>10}{sum(reads.values()):>10}")
    return rows
