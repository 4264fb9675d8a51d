"""What a kind of device must offer: its states, how its cells vary, conduct, switch, wear and make noise.

States are small integers 0 to levels - 1, each with a name, numbered by rising conductance. Everything is
vectorised over the cells of one array, (N,) = rows * columns, row-major. Time, hazard and the flips themselves are the
simulation's (`labmtj.simulated.array`): a model says rates, and draws nothing after the chip is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labmtj.device.cellmap import CellMap
from labmtj.device.parameter import DescribedModel, Provenance
from labmtj.device.telegraph import Telegraph
from labmtj.device.wear import Wear
from labmtj.errors import UsageError
from labmtj.pulsewidths import ANY_WIDTH, PulseWidths
from labmtj.quantities import BoolArray, FloatArray

CellNumbers = int | NDArray[np.intp]
"""One flat cell number, or an array of them."""
States = int | NDArray[np.integer[Any]]
"""The state of one cell, or of each of an array of them."""
StateArray = NDArray[np.int8]


class Conduction(Protocol):
    """What N cells carry in their present states."""

    def set_cell(self, cell: CellNumbers, state: States, factor: float | FloatArray = 1.0) -> None:
        """Put a cell (or several) into a state, its resistance times a factor; stuck cells stay stuck."""

    @property
    def zero_bias_ohms(self) -> FloatArray:
        """Resistance at vanishing voltage, (N,)."""

    def amperes(self, volts: FloatArray) -> FloatArray:
        """Return the current of every cell, (..., N), at the voltages between its two lines, (..., N)."""

    def differential_siemens(self, volts: FloatArray) -> FloatArray:
        """Return dI/dV of every cell, (..., N), at the voltages between its two lines, (..., N)."""


class Switching(Protocol):
    """How fast N cells leave their present states, and for which."""

    def set_cell(self, cell: CellNumbers, state: States) -> None:
        """Put a cell (or several) into a state."""

    def rates(self, volts: FloatArray) -> FloatArray:
        """Return the rate of leaving the present state in 1/s, (..., N), at voltages (..., N); zero or more."""

    def transitions(self, cell: int, volts: float) -> FloatArray:
        """Return the rates from every state (rows) to every other (columns) of one cell in 1/s, (levels, levels).

        The diagonal is zero. The row of the present state adds up to what `rates` says of the cell.
        """


class CellArray(Protocol):
    """The fixed properties of the cells of one chip."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""

    @property
    def cells(self) -> int:
        """How many cells."""

    @property
    def levels(self) -> int:
        """How many states a cell has."""

    @property
    def contact_ohms(self) -> FloatArray:
        """Linear resistance in series with each cell, (N,)."""

    @property
    def is_free(self) -> BoolArray:
        """Whether a cell can switch, (N,)."""

    @property
    def pulse_widths(self) -> PulseWidths:
        """For which its switching holds."""

    @property
    def cycle_to_cycle(self) -> float:
        """Relative standard deviation of the resistance factor that a flip draws anew."""

    @property
    def telegraph(self) -> Telegraph:
        """The cells that jump between two resistances."""

    @property
    def wear(self) -> Wear | None:
        """How cells break down; None: never."""

    def conduction(self, state: StateArray, factor: float | FloatArray = 1.0) -> Conduction:
        """Return the conduction in the states (N,), with resistance factors (scalar or (N,))."""

    def switching(self, state: StateArray) -> Switching:
        """Return the switching in the states (N,)."""

    def broken(self, cell: CellNumbers) -> Self:
        """Return these cells with some permanently broken down."""

    def without_contacts(self) -> Self:
        """Return these cells with no contact resistance: it has become part of the wires."""

    def noise_rms_amperes(
        self, state: StateArray, volts: FloatArray, amperes: FloatArray, aperture_seconds: float
    ) -> FloatArray:
        """Return the rms current noise of every cell, (..., N), in a mean over one aperture.

        Args:
            state: (N,).
            volts: at the cells, (..., N).
            amperes: through them, of the same sign, (..., N).
            aperture_seconds: over which the meter averages.
        """


