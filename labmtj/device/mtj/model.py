"""Magnetic tunnel junctions as a kind of device: states AP (0) and P (1)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from labmtj.device.model import DeviceModel
from labmtj.device.mtj.cells import CellsDescription
from labmtj.device.mtj.family import Family
from labmtj.device.mtj.junctions import Junctions
from labmtj.device.mtj.population import draw
from labmtj.device.mtj.validity import temperature_remark
from labmtj.device.mtj.widths import WIDTHS
from labmtj.quantities import FloatArray


class MTJ(DeviceModel):
    """Two-terminal junctions switched by spin-transfer torque."""

    states = ("AP", "P")
    family = Family
    own_cells = CellsDescription
    pulse_widths = WIDTHS
    conduction_parameters = ("diameter_metres", "resistance_area_ohm_m2", "tmr")

    def draw(
        self, family: Family, shape: tuple[int, int], polarity: int, temperature_kelvin: float, seed: int, name: str
    ) -> Junctions:
        """Return the junctions of the array `name` under `seed`."""
        return draw(family, shape, polarity, temperature_kelvin, seed, name)

    def nominal_ohms(self, family: Family) -> FloatArray:
        """Return the design resistances in AP and in P, (2,)."""
        return family.parallel_ohms * np.array([1 + family.tmr.value, 1.0])

    def size_metres(self, family: Family) -> float:
        """Return the design diameter."""
        return family.diameter_metres.value

    def lines(self, family: Family) -> Iterator[str]:
        """Yield what `labmtj check` says of a family."""
        yield (
            f"nominal: R_P {family.parallel_ohms:.4g} ohm, TMR {family.tmr.value:.0%}, "
            f"Delta {family.thermal_stability.value:g}"
        )

    def temperature_remark(self, kelvin: float) -> str | None:
        """Return what is wrong with simulating at a temperature, or None within 250 to 400 K."""
        return temperature_remark(kelvin)
