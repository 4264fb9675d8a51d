"""A simulated bench: builds the chips of a campaign from their descriptions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from labmtj.bench.description import BenchFile
from labmtj.circuit import PortState, response_of
from labmtj.junction import ArrayDescription
from labmtj.quantities import ArrayInfo, FloatArray, Station
from labmtj.simulated import SimulatedCrossbar, Timing, VirtualClock


class SimulatedBench:
    """The chips of a simulated bench: the same seed gives the same chips."""

    def __init__(self, file: BenchFile, seed: int) -> None:
        self.file, self.seed = file, seed

    def arrays(self) -> list[ArrayInfo]:
        """Return what is known by design of each device family."""
        return [describe(array) for array in self.file.arrays.values()]

    def connect(self, station: Station) -> dict[str, SimulatedCrossbar]:
        """Return the crossbars of a station, on one clock."""
        clock = VirtualClock()
        description = self.file.arrays[station.info.name]
        return {
            name: crossbar_of(
                description, seed=self.seed, name=name, clock=clock, meter=self.file.meter.model(),
                timing=Timing(self.file.timing.source_seconds, self.file.timing.transfer_seconds),
            )
            for name in station.arrays
        }  # fmt: skip


def crossbar_of(description: ArrayDescription, *, seed: int, name: str, **parts: object) -> SimulatedCrossbar:
    """Return a chip drawn from an array file; `parts` are the meter, timing and clock of `SimulatedCrossbar`."""
    return SimulatedCrossbar(
        description.wires.wires(description.shape), description.junctions(seed, name),
        seed=seed, name=name, limits=description.limits.limits(), **parts,  # type: ignore[arg-type]
    )  # fmt: skip


def describe(array: ArrayDescription) -> ArrayInfo:
    """Return the design values of an array file."""
    parallel = array.nominal_parallel_ohms
    return ArrayInfo(
        array.name, array.shape, array.nominal_delta_siemens, array.family.diameter_metres.value,
        delivered_fraction(array, parallel),
    )  # fmt: skip


def delivered_fraction(array: ArrayDescription, parallel_ohms: float) -> FloatArray:
    """Return the part of a selected cell's voltage that its lines leave to it, (rows, columns).

    Nominal cells in a checkerboard; each cell selected alone by half the voltage on its row, minus half on its column.
    """
    rows, columns = array.shape
    checker = np.add.outer(np.arange(rows), np.arange(columns)).ravel() % 2 == 0
    ohms = np.where(checker, parallel_ohms, parallel_ohms * (1 + array.family.tmr.value))
    ports = PortState(response_of(array.wires.wires(array.shape)), ohms)
    row, column = np.divmod(np.arange(rows * columns), columns)
    per_volt = 0.5 * (ports.transfer[np.arange(rows * columns), row] - ports.transfer[np.arange(rows * columns), rows + column])
    return (per_volt * ohms).reshape(rows, columns)


