"""How the TMR falls with voltage, from reads of the same cells in the same states at more than one voltage.

The conductance in AP grows by TMR / (1 + TMR) (V / V_h)^2 to lowest order (derived here: the law of
`labmtj.device.mtj.conduction`, expanded): a half voltage V_h other than the assumed leaves residuals proportional to
the square of the read voltage.
"""

from __future__ import annotations

import numpy as np

from labmtj.arrays import ArrayDescription
from labmtj.calibration.cell_reads import Reads
from labmtj.device.mtj import Family
from labmtj.quantities import BoolArray, FloatArray

LEAST_CHANGE = 5e-4
"""of a conductance between the voltages that were read, before the law is changed: less may be gains of ranges"""
SIGMAS = 5.0
LEAST_READS = 20


def with_measured_law(
    reads: Reads,
    residual: FloatArray,
    follows: BoolArray,
    wired: ArrayDescription,
    source: str,
    least_change: float = LEAST_CHANGE,
) -> tuple[ArrayDescription, str]:
    """Return the array with the half voltage that the reads show, the same if they agree; and why if none does.

    Args:
        reads: of single cells.
        residual: (biases, read) logarithm of measured over predicted; NaN where there is none.
        follows: (cells,) that show two states.
        wired: what was assumed.
        source: the run.
        least_change: of a conductance between the voltages that were read, that counts.
    """
    squares = reads.driven_volts**2
    usable = reads.usable & ~reads.state() & follows[reads.cell] & np.isfinite(residual)
    group = (reads.network[:, np.newaxis] * follows.size + reads.cell)[usable]
    volts, left = np.broadcast_to(squares[:, np.newaxis], usable.shape)[usable], residual[usable]
    size = int(group.max(initial=0)) + 1
    count = np.maximum(np.bincount(group, minlength=size), 1)
    volts, left = (each - (np.bincount(group, each, size) / count)[group] for each in (volts, left))
    weight = float(volts @ volts)
    if (np.abs(volts) > 1e-2 * squares.max(initial=0.0)).sum() < LEAST_READS or not weight:
        return wired, ""
    slope = float(volts @ left) / weight
    error = float(np.sqrt(np.mean((left - slope * volts) ** 2) / weight))
    change = slope * float(np.ptp(squares))
    if abs(change) < least_change or abs(slope) < SIGMAS * error:
        return wired, ""
    family = Family.of(wired.family)
    tmr = family.tmr.value
    before = family.half_volts.value
    inverse = 1 / before**2 + slope * (1 + tmr) / tmr
    if inverse <= 0:
        return (
            wired,
            f"misfit: AP cells conduct {change:+.2%} with voltage against the assumed law, which no half voltage gives",
        )
    scale = float(1 / np.sqrt(inverse)) / before
    changed = {}
    for name in ("half_volts", "half_volts_negative"):
        if (old := getattr(family, name)) is not None:
            new = {"value": float(f"{old.value * scale:.5g}"), "provenance": "fitted", "source": source}
            changed[name] = old.model_copy(update=new)
    return wired.model_copy(update={"family": family.model_copy(update=changed)}), ""
