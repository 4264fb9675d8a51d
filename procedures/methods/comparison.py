"""Ways to use what is known of chips, compared: accuracies, gains over the baseline with their intervals, and costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labmtj.brief import brief
from labmtj.quantities import FloatArray
from labmtj.report.blocks import Cell, Source, Table
from labmtj.report.contents import Contents
from labmtj.report.digits import fixed, percent
from procedures.common.perceptron.samples import TEST, TRAIN, samples

ROOT = "methods/summary"
TUNINGS = {
    "per_solution": "one gain per solution",
    "refit_bias": "biases re-fitted",
    "refit_both": "gains and biases re-fitted",
}
_NOTE = (
    "The same solutions on the same dies, in one way after the other, with the same write settings: a cell may be "
    "pulsed as often in one way as in another, and the pulses that each spent stand beside it (an ensemble writes "
    "copies, and spends more). Gain: accuracy minus that of {baseline}, mean over dies, with Student's 95 % interval; "
    "marked where the interval lies above zero. Gains and biases were found on the {train} alone, in the same manner "
    "for every way."
)


@brief
@dataclass(frozen=True)
class Comparison:
    """The ways on one device size."""

    family: str
    names: list[str]
    tunings: list[str]
    splits: list[str]
    median: FloatArray
    """(methods, tunings, splits)"""
    gain: FloatArray
    """(methods, tunings, splits, 3): mean, low, high"""
    fidelity: FloatArray
    pulses: FloatArray
    """write pulses per solution"""
    hours: FloatArray
    """on the bench, all dies and solutions"""
    chips: NDArray[Any]
    baseline: str
    dies: int
    solutions: int


def comparisons(contents: Contents) -> list[Comparison]:
    """Return one per device size; none for a run of another procedure, or before its analysis."""
    groups = [group for group in contents.tree if group.startswith(f"{ROOT}/") and contents.has(f"{group}/gain")]
    return [_comparison(contents, group) for group in sorted(groups)]


def _comparison(contents: Contents, group: str) -> Comparison:
    def words(name: str) -> list[str]:
        values = contents.read(f"{group}/{name}").tolist()
        return [each.decode() if isinstance(each, bytes) else str(each) for each in values]

    told = contents.attributes(group)
    dies, solutions = int(told.get("dies", 0)), int(told.get("solutions", 0))
    read = {name: contents.read(f"{group}/{name}") for name in ("write_fidelity", "pulses", "bench_seconds", "chips")}
    return Comparison(
        group.rpartition("/")[2], words("method"), words("tuning"), words("split"),
        contents.read(f"{group}/median_accuracy"), contents.read(f"{group}/gain"), read["write_fidelity"],
        read["pulses"], read["bench_seconds"] * dies * solutions / 3600, read["chips"],
        str(told.get("baseline", "")), dies, solutions,
    )  # fmt: skip


def methods_table(contents: Contents, found: Comparison) -> Table:
    """Return one line per way: what it cost, its median accuracies, and below them its gains over the baseline."""
    heads = [f"{samples(contents)[split]}: {TUNINGS[tuning]}" for split in (TRAIN, TEST) for tuning in TUNINGS]
    rows = [_row(found, number) for number in range(len(found.names))]
    return Table(
        f"Ways compared on {found.dies} dies of {found.family}, {found.solutions} solutions each: median accuracy in %",
        ("way", "write fidelity", "chips per die", "pulses per solution", "bench hours", *heads),
        rows,
        _NOTE.format(baseline=found.baseline, train=samples(contents)[TRAIN]),
        (Source.of(f"{ROOT}/{found.family}", '.gain.sel(bound="mean").plot.line(x="tuning")', array="gain"),),
    )


def _row(found: Comparison, number: int) -> list[Cell]:
    name = found.names[number]
    cells = [
        Cell(name, "strong"), Cell(percent(float(found.fidelity[number]), 2)), Cell(str(int(found.chips[number]))),
        Cell(fixed(float(found.pulses[number]), 1)), Cell(fixed(float(found.hours[number]), 2)),
    ]  # fmt: skip
    for split in (TRAIN, TEST):
        for tuning in TUNINGS:
            at = number, found.tunings.index(tuning), found.splits.index(split)
            told = "" if name == found.baseline else _gain_text(found.gain[at])
            cells.append(Cell(percent(float(found.median[at])), "strong" if _clear(found.gain[at]) else "", below=told))
    return cells


def _clear(gain: FloatArray) -> bool:
    return bool(gain[1] > 0)


def _gain_text(gain: FloatArray) -> str:
    mean, low, high = (100 * float(value) for value in gain)
    bounds = "" if np.isnan(low) else f" [{low:.2f}, {high:.2f}]"  # one die has no interval
    return f"{mean:+.2f}{bounds}".replace("-", "\u2212")


def method_lines(contents: Contents) -> list[str]:
    """Return the same for a terminal of 80 columns."""
    lines: list[str] = []
    for found in comparisons(contents)[:8]:
        lines += [f"{found.family}: {found.dies} dies, {found.solutions} solutions each", "", *_cost_lines(found)]
        for tuning, text in TUNINGS.items():
            lines += ["", *_accuracy_lines(found, tuning, text)]
        lines += ["", f"gain: points over {found.baseline}, mean over dies [95 % interval]; * where above zero", ""]
    return lines[:-1]


def _cost_lines(found: Comparison) -> list[str]:
    head = f"{'way':<20}{'write fid. %':>14}{'chips':>8}{'pulses per solution':>22}{'bench hours':>14}"
    rows = zip(found.names, found.fidelity, found.chips, found.pulses, found.hours, strict=True)
    return [head, *(f"{n[:19]:<20}{percent(f, 2):>14}{c:>8}{p:>22.1f}{h:>14.2f}" for n, f, c, p, h in rows)]


def _accuracy_lines(found: Comparison, tuning: str, text: str) -> list[str]:
    at = found.tunings.index(tuning)
    lines = [f"{text:<27}{'148':>6}{'gain':>20}{'30':>7}{'gain':>20}"]
    for number, name in enumerate(found.names):
        line = f"{name[:26]:<27}"
        for split, width in ((TRAIN, 6), (TEST, 7)):
            where = number, at, found.splits.index(split)
            told = "" if name == found.baseline else _gain_line(found.gain[where])
            line += f"{percent(float(found.median[where])):>{width}}{told:>20}"
        lines.append(line.rstrip())
    return lines


def _gain_line(gain: FloatArray) -> str:
    mean, low, high = (100 * float(value) for value in gain)
    bounds = "" if np.isnan(low) else " [" + ",".join(f"{end:.{int(abs(end) < 99.95)}f}" for end in (low, high)) + "]"
    return f"{mean:+.1f}{bounds}{'*' if _clear(gain) else ' '}"
