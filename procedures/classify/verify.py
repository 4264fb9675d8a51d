"""The verify reads of a station against the thresholds of their cells."""

from __future__ import annotations

import numpy as np

from labmtj.report import style
from labmtj.report.canvas import Axes
from labmtj.report.digits import counted, plural
from procedures.classify.station import StationRecord
from procedures.common.windows import separation, threshold_axis


def verify_panel(station: StationRecord, axes: Axes) -> str:
    """Draw every verify read of every solution against the threshold of its cell."""
    low, high = [], []
    for layer in (1, 2):
        reference = f"arrays/{station.chip(layer)}/reference"
        names = ("parallel_amperes", "antiparallel_amperes", "threshold_amperes", "outcome")
        p, ap, threshold, outcome = (station.contents.read(f"{reference}/{name}") for name in names)
        usable = outcome == 0
        relative = ((station.column(f"layer{layer}_verify_amperes") - threshold) / np.where(usable, p - ap, 1))[
            :, usable
        ]
        target = station.column(f"layer{layer}_target")[:, usable].astype(bool)
        low.append(relative[~target])
        high.append(relative[target])
    below, above = np.concatenate(low), np.concatenate(high)
    edges = np.linspace(-1.1, 1.1, 111).tolist()
    for values, colour, name in ((below, style.ANTIPARALLEL, "target AP"), (above, style.PARALLEL, "target P")):
        axes.hist(np.clip(values, -1.09, 1.09), edges, color=colour, alpha=0.75, label=name, histtype="stepfilled")
    axes.set_yscale("log")
    axes.set_ylim(0.7, 8 * axes.get_ylim()[1])
    for place, colour, name in ((0.24, style.ANTIPARALLEL, "target AP"), (0.76, style.PARALLEL, "target P")):
        axes.text(place, 0.98, name, color=colour, fontweight="bold", ha="center", va="top", transform=axes.transAxes)
    threshold_axis(axes)
    axes.set_ylabel("verify reads")
    right = np.concatenate([below[below < 0], above[above > 0]])
    return (
        f"Middle: the last verify reads of {plural(station.count, 'solution')}, {counted(len(below) + len(above))} "
        "values, each relative to its cell's own threshold in units of its own P−AP step; counts on the wrong side "
        "are cells that missed their target (values beyond ±1.09 are drawn there). Leaving those aside, the states "
        f"are separated by {separation(below[below < 0], above[above > 0])} and the closest read is "
        f"{np.abs(right).min():.2f} of a step from its threshold. "
    )
