"""Figures of endurance."""

from __future__ import annotations

from labmtj.report import style
from labmtj.report.blocks import Figure, Source
from labmtj.report.contents import Contents
from procedures.common.curves import TOWARDS


def endurance_figure(contents: Contents, group: str) -> Figure:
    """Return contrast and yield against cycles."""
    figure, (contrast, share) = style.canvas(2, height=2.5)
    cycles = contents.read(f"{group}/cycles")
    contrast.plot(cycles, 100 * contents.read(f"{group}/contrast"), linewidth=0.9)
    style.log_axis(contrast, "x")
    contrast.set(xlabel="write cycles", ylabel="(P − AP) / AP (%)", title="contrast, every cell")
    for direction, (name, colour) in enumerate(TOWARDS):
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
