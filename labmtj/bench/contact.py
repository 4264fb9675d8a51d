"""Is the array under the probes? Every line is driven alone, at a voltage that disturbs nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labmtj.bench.laboratory import LaboratoryFile
from labmtj.quantities import Bias, FloatArray, Lines, Reading
from labmtj.safety import line_name
from labmtj.verbs import Crossbar


@dataclass(frozen=True)
class Expected:
    """What a cell and a line may carry."""

    read_volts: float
    cell_siemens: tuple[float, float]
    """nominal, in AP and in P"""
    lowest_fraction: float
    highest_factor: float
    aperture_seconds: float = 0.02

    @classmethod
    def of(cls, file: LaboratoryFile) -> Expected:
        """Return what follows from a bench file."""
        family, contact = file.chip.array.family, file.contact
        parallel = 1 / family.parallel_ohms
        siemens = (parallel / (1 + family.tmr.value), parallel)
        return cls(contact.read_volts, siemens, contact.lowest_fraction, contact.highest_factor)

    def least_amperes(self, cells: int) -> float:
        """Return the current below which so many cells are not all there."""
        return self.lowest_fraction * cells * self.cell_siemens[0] * self.read_volts

    def most_amperes(self, cells: int) -> float:
        """Return the current above which there is something besides so many cells."""
        return self.highest_factor * cells * self.cell_siemens[1] * self.read_volts


@dataclass(frozen=True, eq=False)
class Contact:
    """What the contact check found."""

    shape: tuple[int, int]
    amperes: FloatArray
    """(lines,) into each line alone at the read voltage, all others at 0 V; NaN where a line cannot be driven"""
    open: NDArray[np.bool_]
    """(lines,) carries too little"""
    shorted: NDArray[np.bool_]
    """(lines,) carries too much: a shorted cell, or another line"""

    def __str__(self) -> str:
        found = [
            f"{line_name(line, self.shape)} {'is open' if self.open[line] else 'carries too much'} "
            f"({self.amperes[line]:.3g} A)"
            for line in np.flatnonzero(self.open | self.shorted).tolist()
        ]
        return "; ".join(found) or "all lines have contact"


def contact_check(crossbar: Crossbar, expected: Expected) -> Contact:
    """Drive every line alone and read its current: after each touch-down, on any crossbar."""
    rows, columns = crossbar.shape
    amperes = np.full(rows + columns, np.nan)
    for line in range(rows + columns):
        bias = Bias.from_lines(np.where(np.arange(rows + columns) == line, expected.read_volts, 0.0), crossbar.shape)
        if crossbar.can(bias) is None:
            which = Lines(rows=(line,)) if line < rows else Lines(columns=(line - rows,))
            amperes[line] = -crossbar.measure(bias, which, Reading(expected.aperture_seconds)).amperes[0, 0]
    cells = np.where(np.arange(rows + columns) < rows, columns, rows)
    return Contact(
        crossbar.shape, amperes,
        amperes < expected.least_amperes(1) * cells, amperes > expected.most_amperes(1) * cells,
    )  # fmt: skip
