"""The page's part on ways compared: per device size the table, and a figure of the gains with their intervals."""

from __future__ import annotations

from functools import partial

from labmtj.report import style
from labmtj.report.blocks import Block, Figure, Source, tried
from labmtj.report.contents import Contents
from procedures.common.perceptron.samples import TEST, TRAIN, samples
from procedures.methods.comparison import ROOT, TUNINGS, Comparison, comparisons, methods_table


def methods_blocks(contents: Contents) -> list[Block]:
    """Return a table and a figure per device size."""
    blocks: list[Block] = []
    for found in comparisons(contents)[:8]:
        blocks.append(tried("Ways compared", partial(methods_table, contents, found)))
        blocks.append(tried("Gains", partial(_gains, contents, found)))
    return blocks


def _gains(contents: Contents, found: Comparison) -> Figure:
    figure, panels = style.canvas(2, height=3.3, left=0.14, wspace=0.08, bottom=0.24)
    shown = [number for number, name in enumerate(found.names) if name != found.baseline]
    for axes, split in zip(panels, (TRAIN, TEST), strict=True):
        for place, (tuning, (colour, marker)) in enumerate(zip(TUNINGS, style.looks(3), strict=True)):
            at = found.tunings.index(tuning), found.splits.index(split)
            gains = 100 * found.gain[shown, at[0], at[1]]
            heights = [-number + 0.22 * (1 - place) for number in range(len(shown))]
            axes.hlines(heights, gains[:, 1], gains[:, 2], color=colour, linewidth=1.4)
            axes.plot(gains[:, 0], heights, marker, color=colour, markersize=4.5, label=TUNINGS[tuning])
        axes.axvline(0, color=style.GREY, linewidth=0.7)
        axes.set(title=samples(contents)[split], xlabel=f"gain over {found.baseline} (points)")
        axes.set_yticks([-number for number in range(len(shown))])
        axes.set_yticklabels([found.names[number] for number in shown] if split == TRAIN else [])
    figure.legend(*panels[0].get_legend_handles_labels(), loc="lower center", ncols=3)
    text = (
        f"Accuracy minus that of {found.baseline} on the same dies, mean over {found.dies} dies (mark) and its "
        "95 % interval (line). Where a re-fit alone already classifies all training samples there is nothing left "
        "to gain on the left; what was learned by heart shows on the right."
    )
    alt = "Gain in accuracy of every way over the baseline, with intervals, on tuned and held-back samples."
    source = Source.of(f"{ROOT}/{found.family}", '.gain.sel(split="test").to_pandas()', array="gain")
    return Figure(f"Gains over {found.baseline}: {found.family}", text, alt, [source], style.svg(figure))
