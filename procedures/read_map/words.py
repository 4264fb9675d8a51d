"""Read maps in words, for a terminal; and where a file holds them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from labmtj.report.contents import Contents


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
