"""What report and terminal say of ways compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from labmtj.brief import brief
from labmtj.quantities import FloatArray
from labmtj.report import style
from labmtj.report.blocks import Block, Cell, Figure, Source, Table, tried
from labmtj.report.contents import Contents
from labmtj.report.digits import fixed, percent
from labmtj.report.sections import Finding, Section
from procedures.common.networks.samples import TEST, TRAIN, samples

ROOT = "methods/summary"
TUNINGS = {
    "per_solution": "one gain per solution",
    "refit_bias": "biases re-fitted",
    "refit_both": "gains and biases re-fitted",
}
_NOTE = (
    "The same solutions on the same dies, in one way after the other, with the same write settings: a cell may be "
    "pulsed as often in one way as in another, and the pulses that each spent are given with it (an ensemble writes "
    "copies, and spends more). Gain: accuracy minus that of {baseline}, mean over dies, with Student's 95 % interval; "
    "marked where the interval lies above zero. Gains and biases were found on the {train} alone, in the same way "
    "for every method."
)


class MethodsSection(Section):
    """What report and terminal say of the ways to use what is known of chips."""

    rank: ClassVar[int] = 10
    places: ClassVar[Mapping[str, str]] = {f"{ROOT}/*": "gain"}

    def finding(self) -> Finding | None:
        """Return the best way on each device size."""
        found = comparisons(self.contents)
        if not found:
            return None
        of = f"{samples(self.contents)[TEST]}, one gain per solution (95 % interval)"
        return f"Best way, accuracy gained over {found[0].baseline}, {of}", [_best_way(each) for each in found]

    def lines(self) -> list[str]:
        """Return the tables."""
        return [f" {line}" if line else "" for line in method_lines(self.contents)]

    def result(self) -> list[Block]:
        """Return a table and a figure per device size."""
        return methods_blocks(self.contents)


def _best_way(found: Comparison) -> str:
    others = [number for number, name in enumerate(found.names) if name != found.baseline]
    gains = 100 * found.gain[others, found.tunings.index(next(iter(TUNINGS))), found.splits.index(TEST)]
    best = int(np.argmax(gains[:, 0]))
    mean, low, high = gains[best].tolist()
    bounds = "" if np.isnan(low) else f" ({low:.2f} to {high:.2f})"
    return f"{found.family} {found.names[others[best]]} {mean:+.2f} points{bounds}"


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

    attributes = contents.attributes(group)
    dies, solutions = int(attributes.get("dies", 0)), int(attributes.get("solutions", 0))
    read = {name: contents.read(f"{group}/{name}") for name in ("write_fidelity", "pulses", "bench_seconds", "chips")}
    return Comparison(
        group.rpartition("/")[2], words("method"), words("tuning"), words("split"),
        contents.read(f"{group}/median_accuracy"), contents.read(f"{group}/gain"), read["write_fidelity"],
        read["pulses"], read["bench_seconds"] * dies * solutions / 3600, read["chips"],
        str(attributes.get("baseline", "")), dies, solutions,
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
            gain = "" if name == found.baseline else _gain_text(found.gain[at])
            cells.append(Cell(percent(float(found.median[at])), "strong" if _clear(found.gain[at]) else "", below=gain))
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
            gain = "" if name == found.baseline else _gain_line(found.gain[where])
            line += f"{percent(float(found.median[where])):>{width}}{gain:>20}"
        lines.append(line.rstrip())
    return lines


def _gain_line(gain: FloatArray) -> str:
    mean, low, high = (100 * float(value) for value in gain)
    bounds = "" if np.isnan(low) else " [" + ",".join(f"{end:.{int(abs(end) < 99.95)}f}" for end in (low, high)) + "]"
    return f"{mean:+.1f}{bounds}{'*' if _clear(gain) else ' '}"


def methods_blocks(contents: Contents) -> list[Block]:
    """Return a table and a figure per device size."""
    blocks: list[Block] = []
    for found in comparisons(contents)[:8]:
        blocks.append(tried("Ways compared", partial(methods_table, contents, found)))
        blocks.append(tried("Gains", partial(_gains, contents, found)))
    return blocks


def _gains(contents: Contents, found: Comparison) -> Figure:
    figure, panels = style.canvas(2, height=3.3, left=0.14, wspace=0.08, bottom=0.24)
    shown = [number for number, name in enumerate(found.names) if name != found.baseline]
    for axes, split in zip(panels, (TRAIN, TEST), strict=True):
        for place, (tuning, (colour, marker)) in enumerate(zip(TUNINGS, style.looks(3), strict=True)):
            at = found.tunings.index(tuning), found.splits.index(split)
            gains = 100 * found.gain[shown, at[0], at[1]]
            heights = [-number + 0.22 * (1 - place) for number in range(len(shown))]
            axes.hlines(heights, gains[:, 1], gains[:, 2], color=colour, linewidth=1.4)
            axes.plot(gains[:, 0], heights, marker, color=colour, markersize=4.5, label=TUNINGS[tuning])
        axes.axvline(0, color=style.GREY, linewidth=0.7)
        axes.set(title=samples(contents)[split], xlabel=f"gain over {found.baseline} (points)")
        axes.set_yticks([-number for number in range(len(shown))])
        axes.set_yticklabels([found.names[number] for number in shown] if split == TRAIN else [])
    figure.legend(*panels[0].get_legend_handles_labels(), loc="lower center", ncols=3)
    text = (
        f"Accuracy minus that of {found.baseline} on the same dies, mean over {found.dies} dies (mark) and its "
        "95 % interval (line). Where a re-fit alone already classifies all training samples there is nothing left "
        "to gain on the left; overfitting shows on the right."
    )
    alt = "Gain in accuracy of every way over the baseline, with intervals, on tuned and held-back samples."
    source = Source.of(f"{ROOT}/{found.family}", '.gain.sel(split="test").to_pandas()', array="gain")
    return Figure(f"Gains over {found.baseline}: {found.family}", text, alt, [source], style.svg(figure))
