"""What report and terminal say of endurance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from labmtj.fitting.proportions import one_trial_of_each
from labmtj.report import style
from labmtj.report.blocks import Figure, Source
from labmtj.report.contents import Group
from procedures.common.cell_section import CellSection, Drawing
from procedures.common.curves import LOOKS
from procedures.common.lost import fraction_text


class EnduranceSection(CellSection):
    """What report and terminal say of groups of this kind."""

    title: ClassVar[str] = "Endurance"
    places: ClassVar[Mapping[str, str]] = {"arrays/*/endurance": "contrast"}

    def what(self, of: Group) -> str:
        """Return what the main figures are."""
        return f"Cells broken down within {int(of['cycles'][-1])} cycles (95 % interval)"

    def figure_text(self, of: Group) -> str:
        """Return the main figures of one chip."""
        broken = of["broken_at"]
        gone = int((broken >= 0).sum())
        share = one_trial_of_each(np.array([gone]), len(broken))
        return f"{gone} of {len(broken)}, of the family {fraction_text(share, (0,))}"

    def drawings(self) -> list[Drawing]:
        """Return what draws one chip."""
        return [endurance_figure]


def endurance_figure(of: Group) -> Figure:
    """Return contrast and yield against cycles."""
    figure, (contrast, share) = style.canvas(2, height=2.5)
    cycles = of["cycles"]
    contrast.plot(cycles, 100 * of["contrast"], linewidth=0.9)
    style.log_axis(contrast, "x")
    contrast.set(xlabel="write cycles", ylabel="(P − AP) / AP (%)", title="contrast, every cell")
    for direction, (name, colour) in enumerate(LOOKS):
        share.plot(cycles, 100 * of["switched_fraction"][direction], color=colour, label=name)
        if "switched_low" in of:
            ends = (100 * of[f"switched_{end}"][direction] for end in ("low", "high"))
            share.fill_between(cycles, *ends, color=colour, alpha=0.15, linewidth=0)
    style.log_axis(share, "x")
    share.set(xlabel="write cycles", title="whole cells that read as written")
    style.percent_axis(share, "cells")
    share.legend()
    broken = of["broken_at"]
    text = (
        f"{int((broken >= 0).sum())} of {len(broken)} cells broke down into a short; their lines end there. "
        "Right, with 95 % intervals: mean over the family of cells, of which these are a sample."
    )
    source = Source.of(of.path, ".contrast.plot()", array="contrast")
    return Figure("Endurance", text, "Contrast and yield against cycles.", (source,), style.svg(figure))
