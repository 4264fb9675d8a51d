"""What report and terminal say of endurance."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

import numpy as np

from labmtj.fitting.proportions import one_trial_of_each
from labmtj.report import style
from labmtj.report.blocks import Block, Figure, Source, tried
from labmtj.report.contents import Contents
from procedures.common.cell_section import CellSection
from procedures.common.curves import LOOKS
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
        return [
            tried("Endurance", partial(endurance_figure, self.contents, group)),
        ]


def endurance_figure(contents: Contents, group: str) -> Figure:
    """Return contrast and yield against cycles."""
    figure, (contrast, share) = style.canvas(2, height=2.5)
    cycles = contents.read(f"{group}/cycles")
    contrast.plot(cycles, 100 * contents.read(f"{group}/contrast"), linewidth=0.9)
    style.log_axis(contrast, "x")
    contrast.set(xlabel="write cycles", ylabel="(P − AP) / AP (%)", title="contrast, every cell")
    for direction, (name, colour) in enumerate(LOOKS):
        share.plot(cycles, 100 * contents.read(f"{group}/switched_fraction")[direction], color=colour, label=name)
        if contents.has(f"{group}/switched_low"):
            ends = (100 * contents.read(f"{group}/switched_{end}")[direction] for end in ("low", "high"))
            share.fill_between(cycles, *ends, color=colour, alpha=0.15, linewidth=0)
    style.log_axis(share, "x")
    share.set(xlabel="write cycles", title="whole cells that read as written")
    style.percent_axis(share, "cells")
    share.legend()
    broken = contents.read(f"{group}/broken_at")
    text = (
        f"{int((broken >= 0).sum())} of {len(broken)} cells broke down into a short; their lines end there. "
        "Right, with 95 % intervals: mean over the family of cells, of which these are a sample."
    )
    source = Source.of(group, ".contrast.plot()", array="contrast")
    return Figure("Endurance", text, "Contrast and yield against cycles.", (source,), style.svg(figure))
