"""Base of the sections of procedures on single cells: a sentence for each chip, and a chapter with its figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import ClassVar

import numpy as np

from labmtj.quantities import FloatArray
from labmtj.report.blocks import Block, Chapter, Note, tried
from labmtj.report.contents import Group
from labmtj.report.digits import hours
from labmtj.report.sections import Finding, Section

MOST_CHIPS = 8
_MOST_LINES = 40
OF_CELLS = "median (5 to 95 % of the cells)"
TOWARDS = ("to P", "to AP")
Drawing = Callable[[Group], Block]


class CellSection(Section):
    """What a procedure found, chip by chip. A subclass gives the sentences of a chip, and its figures and tables."""

    rank: ClassVar[int] = 30
    title: ClassVar[str] = ""

    def what(self, of: Group) -> str:
        """Return what the main figures are."""
        raise NotImplementedError

    def figure_text(self, of: Group) -> str:
        """Return the main figures of one chip."""
        raise NotImplementedError

    def sentence(self, of: Group) -> str:
        """Return all that was found of one chip: the main figures, and what else a subclass names."""
        return f"{self.what(of)}: {self.figure_text(of)}"

    def drawings(self) -> list[Drawing]:
        """Return what draws figures and tables of one chip."""
        return []

    def cautions(self, of: Group) -> Iterable[str]:  # noqa: ARG002 - a subclass needs it
        """Return what limits a result of one chip, such as a value at the end of its scan."""
        return ()

    def finding(self) -> Finding | None:
        """Return the main figures of every chip."""
        chips = self._chips(self.groups)
        if not chips:
            return None
        return self.what(chips[0][1]), [f"{chip} {self.figure_text(of)}" for chip, of in chips]

    def lines(self) -> list[str]:
        """Return a line for each chip."""
        return [f"{chip}: {self._said(of)}" for chip, of in self._chips(self.groups[:_MOST_LINES])]

    def remarks(self) -> Iterator[tuple[str, str]]:
        """Yield the cautions of every chip."""
        for chip, of in self._chips(self.groups):
            yield from ((text, chip) for text in self.cautions(of))

    def chapters(self) -> list[Chapter]:
        """Return a chapter for each of the first chips."""
        anchor = self.title.lower().replace(" ", "-")
        return [
            Chapter(
                f"{self.title} of chip {chip}", f"{anchor}-{number}",
                [tried(self.title, partial(draw, of)) for draw in (*self.drawings(), self._note)],
            )
            for number, (chip, of) in enumerate(self._chips(self.groups[:MOST_CHIPS]))
        ]  # fmt: skip

    def _chips(self, groups: Sequence[str]) -> list[tuple[str, Group]]:
        return [(chip_of(group), Group(self.contents, group)) for group in groups]

    def _note(self, of: Group) -> Block:
        return Note(f"{self._said(of)}.")

    def _said(self, of: Group) -> str:
        return f"{self.sentence(of)}; {cost_text(of)}"


def chip_of(group: str) -> str:
    """Return the chip that a group arrays/<chip>/... is about."""
    return group.split("/")[1]


def cost_text(of: Group) -> str:
    """Return what a measurement cost."""
    return f"{int(of.facts['effort_pulses'])} pulses, {hours(float(of.facts['effort_bench_hours']))} on the bench"


def median(values: FloatArray) -> float:
    """Return the median of what is a number, NaN if nothing is."""
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else float("nan")