def checked_states(states: NDArray[Any], cells: int, levels: int) -> StateArray:
    """Return the states of all cells as small integers (N,), or raise UsageError."""
    given = np.asarray(states)
    if given.shape != (cells,) or given.dtype.kind not in "iub":
        raise UsageError(f"states of {cells} cells must be ({cells},) integers; got {given.shape} {given.dtype}")
    if given.size and not (given.min() >= 0 and given.max() < levels):
        wrong = int(np.flatnonzero((given < 0) | (given >= levels))[0])
        raise UsageError(f"cell {wrong} has no state {given[wrong]}; its states are 0 to {levels - 1}")
    return given.astype(np.int8)


class OwnCells(DescribedModel):
    """What an array file says of the cells of one chip, beyond the statistics of its family."""

    chip: str = ""
    """as on its label, or by its name in the run that was calibrated"""
    provenance: Provenance = "fitted"
    source: str = Field(min_length=1)
    """the fit, and what it was made from"""

    def maps(self) -> Iterator[tuple[str, CellMap]]:
        """Iterate over the maps that are given, by name."""
        for name in type(self).model_fields:
            if isinstance(found := getattr(self, name), CellMap):
                yield name, found

    def check(self, shape: tuple[int, int]) -> None:
        """Raise ValueError for what does not fit an array of this shape; NotImplementedError if a device lacks it."""
        raise NotImplementedError

    def placed_in(self, cells: Any) -> Any:
        """Return drawn cells with the chip's own values instead; NotImplementedError if a device lacks it."""
        raise NotImplementedError


class DeviceModel(Protocol):
    """A kind of device, chosen by `device:` in an array file; found in the entry-point group `labmtj.devices`.

    Subclass it: what a model may leave out has a default here.
    """

    states: ClassVar[tuple[str, ...]]
    """name of each state"""
    family: ClassVar[type[DescribedModel]]
    """what an array file says under `family`"""
    own_cells: ClassVar[type[OwnCells] | None] = None
    """what an array file may say under `cells`; None: nothing"""
    pulse_widths: ClassVar[PulseWidths] = ANY_WIDTH
    """for which its switching holds"""
    conduction_parameters: ClassVar[tuple[str, ...]] = ()
    """of the family: what the voltages at the cells depend on, to be known before wires relax a limit"""

    def draw(
        self, family: Any, shape: tuple[int, int], polarity: int, temperature_kelvin: float, seed: int, name: str
    ) -> CellArray:
        """Return the cells of the array `name` under `seed`: the same for the same arguments, forever.

        Raises:
            UsageError: for a shape without cells, or what the family cannot be at this temperature.
        """
        ...

    def nominal_ohms(self, family: Any) -> FloatArray:
        """Return the design resistance of a cell in each state at vanishing voltage, without its contact, (levels,)."""
        ...

    def size_metres(self, family: Any) -> float:  # noqa: ARG002
        """Return the design size of a cell, NaN if it has none."""
        return float("nan")

    def lines(self, family: Any) -> Iterator[str]:
        """Yield the lines of `labmtj check` about a family."""
        ohms = zip(self.states, self.nominal_ohms(family), strict=True)
        yield "nominal: " + ", ".join(f"{each:.4g} ohm in {name}" for name, each in ohms)

    def temperature_remark(self, kelvin: float) -> str | None:  # noqa: ARG002
        """Return what is wrong with simulating at a temperature, or None."""
        return None


def stationary(transitions: FloatArray) -> FloatArray:
    """Return how probable each state is after long under unchanged rates (levels, levels), (levels,).

    The stationary distribution of a Markov chain in continuous time: p Q = 0, sum p = 1.
    """
    rates = transitions / transitions.max()
    flow = rates.T - np.diag(rates.sum(axis=1))
    flow[-1] = 1.0
    wanted = np.zeros(len(flow))
    wanted[-1] = 1.0
    probable = np.linalg.solve(flow, wanted)
    return np.asarray(probable, float)
