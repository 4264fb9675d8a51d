"""What report and terminal say of test patterns."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from labmtj.report import style
from labmtj.report.blocks import Block, Chapter, Figure, Source, Table, cells, tried
from labmtj.report.contents import Contents
from labmtj.report.digits import percent, plural
from labmtj.report.mapping import maps
from labmtj.report.measures import Measure
from labmtj.report.predictions import TwinFigures
from labmtj.report.sections import Finding, Section
from labmtj.report.states import draw_states, states_key
from labmtj.verbs import Data
from procedures.common.cell_section import chip_of


class PatternsSection(Section):
    """What report and terminal say of the patterns that were written to chips."""

    rank: ClassVar[int] = 20
    places: ClassVar[Mapping[str, str]] = {"patterns/*/written": "fidelity"}
    records: ClassVar[Sequence[str]] = ("written",)

    def finding(self) -> Finding | None:
        """Return the write fidelity of each array."""
        found = patterns(self.contents)
        what = f"Write fidelity of {plural(max((each.count for each in found), default=0), 'test pattern')}"
        texts = [f"{each.name} {percent(each.median, 2)} % ({percent(each.worst, 2)})" for each in found]
        return (f"{what}, median (worst)", texts) if found else None

    def lines(self) -> list[str]:
        """Return a table, a line per array."""
        return [f" {line}" for line in pattern_lines(self.contents)] if patterns(self.contents) else []

    def result(self) -> list[Block]:
        """Return the table."""
        return [tried("Test patterns", partial(patterns_table, self.contents))] if patterns(self.contents) else []

    def chapters(self) -> list[Chapter]:
        """Return maps of the patterns of each array."""
        drawn = [group for group in self.groups if self.contents.read(f"{group}/fidelity").size]
        return [
            Chapter(f"Patterns on {chip_of(group)}", f"patterns-{number}", [
                tried("Test patterns", partial(pattern_maps, self.contents, group)),
            ])
            for number, group in enumerate(drawn[:8])
        ]  # fmt: skip

    def outcomes(self) -> Iterator[tuple[str, str]]:
        """Yield the chips, and the arrays of outcomes of their writes."""
        for group in self.groups:
            yield f"{chip_of(group)}-0a", f"{group}/outcome"

    def twin_figures(self, data: Data) -> Iterator[TwinFigures]:
        """Yield the mean write fidelity of each array."""
        for group in self.groups:
            if len(fidelity := data.read(f"{group}/fidelity")):
                yield TwinFigures(
                    chip_of(group), f"write fidelity of {chip_of(group)}", {"": float(fidelity.mean())}, ".4f"
                )

    def measures(self) -> Iterator[Measure]:
        """Yield the fidelities, in percent; a pattern is known by its states."""
        for group in self.groups:
            values = 100 * self.contents.read(f"{group}/fidelity")
            keys = tuple(_digest(target, at) for at, target in enumerate(self.contents.read(f"{group}/target")))
            yield Measure(chip_of(group), "write fidelity", "%", values, keys, "pattern")


def _digest(target: NDArray[Any], at: int) -> str:
    return f"{at} {hashlib.sha256(target.astype(np.uint8).tobytes()).hexdigest()}"


@dataclass(frozen=True)
class Written:
    """The patterns of one array."""

    name: str
    count: int
    median: float
    worst: float
    """fidelity: fraction of the cells that the bench can drive whose last verify read equals the target"""
    missed: int
    """cells that missed at least one pattern"""
    pulses: int


def patterns(contents: Contents) -> list[Written]:
    """Return what was written to each array; empty for a run of another procedure, or before the first pattern."""
    groups = [group for group in contents.tree if group.startswith("patterns/") and group.endswith("/written")]
    found = [_written(contents, group) for group in groups if contents.read(f"{group}/fidelity").size]
    return sorted(found, key=lambda each: each.name)


def _written(contents: Contents, group: str) -> Written:
    fidelity = contents.read(f"{group}/fidelity")
    wrong = contents.read(f"{group}/achieved") != contents.read(f"{group}/target")
    outside = contents.read(f"{group}/outcome") == contents.meanings(f"{group}/outcome").get("outside", -1)
    missed = (wrong & ~outside).any(axis=0)
    pulses = int(contents.read(f"{group}/pulses").sum())
    return Written(
        group.split("/")[1], len(fidelity), float(np.median(fidelity)), float(fidelity.min()), int(missed.sum()), pulses
    )


def patterns_table(contents: Contents) -> Table:
    """Return one line per array."""
    found = patterns(contents)
    return Table(
        "Test patterns",
        ("array", "patterns", "median fidelity (%)", "worst (%)", "cells that missed one", "pulses"),
        [
            cells(each.name, each.count, percent(each.median, 2), percent(each.worst, 2), each.missed, each.pulses)
            for each in found
        ],
        "Fidelity: fraction of the cells that the bench can drive whose last verify read equals the target.",
        [Source.of(f"patterns/{each.name}/written", ".fidelity.plot()", array="fidelity") for each in found[:8]],
    )


def pattern_lines(contents: Contents) -> list[str]:
    """Return the same for a terminal of 80 columns."""
    lines = [f"{'array':<24}{'patterns':>9}{'median %':>10}{'worst %':>9}{'missed':>8}{'pulses':>9}"]
    for each in patterns(contents)[:60]:
        fidelities = f"{percent(each.median, 2):>10}{percent(each.worst, 2):>9}"
        lines.append(f"{each.name[:23]:<24}{each.count:>9}{fidelities}{each.missed:>8}{each.pulses:>9}")
    return lines


MOST = 6
"""patterns that are drawn"""


def patterns_group(contents: Contents, chip: str) -> str:
    """Return the group of the patterns that were written to a chip, "" if none was."""
    group = f"patterns/{chip.rpartition('-')[0]}/written"
    return group if contents.has(f"{group}/fidelity") and contents.read(f"{group}/fidelity").size else ""


def pattern_maps(contents: Contents, group: str) -> Figure:
    """Return wanted and written states of the patterns, or of those with the lowest fidelity."""
    number, target, achieved, fidelity = (
        contents.read(f"{group}/{name}") for name in ("number", "target", "achieved", "fidelity")
    )
    driven = contents.read(f"{group}/outcome") != contents.meanings(f"{group}/outcome").get("outside", -1)
    names = list(contents.meanings(f"{group}/target")) or ["AP", "P"]
    shown = np.sort(np.argsort(fidelity, kind="stable")[:MOST])
    wrong = target != achieved
    figure, axes = maps(2 * len(shown), target.shape)
    for left, right, index in zip(axes[::2], axes[1::2], shown.tolist(), strict=True):
        name = _name(contents, int(number[index]))
        draw_states(left, target[index], np.zeros_like(wrong[index]), driven[index], f"{name}: wanted", names)
        draw_states(right, achieved[index], wrong[index], driven[index], f"{name}: written", names)
        states_key(right, names)
    axes[0].set_ylabel("row")
    kept = "" if len(shown) == len(fidelity) else f", the {len(shown)} of {len(fidelity)} patterns of lowest fidelity"
    cells = "; ".join(
        f"{_name(contents, int(number[index]))} {percent(float(fidelity[index]), 2)} %" for index in shown.tolist()
    )
    between = f", {', '.join(names[1:-1])} between" if names[1:-1] else ""
    missed = int((wrong & driven)[shown].sum())
    text = (
        f"Left of each pair: the state wanted; right: the state at the last verify read{kept}. "
        f"{names[-1]} blue, {names[0]} sand{between}; × "
        f"marks cells that differ, {missed} in all; faint: cells on rows that the bench cannot drive, which do not "
        f"count. Write fidelity: {cells}."
    )
    alt = f"Pairs of maps of the cells, wanted and written, of {plural(len(shown), 'test pattern')}."
    first = int(shown[0])
    source = Source.of(
        group, f".pipe(lambda d: d.achieved != d.target)[{first}].plot()", array="achieved"
    )  # fmt: skip
    return Figure("Test patterns as written", text, alt, (source,), style.svg(figure))


def _name(contents: Contents, number: int) -> str:
    """Return what the settings call a pattern."""
    names = contents.setting("settings", "patterns")
    return str(names[number]) if isinstance(names, list) and 0 <= number < len(names) else f"pattern {number}"
