"""What a run found, for a terminal of 80 columns."""

from __future__ import annotations

import textwrap

import numpy as np

from labmtj.errors import DataError
from labmtj.report.bench import chip_counts
from labmtj.report.contents import Contents
from labmtj.report.digits import percent
from labmtj.report.headline import missing_notes, result_sentence
from labmtj.report.station import Station

_WIDTH = 80
_FIRST = f"{'size':<11}{'write':>7}{'soft-':>7}{'':>7}{'common g':>12}{'per':>7}{'per so-':>8}{'gains +':>8}{'':>6}{'bench':>7}"
_SECOND = f"{'':<11}{'fid. %':>7}{'ware':>7}{'g = 1':>7}{'':>12}{'layer':>7}{'lution':>8}{'biases':>8}{'pulses':>6}{'hours':>7}"


def summary_lines(contents: Contents) -> list[str]:
    """Return what was run, the table by device size if there is one, and what is missing."""
    lines = [printable(f"run {contents.run}, experiment {contents.experiment}, seed {contents.seed}"), ""]
    lines += _wrapped(result_sentence(contents))
    try:
        lines += ["", *_table(contents)] if contents.stations else ["", *_chips(contents)]
    except (DataError, LookupError, TypeError, ValueError) as error:
        lines += ["", *_wrapped(f"The table cannot be shown: {error}")]
    for note in missing_notes(contents):
        lines += ["", *_wrapped(note.text)]
    return lines


def printable(text: str) -> str:
    """Return the text without what would move a terminal's cursor."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(printable(text), _WIDTH)


def _table(contents: Contents) -> list[str]:
    rows = [_row(station) for station in contents.stations[:60]]
    if not contents.analysed:
        return [_FIRST, _SECOND, *rows]
    train, test = contents.samples
    return [
        f"median accuracy in % on the {train} samples tuned on (published, after tuning: 95.3)",
        "", _FIRST, _SECOND, *rows, "",
        *_wrapped(f"on the {test} samples held back, at the common g: {_held_back(contents)}"),
    ]  # fmt: skip


def _held_back(contents: Contents) -> str:
    return ", ".join(
        f"{each.label} {percent(float(np.median(each.accuracy('common', 'test'))))}" for each in contents.analysed[:8]
    )


def _row(station: Station) -> str:
    if not station.count:
        return f"{printable(station.label)[:30]:<11} nothing written yet"
    medians = [" " * width for width in (7, 7, 12, 7, 8, 8)]
    if station.analysed:
        names = ("software", "measured", "common", "per_layer", "per_solution", "refit_both")
        software, measured, common, layer, solution, both = (
            percent(float(np.median(station.accuracy(name)))) for name in names
        )
        tuned = f"{common} {station.gains['common']:5.2f}"
        medians = [f"{software:>7}", f"{measured:>7}", f"{tuned:>12}", f"{layer:>7}", f"{solution:>8}", f"{both:>8}"]
    fidelity = percent(float(station.fidelity.mean()), 2)
    return f"{printable(station.label)[:11]:<11}{fidelity:>7}{''.join(medians)}{_short(station.pulses):>6}{station.bench_hours:>7.2f}"


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
