"""Read maps in words, for a terminal; and where a file holds them."""

from __future__ import annotations

import numpy as np

from labmtj.report.contents import Contents


def read_map_groups(contents: Contents) -> list[str]:
    """Return the groups that hold a read map: by itself, or of a health check in either state."""
    return [
        group for group in contents.tree
        if group.rpartition("/")[2].startswith("read_map") and contents.has(f"{group}/siemens")
    ]  # fmt: skip


def read_map_lines(contents: Contents) -> list[str]:
    """Return a line per map for a terminal."""
    lines = []
    for group in read_map_groups(contents)[:16]:
        siemens = 1e6 * contents.read(f"{group}/siemens")
        low, middle, high = np.nanpercentile(siemens, (5, 50, 95))
        scatter = np.nanmedian(contents.read(f"{group}/scatter_amperes") / np.abs(contents.read(f"{group}/amperes")))
        lines.append(
            f"{group.removeprefix('arrays/')}: median {middle:.4g} µS (5 % {low:.4g}, 95 % {high:.4g}), readings "
            f"scatter by {100 * scatter:.2g} %"
        )
    return lines
