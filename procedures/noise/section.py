"""What report and terminal say of noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from labmtj.report import style
from labmtj.report.blocks import Figure, Source
from labmtj.report.contents import Group
from labmtj.report.digits import spread_text
from procedures.common.cell_section import OF_CELLS, CellSection, Drawing


class NoiseSection(CellSection):
    """What report and terminal say of groups of this kind."""

    title: ClassVar[str] = "Noise"
    places: ClassVar[Mapping[str, str]] = {"arrays/*/noise": "noisy"}

    def what(self, of: Group) -> str:  # noqa: ARG002 - the same for all
        """Return what the main figures are."""
        return f"Noise of the reads, rms over mean, {OF_CELLS}"

    def figure_text(self, of: Group) -> str:
        """Return the main figures of one chip."""
        noisy, judged, jumping = (int(of[name].sum()) for name in ("noisy", "judged", "telegraph"))
        return f"{spread_text(100 * of['rms'], '%', 3)}, {noisy} of {judged} cells noisy, {jumping} telegraph"

    def drawings(self) -> list[Drawing]:
        """Return what draws one chip."""
        return [noise_figure]


def noise_figure(of: Group) -> Figure:
    """Return the spectra of all cells and the series of the cell that jumps most."""
    figure, (spectra, series) = style.canvas(2, height=2.7)
    telegraph = of["telegraph"].astype(bool)
    frequency, density = of["frequency"], of["density"]
    spectra.plot(frequency, density[~telegraph].T, color=style.GREY, alpha=0.2, linewidth=0.5)
    if telegraph.any():
        spectra.plot(frequency, density[telegraph].T, color=style.RED, alpha=0.7, linewidth=0.8)
    for which in ("x", "y"):
        style.log_axis(spectra, which)
    spectra.set(xlabel="frequency (Hz)", ylabel="S / I² (1/Hz)", title="every cell")
    jump = np.where(telegraph, of["jump"], 0.0)
    shown = int(np.argmax(jump)) if telegraph.any() else int(np.argmax(of["rms"]))
    cell, step = of["cells"][shown], float(of.facts["interval_seconds"])
    values = 100 * of["series"][shown]
    series.plot(step * np.arange(len(values)), values, color=style.INK, linewidth=0.5)
    series.set(xlabel="time (s)", ylabel="current, relative (%)", title=f"cell ({cell[0]}, {cell[1]})")
    rate = float(of.facts["false_alarm_rate"])
    text = (
        f"Left: spectra of {len(telegraph)} cells with the meter's noise, relative to the current; red: "
        f"{int(telegraph.sum())} that jump between two levels (false alarm rate {100 * rate:g} % per cell). Right: the "
        "cell with the highest jumps, or the noisiest."
    )
    source = Source.of(of.path, '.density.plot.line(x="frequency")', array="density")
    return Figure("Noise", text, "Spectra of the cells and a series in time.", (source,), style.svg(figure))
