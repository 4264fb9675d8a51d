"""What report and terminal say of noise."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

import numpy as np

from labmtj.report import style
from labmtj.report.blocks import Block, Figure, Source, tried
from labmtj.report.contents import Contents
from labmtj.report.digits import percent, spread_text
from procedures.common.cell_section import OF_CELLS, CellSection


class NoiseSection(CellSection):
    """What is said of groups of this kind."""

    title: ClassVar[str] = "Noise"
    places: ClassVar[Mapping[str, str]] = {"arrays/*/noise": "noisy"}

    def what(self, group: str) -> str:  # noqa: ARG002 - the same for all
        """Return what the main figures are."""
        return f"Noise of the reads, rms over mean, {OF_CELLS}"

    def figure_text(self, group: str) -> str:
        """Return the main figures of one chip."""
        contents = self.contents
        noisy, judged = (int(contents.read(f"{group}/{name}").sum()) for name in ("noisy", "judged"))
        return f"{spread_text(100 * contents.read(f'{group}/rms'), '%', 3)}, {noisy} of {judged} cells noisy"

    def sentence(self, group: str) -> str:
        """Return all that was found of one chip."""
        contents = self.contents
        noisy, judged = contents.read(f"{group}/noisy"), contents.read(f"{group}/judged")
        rms = float(np.median(contents.read(f"{group}/rms")))
        jumping = int(contents.read(f"{group}/telegraph").sum())
        found = f"{int(noisy.sum())} of {int(judged.sum())} cells noisy, {jumping} telegraph"
        return f"noise: {found}; median rms {percent(rms, 3)} %"

    def figures(self, group: str) -> list[Block]:
        """Return the figures and tables of one chip."""
        return [
            tried("Noise", partial(noise_figure, self.contents, group)),
        ]


def noise_figure(contents: Contents, group: str) -> Figure:
    """Return the spectra of all cells and the series of the cell that jumps most."""
    figure, (spectra, series) = style.canvas(2, height=2.7)
    telegraph = contents.read(f"{group}/telegraph").astype(bool)
    frequency, density = contents.read(f"{group}/frequency"), contents.read(f"{group}/density")
    spectra.plot(frequency, density[~telegraph].T, color=style.GREY, alpha=0.2, linewidth=0.5)
    if telegraph.any():
        spectra.plot(frequency, density[telegraph].T, color=style.RED, alpha=0.7, linewidth=0.8)
    for which in ("x", "y"):
        style.log_axis(spectra, which)
    spectra.set(xlabel="frequency (Hz)", ylabel="S / I² (1/Hz)", title="every cell")
    jump = np.where(telegraph, contents.read(f"{group}/jump"), 0.0)
    shown = int(np.argmax(jump)) if telegraph.any() else int(np.argmax(contents.read(f"{group}/rms")))
    cell, step = contents.read(f"{group}/cells")[shown], float(contents.attributes(group)["interval_seconds"])
    values = 100 * contents.read(f"{group}/series")[shown]
    series.plot(step * np.arange(len(values)), values, color=style.INK, linewidth=0.5)
    series.set(xlabel="time (s)", ylabel="current, relative (%)", title=f"cell ({cell[0]}, {cell[1]})")
    rate = float(contents.attributes(group)["false_alarm_rate"])
    text = (
        f"Left: spectra of {len(telegraph)} cells with the meter's noise, relative to the current; red: "
        f"{int(telegraph.sum())} that jump between two levels (false alarm rate {100 * rate:g} % per cell). Right: the "
        "cell with the highest jumps, or the noisiest."
    )
    source = Source.of(group, '.density.plot.line(x="frequency")', array="density")
    return Figure("Noise", text, "Spectra of the cells and a series in time.", (source,), style.svg(figure))
