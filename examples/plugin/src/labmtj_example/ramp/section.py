"""What report and terminal say of a ramp; found by the kind of the groups, so that a data file names no code."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from labmtj.report import style
from labmtj.report.blocks import Chapter, Figure, Source
from labmtj.report.sections import Finding, Section


class RampSection(Section):
    """All groups of kind `ramp` of a run."""

    rank: ClassVar[int] = 40

    def finding(self) -> Finding | None:
        """Return what was measured, and the figure of each chip."""
        figures = [f"{self._chip(group)} {self._change(group):+.2%}" for group in self.groups]
        return "Change of the conductance along the ramp, median of the cells", figures

    def lines(self) -> list[str]:
        """Return a line for each chip."""
        return [f"ramp: {self._chip(group)}: {self._sentence(group)}" for group in self.groups]

    def chapters(self) -> list[Chapter]:
        """Return a chapter with a figure for each chip."""
        return [Chapter("Ramp", "ramp", [self._figure(group) for group in self.groups])]

    def _chip(self, group: str) -> str:
        return group.split("/")[1]

    def _sentence(self, group: str) -> str:
        volts = self.contents.read(f"{group}/volts")
        return f"conductance changes by {self._change(group):+.2%} from {volts[0]:.3g} to {volts[-1]:.3g} V"

    def _change(self, group: str) -> float:
        return float(np.median(self.contents.read(f"{group}/change"))) - 1

    def _figure(self, group: str) -> Figure:
        volts, siemens = (self.contents.read(f"{group}/{name}") for name in ("volts", "siemens"))
        figure, axes = style.canvas(1)
        axes[0].plot(volts, siemens * 1e6, "o-", markersize=3, color=style.BLUE)
        axes[0].set_xlabel("voltage (V)")
        axes[0].set_ylabel("conductance (µS)")
        text = f"{self._chip(group)}, the cells on the diagonal: {self._sentence(group)}."
        source = Source.of(group, ".siemens.plot.line(x='step')", array="siemens")
        return Figure(f"Ramp of {self._chip(group)}", text, "Conductance over voltage.", [source], style.svg(figure))
