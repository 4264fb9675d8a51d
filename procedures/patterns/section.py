"""What report and terminal say of test patterns."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from labmtj.report.blocks import Block, Chapter, tried
from labmtj.report.digits import percent, plural
from labmtj.report.measures import Measure
from labmtj.report.predictions import TwinFigures
from labmtj.report.sections import Finding, Section
from labmtj.verbs import Data
from procedures.common.cell_section import chip_of
from procedures.patterns.written import pattern_lines, patterns, patterns_table


class PatternsSection(Section):
    """What is said of the patterns that were written to chips."""

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
        from procedures.patterns.figures import pattern_maps

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
