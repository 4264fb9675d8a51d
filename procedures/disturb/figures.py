"""Figures of disturb."""

from __future__ import annotations

from labmtj.report import style
from labmtj.report.blocks import Figure, Source
from labmtj.report.contents import Contents
from procedures.common.curves import TOWARDS, draw_intervals
from procedures.common.lost import exposures_of, lost_of

_KINDS = {"half": "V/2", "third": "V/3", "third_rest": "−V/3"}


_DASHES = ("-", (0, (5, 2)), ":")


def disturb_figure(contents: Contents, group: str) -> Figure:
    """Return the fraction of half-selected cells lost against amplitude."""
    figure, panels = style.canvas(2, height=2.7)
    volts = contents.read(f"{group}/volts")
    kinds = [str(kind) for kind in contents.read(f"{group}/kind").astype(str)]
    lost, exposures = lost_of(contents, group), exposures_of(contents, group)
    for direction, (axes, (name, colour)) in enumerate(zip(panels, TOWARDS, strict=True)):
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
    name = "lost" if contents.has(f"{group}/lost") else "flipped"
    source = Source.of(group, f".{name}.plot()", array=name)
    return Figure("Half-select disturb", text, "Disturb rising with amplitude.", (source,), style.svg(figure))
