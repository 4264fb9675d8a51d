"""Noise of the cells themselves, as the lines see it: thermal, shot and 1/f noise, and telegraph cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from labmtj.circuit import OperatingPoint, matvec
from labmtj.device import CellArray, StateArray
from labmtj.quantities import FloatArray
from labmtj.streams import Draws


class Stretch(NamedTuple):
    """A part of a batch, and how the array was in it."""

    part: slice
    state: StateArray
    """(cells,)"""
    reach: FloatArray
    """(lines, telegraph cells) volts of a cell per volt of a line; what a cell adds reaches lines alike: reciprocity"""


class CellNoise:
    """The noise of one array's cells at its lines.

    A jump of a cell reaches all lines as the network lets it. Random noise is taken to reach the two lines of its cell
    whole: the wires divert a few per cent of it, which is a second-order part of a small effect.
    """

    def __init__(self, cells: CellArray, seed: int, name: str) -> None:
        self._array, self._telegraph = cells, cells.telegraph
        self._draws = Draws("uniform", max(1, len(self._telegraph)), seed, "telegraph", name)
        self._level = np.zeros(len(self._telegraph), bool)
        self._drawn = 0
        self._seen_seconds = 0.0

    def on_lines(
        self,
        held: OperatingPoint,
        stretches: Sequence[Stretch],
        lines: NDArray[np.intp],
        start_seconds: FloatArray,
        aperture_seconds: float,
    ) -> tuple[FloatArray, FloatArray]:
        """Return the shift by telegraph levels and the rms of the rest, out of the array: (batch, chosen lines).

        `stretches` are those of `SimulatedArray.hold`.
        """
        rows, columns = self._array.shape
        rms = np.empty_like(held.cell_volts)
        for part, state, _ in stretches:
            rms[part] = self._array.noise_rms_amperes(
                state, held.cell_volts[part], held.cell_amperes[part], aperture_seconds
            )
        rms *= rms
        square = rms.reshape(-1, rows, columns)
        variance = np.empty((len(square), rows + columns))
        if (lines < rows).any():
            variance[:, :rows] = square.sum(axis=2)
        variance[:, rows:] = square.sum(axis=1)
        shift = np.zeros_like(variance)
        if len(cells := self._telegraph.cells):
            levels = self._levels(start_seconds)
            change = held.cell_amperes[:, cells] * (1 / (1 + self._telegraph.jump * levels) - 1)
            for part, _, reach in stretches:
                shift[part] = -matvec(reach, change[part])
        return shift[:, lines], np.sqrt(variance[:, lines])

    def _levels(self, start_seconds: FloatArray) -> FloatArray:
        """Return the levels at each time, (batch, telegraph cells); exact for any interval."""
        waits = np.diff(start_seconds, prepend=self._seen_seconds)[:, np.newaxis]
        uniform = self._draws.rows(self._drawn, len(start_seconds))
        memory = np.exp(-waits * (1 / self._telegraph.low_seconds + 1 / self._telegraph.high_seconds))
        settled = self._telegraph.high_probability
        # high whatever came before, low whatever came before, or unchanged: then the last decided level counts
        high, low = uniform < settled * (1 - memory), uniform >= settled + (1 - settled) * memory
        course = np.concatenate([self._level[np.newaxis], high])
        decided = np.concatenate([np.ones((1, len(self._telegraph)), bool), high | low])
        last = np.maximum.accumulate(np.where(decided, np.arange(len(course))[:, np.newaxis], 0))
        levels = np.take_along_axis(course, last, axis=0)[1:]
        self._level, self._drawn, self._seen_seconds = (
            levels[-1].copy(),
            self._drawn + len(levels),
            float(start_seconds[-1]),
        )
        return levels

    def snapshot(self) -> dict[str, Any]:
        """Return the levels and the place in the random numbers."""
        return {"level": self._level.copy(), "drawn": self._drawn, "seen_seconds": self._seen_seconds}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go back to a snapshot."""
        self._level = np.array(snapshot["level"])
        self._drawn, self._seen_seconds = int(snapshot["drawn"]), float(snapshot["seen_seconds"])
