"""Base of the sections of procedures on single cells: a sentence for each chip, and a chapter with its figures."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

import numpy as np

from labmtj.quantities import FloatArray
from labmtj.report.blocks import Block, Chapter, Note, tried
from labmtj.report.contents import Contents
from labmtj.report.digits import hours
from labmtj.report.sections import Finding, Section

MOST_CHIPS = 8
_MOST_LINES = 40
OF_CELLS = "median (5 to 95 % of the cells)"
TOWARDS = ("to P", "to AP")


class CellSection(Section):
    """What a procedure found, chip by chip. A subclass gives the sentences of a chip, and its figures and tables."""

    rank: ClassVar[int] = 30
    title: ClassVar[str] = ""

    def what(self, group: str) -> str:
        """Return what the main figures are."""
        raise NotImplementedError

    def figure_text(self, group: str) -> str:
        """Return the main figures of one chip."""
        raise NotImplementedError

    def sentence(self, group: str) -> str:
        """Return all that was found of one chip."""
        raise NotImplementedError

    def figures(self, group: str) -> list[Block]:  # noqa: ARG002 - a subclass needs it
        """Return figures and tables of one chip."""
        return []

    def finding(self) -> Finding | None:
        """Return the main figures of every chip."""
        if not self.groups:
            return None
        return self.what(self.groups[0]), [f"{chip_of(group)} {self.figure_text(group)}" for group in self.groups]

    def lines(self) -> list[str]:
        """Return a line for each chip."""
        return [f"{chip_of(group)}: {self._said(group)}" for group in self.groups[:_MOST_LINES]]

    def chapters(self) -> list[Chapter]:
        """Return a chapter for each of the first chips."""
        anchor = self.title.lower().replace(" ", "-")
        return [
            Chapter(
                f"{self.title} of chip {chip_of(group)}", f"{anchor}-{number}",
                [*self.figures(group), tried(self.title, partial(self._note, group))],
            )
            for number, group in enumerate(self.groups[:MOST_CHIPS])
        ]  # fmt: skip

    def _note(self, group: str) -> Block:
        return Note(f"{self._said(group)}.")

    def _said(self, group: str) -> str:
        return f"{self.sentence(group)}; {cost_text(self.contents, group)}"


def chip_of(group: str) -> str:
    """Return the chip that a group arrays/<chip>/... is about."""
    return group.split("/")[1]


def cost_text(contents: Contents, group: str) -> str:
    """Return what a measurement cost."""
    known = contents.attributes(group)
    return f"{int(known['effort_pulses'])} pulses, {hours(float(known['effort_bench_hours']))} on the bench"


def median(values: FloatArray) -> float:
    """Return the median of what is a number, NaN if nothing is."""
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else float("nan")
