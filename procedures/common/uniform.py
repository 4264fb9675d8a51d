"""Brings a whole array to one state, and reads all its cells."""

from __future__ import annotations

import numpy as np

from labmtj.quantities import BoolArray, ReadSettings
from labmtj.verbs import Crossbar
from procedures.common.reference import ReferenceMaps, ReferenceSettings, initialise, read_cells


class Uniform:
    """Initialise and read all cells of an array; all maps are (rows, columns)."""

    def __init__(self, crossbar: Crossbar, reference: ReferenceMaps, settings: ReferenceSettings) -> None:
        self.crossbar, self.reference, self.settings = crossbar, reference, settings
        largest = float(reference.parallel_amperes[reference.usable].max())
        self._how = ReadSettings(settings.aperture_seconds, range_amperes=1.5 * largest, polarity="both")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.crossbar.shape

    def sign(self, state: bool) -> int:  # noqa: FBT001 - a state is a bit
        """Return the sign of a voltage that drives towards a state."""
        return self.reference.polarity if state else -self.reference.polarity

    def initialise(self, state: bool) -> BoolArray:  # noqa: FBT001
        """Bring the whole array to a state; return which cells are in it, as a read shows."""
        how = self.settings
        initialise(self.crossbar, self.sign(state) * how.initialise_volts, how.pulse_seconds, how.initialise_pulses)
        return np.asarray(self.read() == state, bool)

    def read(self) -> BoolArray:
        """Return the states, True = P."""
        amperes = read_cells(self.crossbar, self.reference.read_volts, self._how)
        return np.asarray(amperes > self.reference.threshold_amperes, bool)
