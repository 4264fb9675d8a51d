"""What report and terminal say of endurance."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

import numpy as np

from labmtj.fitting.proportions import one_trial_of_each
from labmtj.report.blocks import Block, tried
from procedures.common.cell_section import CellSection
from procedures.common.lost import fraction_text


class EnduranceSection(CellSection):
    """What is said of groups of this kind."""

    title: ClassVar[str] = "Endurance"
    places: ClassVar[Mapping[str, str]] = {"arrays/*/endurance": "contrast"}

    def what(self, group: str) -> str:
        """Return what the main figures are."""
        contents = self.contents
        return f"Cells broken down within {int(contents.read(f'{group}/cycles')[-1])} cycles (95 % interval)"

    def figure_text(self, group: str) -> str:
        """Return the main figures of one chip."""
        contents = self.contents
        broken = contents.read(f"{group}/broken_at")
        gone = int((broken >= 0).sum())
        share = one_trial_of_each(np.array([gone]), len(broken))
        return f"{gone} of {len(broken)}, of the family {fraction_text(share, (0,))}"

    def sentence(self, group: str) -> str:
        """Return all that was found of one chip."""
        contents = self.contents
        broken, cycles = contents.read(f"{group}/broken_at"), contents.read(f"{group}/cycles")
        gone = int((broken >= 0).sum())
        share = one_trial_of_each(np.array([gone]), len(broken))
        return (
            f"endurance: {gone} of {len(broken)} cells broke down within {int(cycles[-1])} cycles; of the family "
            f"{fraction_text(share, (0,))} at 95 %"
        )

    def figures(self, group: str) -> list[Block]:
        """Return the figures and tables of one chip."""
        from procedures.endurance.figures import endurance_figure

        return [
            tried("Endurance", partial(endurance_figure, self.contents, group)),
        ]
