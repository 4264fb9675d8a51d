"""What report and terminal say of R-V loops."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import ClassVar

import numpy as np

from labmtj.report.blocks import Block, tried
from labmtj.report.contents import Contents
from labmtj.report.digits import counted, percent, plural, spread_text
from procedures.common.cell_section import OF_CELLS, TOWARDS, CellSection, chip_of, median


class HysteresisSection(CellSection):
    """What is said of groups of this kind."""

    title: ClassVar[str] = "R-V loops"
    places: ClassVar[Mapping[str, str]] = {"arrays/*/hysteresis": "to_parallel_volts"}

    def what(self, group: str) -> str:  # noqa: ARG002 - the same for all
        """Return what the main figures are."""
        return f"Switching voltages, {OF_CELLS}"

    def figure_text(self, group: str) -> str:
        """Return the main figures of one chip."""
        contents = self.contents
        volts = [contents.read(f"{group}/to_{name}_volts") for name in ("parallel", "antiparallel")]
        both = int(np.isfinite(volts).all(axis=0).sum())
        taken = len(contents.read(f"{group}/cells")) if contents.has(f"{group}/cells") else volts[0].size
        parts = [f"{text} {spread_text(each, 'V', 3)}" for text, each in zip(TOWARDS, volts, strict=True)]
        return f"{', '.join(parts)}, {both} of {counted(taken)} cells both ways"

    def sentence(self, group: str) -> str:
        """Return all that was found of one chip."""
        contents = self.contents
        places = [contents.read(f"{group}/to_{name}_volts") for name in ("parallel", "antiparallel")]
        both = int(np.isfinite(places).all(axis=0).sum())
        taken = len(contents.read(f"{group}/cells")) if contents.has(f"{group}/cells") else 0
        values = {name: median(contents.read(f"{group}/{name}")) for name in ("parallel_ohms", "tmr", "half_volts")}
        polarity = int(contents.attributes(group)["polarity"])
        parts = [f"to P at {median(places[0]):.3f} V, to AP at {median(places[1]):.3f} V", f"polarity {polarity:+d}",
                 f"R between the lines {values['parallel_ohms']:.0f} ohm in P", f"TMR {percent(values['tmr'])} %",
                 f"V_h {values['half_volts']:.2f} V"]  # fmt: skip
        left = int(contents.attributes(group).get("left_their_state", 0))
        stay = f", {left} do not stay in their states while read" if left else ""
        return f"loops of {taken} cells, {both} switch both ways{stay}; medians: {', '.join(parts)}"

    def figures(self, group: str) -> list[Block]:
        """Return the figures and tables of one chip."""
        from procedures.hysteresis.figures import loops_figure

        return [
            tried("R-V loops", partial(loops_figure, self.contents, group)),
        ]

    def remarks(self) -> Iterator[tuple[str, str]]:
        """Yield what lies at the edge of what was tried, and the chip."""
        for group in self.groups:
            for text in _at_first_step(self.contents, group):
                yield text, chip_of(group)


def _at_first_step(contents: Contents, group: str) -> Iterator[str]:
    path = group
    if not contents.has(f"{path}/volts"):
        return
    first = np.abs(contents.read(f"{path}/volts")).min()
    switched = [np.abs(contents.read(f"{path}/to_{state}_volts")) for state in ("parallel", "antiparallel")]
    if count := int((np.array(switched) <= first * (1 + 1e-9)).sum()):
        yield f"{plural(count, 'switching voltage')} at the first step of the staircase, {first:.3g} V, or below it"
