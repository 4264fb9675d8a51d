"""The noise of the cells as currents at the pads: the same telegraph levels and streams as in a simulated crossbar."""

from __future__ import annotations

import numpy as np

from labmtj.circuit import OperatingPoint
from labmtj.device import CellArray
from labmtj.quantities import FloatArray
from labmtj.simulated.noise import CellNoise, Stretch
from labmtj.streams import Draws


class LineNoise:
    """Noise of one chip; seed and name are those of its array.

    Args:
        cells: of the chip.
        seed: of the run.
        name: of the chip.
    """

    def __init__(self, cells: CellArray, seed: int, name: str) -> None:
        self._cells = CellNoise(cells, seed, name)
        self._lines = np.arange(sum(cells.shape))
        self._normals = Draws("normal", len(self._lines), seed, "noise", name)
        self._shots = 0

    def amperes(
        self, point: OperatingPoint, stretch: Stretch, start_seconds: float, aperture_seconds: float
    ) -> FloatArray:
        """Return what noise adds to the mean current into every line over one aperture, (lines,)."""
        volts, into, across, through, limited = point
        batch = OperatingPoint(volts[None], into[None], across[None], through[None], limited[None])
        starts = np.array([start_seconds])
        shift, rms = self._cells.on_lines(batch, [stretch], self._lines, starts, aperture_seconds)
        normals = self._normals.rows(self._shots, 1)
        self._shots += 1
        added: FloatArray = -(shift + rms * normals)[0]  # those count out of the array
        return added
