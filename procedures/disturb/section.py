"""What report and terminal say of disturb."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

import numpy as np

from labmtj.report.blocks import Block, tried
from procedures.common.cell_section import TOWARDS, CellSection
from procedures.common.lost import exposures_of, fraction_text, lost_of


class DisturbSection(CellSection):
    """What is said of groups of this kind."""

    title: ClassVar[str] = "Disturb"
    places: ClassVar[Mapping[str, str]] = {"arrays/*/disturb": "flipped"}

    def what(self, group: str) -> str:
        """Return what the main figures are."""
        contents = self.contents
        return (
            f"Cells of the family lost after {exposures_of(contents, group):g} half-selects at "
            f"{contents.read(f'{group}/volts')[-1]:g} V, in the worst case (95 % interval)"
        )

    def figure_text(self, group: str) -> str:
        """Return the main figures of one chip."""
        contents = self.contents
        lost, kinds = lost_of(contents, group), contents.read(f"{group}/kind").astype(str)
        cases = np.ndindex(lost.value.shape[:-1])
        kind, direction = max(cases, key=lambda case: (lost.value[case][-1], lost.high[case][-1]))
        return f"{kinds[kind]} {TOWARDS[direction]} {fraction_text(lost, (kind, direction, -1))}"

    def sentence(self, group: str) -> str:
        """Return all that was found of one chip."""
        contents = self.contents
        kinds, lost = contents.read(f"{group}/kind").astype(str), lost_of(contents, group)
        volts = contents.read(f"{group}/volts")
        worst = lost.value[..., -1].argmax(axis=1)
        parts = [f"{kind} {fraction_text(lost, (k, int(worst[k]), -1))}" for k, kind in enumerate(kinds)]
        return (
            f"disturb: cells of the family lost after {exposures_of(contents, group):g} half-selects at "
            f"{volts[-1]:g} V, in the worse direction, 95 %: {', '.join(parts)}"
        )

    def figures(self, group: str) -> list[Block]:
        """Return the figures and tables of one chip."""
        from procedures.disturb.figures import disturb_figure

        return [
            tried("Disturb", partial(disturb_figure, self.contents, group)),
        ]
