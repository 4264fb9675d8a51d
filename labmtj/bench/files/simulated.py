"""A simulated bench: builds the chips of a campaign from their descriptions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labmtj.arrays import ArrayDescription
from labmtj.bench.files.description import BenchFile
from labmtj.bench.files.loading import load_array
from labmtj.bench.files.protecting import protected, wires_of
from labmtj.circuit import PortState, response_of
from labmtj.quantities import ArrayInfo, ChipGroup, FloatArray
from labmtj.safety import Safety
from labmtj.simulated import Offsets, SimulatedCrossbar, Timing, VirtualClock
from labmtj.verbs import Crossbar


class SimulatedBench:
    """The chips of a simulated bench: the same seed gives the same chips."""

    def __init__(self, file: BenchFile, seed: int) -> None:
        self.file, self.seed = file, seed

    def arrays(self) -> list[ArrayInfo]:
        """Return what is known by design of each device family."""
        return [describe(array) for array in self.file.arrays.values()]

    def check(self, stations: list[ChipGroup]) -> None:
        """Let every campaign pass: chips are drawn as they are wanted."""

    def protected(self, station: ChipGroup, name: str, crossbar: Crossbar) -> Safety:
        """Return the layer around one of a station's crossbars; its counts begin at zero, and go with a snapshot."""
        return protected(crossbar, self.file.arrays[station.info.name], chip_id=name)

    @contextmanager
    def opened(self, station: ChipGroup) -> Iterator[dict[str, SimulatedCrossbar]]:
        """Return the crossbars of a station for a while."""
        yield self.connect(station)

    def connect(self, station: ChipGroup) -> dict[str, SimulatedCrossbar]:
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


def drawn_text(seed: int) -> str:
    """Return what a user must know of the chip of a bench that is not real."""
    return f"simulated chip: drawn anew (seed {seed}) by this command, forgotten at its end"


def simulate(array: str | ArrayDescription, *, seed: int = 0, name: str = "") -> SimulatedCrossbar:
    """Return a chip of an array file, given by its name or as read: the same seed and name give the same chip.

    Args:
        array: such as "mtj-50nm", a path, or what `labmtj.load_array` returned.
        seed: of every random number of the chip.
        name: of the chip; default that of the array with -0a.

    Raises:
        ConfigError: for an array file that is wrong or not there.
    """
    description = array if isinstance(array, ArrayDescription) else load_array(array)
    return crossbar_of(description, seed=seed, name=name or f"{description.name}-0a")


def crossbar_of(description: ArrayDescription, *, seed: int, name: str, **parts: object) -> SimulatedCrossbar:
    """Return a chip drawn from an array file, with its own cells where the file holds them.

    `parts` are the meter, timing and clock of `SimulatedCrossbar`.
    """
    cells = description.drawn(seed, name)
    # Contacts are linear: the network takes them more cheaply than the cells' own law.
    wires = wires_of(description, cells.contact_ohms.reshape(description.shape))
    return SimulatedCrossbar(
        wires, cells.without_contacts(),
        seed=seed, name=name, limits=description.limits.as_limits(), offsets=offsets_of(description),
        short_pulses=description.short_pulses,
        **parts,  # type: ignore[arg-type]
    )  # fmt: skip


def offsets_of(description: ArrayDescription) -> Offsets | None:
    """Return the offsets of sources and meters that an array file holds."""
    if (found := description.offsets) is None:
        return None
    amperes = {each.full_scale_amperes: np.array(each.amperes, float) for each in found.ranges}
    meters = np.array(found.meter_gains or [1.0] * sum(description.shape))
    gains = {each.full_scale_amperes: each.gain + meters - 1.0 for each in found.ranges}
    differ = found.meter_gains is not None or any(each.gain != 1.0 for each in found.ranges)
    sources = None if found.source_gains is None else np.array(found.source_gains)
    return Offsets(np.array(found.source_volts), amperes, gains if differ else {}, sources)


def describe(array: ArrayDescription) -> ArrayInfo:
    """Return the design values of an array file."""
    siemens = 1 / array.nominal_ohms
    return ArrayInfo(
        array.name, array.shape, float(siemens[-1] - siemens[0]), float(siemens[0]),
        array.model.size_metres(array.family), delivered_fraction(array), array.limits.as_limits(),
        short_pulses=array.short_pulses, pulse_widths=array.model.pulse_widths, states=array.states,
    )  # fmt: skip


def delivered_fraction(array: ArrayDescription, states: NDArray[Any] | None = None) -> FloatArray:
    """Return the part of a selected cell's voltage that its lines leave to it, (rows, columns).

    Nominal cells in these states (rows, columns), default a checkerboard of the lowest and the highest; each cell
    selected alone by half the voltage on its row, minus half on its column.
    """
    rows, columns = array.shape
    if states is None:
        checker = np.add.outer(np.arange(rows), np.arange(columns)) % 2 == 0
        states = np.where(checker, len(array.states) - 1, 0)
    ohms = array.nominal_ohms[np.asarray(states, np.intp).ravel()]
    ports = PortState(response_of(wires_of(array)), ohms)
    row, column = np.divmod(np.arange(rows * columns), columns)
    per_volt = 0.5 * (
        ports.transfer[np.arange(rows * columns), row] - ports.transfer[np.arange(rows * columns), rows + column]
    )
    delivered: FloatArray = (per_volt * ohms).reshape(rows, columns)
    return delivered
