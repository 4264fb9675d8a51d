"""What report and terminal say of write errors."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

import numpy as np

from labmtj.report.blocks import Block, tried
from labmtj.report.contents import Contents
from labmtj.report.digits import chance
from procedures.common.cell_section import TOWARDS, CellSection


class WriteErrorsSection(CellSection):
    """What is said of groups of this kind."""

    title: ClassVar[str] = "Write errors"
    places: ClassVar[Mapping[str, str]] = {"arrays/*/write_errors": "pooled_rate"}

    def what(self, group: str) -> str:  # noqa: ARG002 - the same for all
        """Return what the main figures are."""
        return "Lowest write error rate, mean over the cells tested (95 % interval)"

    def figure_text(self, group: str) -> str:
        """Return the main figures of one chip."""
        contents = self.contents
        volts, rates = contents.read(f"{group}/volts"), _pooled(contents, group)
        parts = []
        for direction, text in enumerate(TOWARDS):
            best = int(rates["high"][direction].argmin())
            rate, low, high = (float(rates[name][direction, best]) for name in ("rate", "low", "high"))
            value = f"below {high:.2g}" if rate == 0 else f"{rate:.2g} ({low:.2g} to {high:.2g})"
            parts.append(f"{text} {value} at {volts[best]:g} V")
        return ", ".join(parts)

    def sentence(self, group: str) -> str:
        """Return all that was found of one chip."""
        contents = self.contents
        volts, high = contents.read(f"{group}/volts"), contents.read(f"{group}/pooled_high")
        family = contents.read(f"{group}/family_high") if contents.has(f"{group}/family_high") else None
        best = high.argmin(axis=1)
        parts = []
        for d, text in enumerate(("to P", "to AP")):
            others = "" if family is None else f" (family: {chance(float(family[d, best[d]]))})"
            parts.append(f"{text} below {chance(float(high[d, best[d]]))}{others} at {volts[best[d]]:g} V")
        return f"write errors, mean over the cells tested, at 95 %: {', '.join(parts)}"

    def figures(self, group: str) -> list[Block]:
        """Return the figures and tables of one chip."""
        from procedures.write_errors.figures import write_errors_figure

        return [
            tried("Write errors", partial(write_errors_figure, self.contents, group)),
        ]


def _pooled(contents: Contents, group: str) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    return {name: contents.read(f"{group}/pooled_{name}") for name in ("rate", "low", "high")}
