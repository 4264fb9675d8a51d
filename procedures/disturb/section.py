"""What report and terminal say of disturb."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from labmtj.report import style
from labmtj.report.blocks import Figure, Source
from labmtj.report.contents import Group
from procedures.common.cell_section import TOWARDS, CellSection, Drawing
from procedures.common.curves import LOOKS, draw_intervals
from procedures.common.lost import exposures_of, fraction_text, lost_of


class DisturbSection(CellSection):
    """What report and terminal say of groups of this kind."""

    title: ClassVar[str] = "Disturb"
    places: ClassVar[Mapping[str, str]] = {"arrays/*/disturb": "flipped"}

    def what(self, of: Group) -> str:
        """Return what the main figures are."""
        return (
            f"Cells of the family lost after {exposures_of(of):g} half-selects at "
            f"{of['volts'][-1]:g} V, in the worst case (95 % interval)"
        )

    def figure_text(self, of: Group) -> str:
        """Return the main figures of one chip."""
        lost, kinds = lost_of(of), of["kind"].astype(str)
        cases = np.ndindex(lost.value.shape[:-1])
        kind, direction = max(cases, key=lambda case: (lost.value[case][-1], lost.high[case][-1]))
        return f"{kinds[kind]} {TOWARDS[direction]} {fraction_text(lost, (kind, direction, -1))}"

    def sentence(self, of: Group) -> str:
        """Return all that was found of one chip."""
        kinds, lost = of["kind"].astype(str), lost_of(of)
        volts = of["volts"]
        worst = lost.value[..., -1].argmax(axis=1)
        parts = [f"{kind} {fraction_text(lost, (k, int(worst[k]), -1))}" for k, kind in enumerate(kinds)]
        return (
            f"disturb: cells of the family lost after {exposures_of(of):g} half-selects at "
            f"{volts[-1]:g} V, in the worse direction, 95 %: {', '.join(parts)}"
        )

    def drawings(self) -> list[Drawing]:
        """Return what draws one chip."""
        return [disturb_figure]


_KINDS = {"half": "V/2", "third": "V/3", "third_rest": "−V/3"}


_DASHES = ("-", (0, (5, 2)), ":")


def disturb_figure(of: Group) -> Figure:
    """Return the fraction of half-selected cells lost against amplitude."""
    figure, panels = style.canvas(2, height=2.7)
    volts = of["volts"]
    kinds = [str(kind) for kind in of["kind"].astype(str)]
    lost, exposures = lost_of(of), exposures_of(of)
    for direction, (axes, (name, colour)) in enumerate(zip(panels, LOOKS, strict=True)):
        for number, kind in enumerate(kinds):
            place = number, direction
            draw_intervals(
                axes,
                volts,
                lost.value[place],
                lost.low[place],
                lost.high[place],
                colour,
                _DASHES[number % 3],
                _KINDS.get(kind, kind),
            )
        axes.set(xlabel="amplitude at the selected cell (V)", title=f"half-selected cells lost {name}")
        style.log_axis(axes, "y", highest=1.0)
        axes.legend()
    panels[0].set_ylabel(f"lost after {exposures:g} half-selects")
    text = (
        f"Fraction of half-selected cells that lost their state after {exposures:g} pulses in the polarity that does "
        "harm: mean over the family of cells, of which these are a sample, with 95 % intervals; an arrow is an upper "
        f"limit: no cell flipped. Cells differ: the mean probability per pulse lies between a {exposures:g}th of the "
        "fraction and the fraction itself."
    )
    name = "lost" if "lost" in of else "flipped"
    source = Source.of(of.path, f".{name}.plot()", array=name)
    return Figure("Half-select disturb", text, "Disturb rising with amplitude.", (source,), style.svg(figure))
