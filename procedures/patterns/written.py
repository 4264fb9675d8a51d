"""Test patterns that were written to a chip: how many cells took them, per array."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labmtj.report.blocks import Source, Table, cells
from labmtj.report.contents import Contents
from labmtj.report.digits import percent


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
