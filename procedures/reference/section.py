"""What report and terminal say of reference maps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import ClassVar

from labmtj.report.blocks import Chapter, tried
from labmtj.report.digits import spread_text
from labmtj.report.sections import Finding, Section
from procedures.common.cell_section import OF_CELLS, chip_of


class ReferenceSection(Section):
    """What report and terminal say of the maps of all cells in P and in AP, where no other section shows them."""

    rank: ClassVar[int] = 65
    places: ClassVar[Mapping[str, str]] = {"arrays/*/reference": "parallel_amperes"}

    def finding(self) -> Finding | None:
        """Return the contrast of each chip."""
        texts = []
        for group in self.groups:
            usable = self.contents.read(f"{group}/outcome") == 0
            high, low = (self.contents.read(f"{group}/{name}_amperes")[usable] for name in ("parallel", "antiparallel"))
            contrast = spread_text(100 * (high - low) / low, "%", 1)
            texts.append(f"{chip_of(group)} {contrast}, {usable.sum()} of {usable.size} usable")
        return (f"Contrast (P - AP) / AP of the read currents, {OF_CELLS}", texts) if texts else None

    def outcomes(self) -> Iterator[tuple[str, str]]:
        """Yield the chips, and what their cells were like before they were written."""
        for group in self.groups:
            yield chip_of(group), f"{group}/outcome"

    def chapters(self) -> list[Chapter]:
        """Return the windows of each chip."""
        from procedures.common.windows import windows

        chips = [chip_of(group) for group in self.groups if group not in self.covered][:8]
        return [
            Chapter(f"Chip {chip}", f"chip-{number}", [tried("Windows", partial(windows, self.contents, chip, [chip]))])
            for number, chip in enumerate(chips)
        ]
