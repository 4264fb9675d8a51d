"""What report and terminal say of read maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import ClassVar

import numpy as np

from labmtj.report.blocks import Chapter, tried
from labmtj.report.contents import Contents
from labmtj.report.digits import spread_text
from labmtj.report.sections import Finding, Section
from procedures.common.cell_section import OF_CELLS, chip_of


class ReadMapSection(Section):
    """What report and terminal say of maps of all cells, by themselves or in either state of a health check."""

    rank: ClassVar[int] = 55
    places: ClassVar[Mapping[str, str]] = {
        f"arrays/*/read_map{state}": "siemens" for state in ("", "_parallel", "_antiparallel")
    }

    def finding(self) -> Finding | None:
        """Return the conductances of each chip."""
        first: dict[str, str] = {}
        for group in self.groups:
            first.setdefault(chip_of(group), group)
        texts = [
            f"{chip} {spread_text(1e6 * self.contents.read(f'{group}/siemens'), 'µS', 1)}"
            for chip, group in first.items()
        ]
        return (f"Conductance of the cells, wires included, {OF_CELLS}", texts) if texts else None

    def lines(self) -> list[str]:
        """Return a line per map."""
        return read_map_lines(self.contents, self.groups)

    def chapters(self) -> list[Chapter]:
        """Return all maps in one chapter."""
        from procedures.common.cell_maps import read_map_figure

        figures = [tried("Read map", partial(read_map_figure, self.contents, group)) for group in self.groups[:8]]
        return [Chapter("Read maps", "read-maps", figures)] if figures else []


def read_map_lines(contents: Contents, groups: Sequence[str]) -> list[str]:
    """Return a line per map for a terminal."""
    lines = []
    for group in groups[:16]:
        siemens = 1e6 * contents.read(f"{group}/siemens")
        low, middle, high = np.nanpercentile(siemens, (5, 50, 95))
        scatter = np.nanmedian(contents.read(f"{group}/scatter_amperes") / np.abs(contents.read(f"{group}/amperes")))
        lines.append(
            f"{group.removeprefix('arrays/')}: median {middle:.4g} µS (5 % {low:.4g}, 95 % {high:.4g}), readings "
            f"scatter by {100 * scatter:.2g} %"
        )
    return lines
