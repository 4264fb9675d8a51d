"""What report and terminal say of noise."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

import numpy as np

from labmtj.report.blocks import Block, tried
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
        from procedures.noise.figures import noise_figure

        return [
            tried("Noise", partial(noise_figure, self.contents, group)),
        ]
