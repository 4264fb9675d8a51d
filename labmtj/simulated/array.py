"""The physics of one array in time: network, cells, and the hazard that flips them.

A cell flips when its integrated hazard (the time integral of its switching rate) passes an Exp(1) number that depends
on seed, array, cell and flip count alone. Between two flips every voltage is constant, so the time of the next flip is
known and nothing is stepped: sub-steps, batches and transports cannot change the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from labmtj.circuit import OperatingPoint, PortState, Wires, operating_point, response_of
from labmtj.device import CellArray, Conduction, StateArray
from labmtj.device.model import stationary
from labmtj.quantities import BoolArray, FloatArray
from labmtj.simulated.noise import Stretch
from labmtj.streams import Draws

TOGGLES_PER_HOLD = 64
"""a cell that flips more often than this under one constant bias is toggling faster than anything can follow"""
FLIPS_PER_FACTORISATION = 500
"""rank-1 updates before the network is factorised anew; 1e4 leave 6e-15 relative error: it is snapshots that count"""
SLOWEST_RATE = 1e-300
"""1/s; stands for never, where a rate of zero would divide"""
SETTLED_VOLTS = 1e-6
"""a solve ends when another pass would move no cell as far; what is left changes a switching rate by less than 1e-4,
and a read, whose cells are nearly linear, by less than 1e-7 of its value"""
_CHANGING = ("state", "flips", "hazard", "stress", "broken")


class Solution(Protocol):
    """The values of a solved network that are needed to advance time."""

    @property
    def cell_volts(self) -> FloatArray:
        """Across the junctions, (cells,)."""

    @property
    def line_volts(self) -> FloatArray:
        """At the pads, (lines,)."""

    @property
    def line_amperes(self) -> FloatArray:
        """Into the array, (lines,)."""


Point = TypeVar("Point", bound=Solution)


class SimulatedArray:
    """One array: wires and cells, and everything about them that changes.

    Args:
        wires: resistances of the lines.
        cells: their fixed properties.
        seed: of the run.
        name: of the array; seed and name name every random number.
        line_amperes: compliance of the sources.
    """

    state: StateArray
    """(cells,) of each, 0 to levels - 1"""
    flips: NDArray[np.int64]
    """(cells,) how often each has flipped"""
    hazard: FloatArray
    """(cells,) time integral of the switching rate since the last flip"""
    stress: FloatArray
    """(cells,) breakdown stress so far"""
    broken: BoolArray
    """(cells,) broken down into a short"""
    revision = 0
    """counts the changes of the network: while it stays, a solution stays true"""

    def __init__(self, wires: Wires, cells: CellArray, seed: int, name: str, line_amperes: float) -> None:
        self.wires, self.name, self.line_amperes = wires, name, line_amperes
        self._response = response_of(wires)
        self._pristine, count = cells, cells.cells
        self._thresholds = Draws("exponential", count, seed, "hazard", name)
        self._cycles = Draws("normal", count, seed, "cycle", name)
        self._targets = Draws("uniform", count, seed, "target", name)
        self.restore(
            {
                "state": np.zeros(count, np.int8),
                "flips": np.zeros(count, np.int64),
                "hazard": np.zeros(count),
                "stress": np.zeros(count),
                "broken": np.zeros(count, bool),
            }
        )

    # -- state -------------------------------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """Return everything that changes, as arrays: states, flip counts, hazard, stress.

        The network is not part of it, but how it came about is: the resistances it was factorised with and the changes
        since. A restored array repeats them, and so goes on from the same bits.
        """
        changes = np.array(self._changes, float).reshape(-1, 2)
        network = {"factorised_ohms": self._factorised_ohms.copy(), "changes": changes}
        energy = {"energy_joules": self.energy_joules}
        return {name: getattr(self, name).copy() for name in _CHANGING} | network | energy

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go back to a snapshot of this array (same wires, cells, seed and name)."""
        for name in _CHANGING:
            setattr(self, name, np.array(snapshot[name]))
        self.state = self.state.astype(np.int8)  # runs of before devices had levels kept whether a cell was in P
        self.revision += 1
        self.energy_joules = float(snapshot.get("energy_joules", 0.0))
        """what the sources have put into the array"""
        broken = np.flatnonzero(self.broken)
        self.cells = self._pristine.broken(broken) if len(broken) else self._pristine
        numbers = range(len(self.state))
        self._limit = np.array([self._thresholds.at(int(self.flips[k]), k) for k in numbers])
        factors = np.array([self._cycle_factor(k) for k in numbers])
        self._conduction = self.cells.conduction(self.state, factors)
        self._law = self.cells.switching(self.state)
        self._cached_rest_rates: FloatArray | None = None
        self._ports: PortState | None = None
        self._factorised_ohms = np.array(snapshot.get("factorised_ohms", ()))
        self._changes = [(int(cell), float(ohms)) for cell, ohms in snapshot.get("changes", ())]
        if len(self._factorised_ohms):
            self._ports = PortState(self._response, self._factorised_ohms)
            for cell, ohms in self._changes:
                self._ports.flip(cell, ohms)
            if not np.array_equal(self._ports.cell_ohms, self._conduction.zero_bias_ohms):
                self._ports = None  # the states of the snapshot were edited

    def _cycle_factor(self, cell: int) -> float:
        return float(np.exp(self.cells.cycle_to_cycle * self._cycles.at(int(self.flips[cell]), cell)))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.wires.shape

    @property
    def ports(self) -> PortState:
        """The network linearised at zero bias, in the present state."""
        if self._ports is None or len(self._changes) > FLIPS_PER_FACTORISATION:
            self._factorised_ohms, self._changes = self._conduction.zero_bias_ohms, []
            self._ports = PortState(self._response, self._factorised_ohms)
        return self._ports

    @property
    def conduction(self) -> Conduction:
        """What every cell carries at a voltage, in the present state."""
        return self._conduction

    # -- time --------------------------------------------------------------------------------------------------------

    @property
    def _rest_rates(self) -> FloatArray:
        """Switching rates at zero bias, (cells,): retention is hazard too."""
        if self._cached_rest_rates is None:
            self._cached_rest_rates = self._law.rates(np.zeros(len(self.state)))
        return self._cached_rest_rates

    def rest(self, seconds: float) -> None:
        """Let the array lie at zero bias."""
        if seconds <= 0:
            return
        after = self.hazard + self._rest_rates * seconds
        if (after < self._limit).all():
            self.hazard = after
        else:
            self.hold_through(np.zeros(sum(self.shape)), seconds)

    def hold(
        self, line_volts: FloatArray, seconds: float, aperture_from: float = 0.0, rest_seconds: float = 0.0
    ) -> tuple[OperatingPoint, list[Stretch]]:
        """Hold biases one after another; return what the terminals saw, and how the array was during each part of it.

        Args:
            line_volts: (batch, lines), NaN = floating.
            seconds: how long each is held.
            aperture_from: seconds after which the currents count.
            rest_seconds: how long the array lies at zero bias after each.
        """
        held = self._solve(line_volts)
        first, states = 0, []
        while first < len(line_volts):
            quiet, broke = self._advance_quietly(held.cell_volts[first:], seconds, rest_seconds)
            states.append(self.stretch(slice(first, first + quiet)))
            done = slice(first, first + quiet)
            energies = (held.line_volts[done] * held.line_amperes[done]).sum(axis=1) * seconds
            # one after another, so that the sum has the same bits in any batch
            self.energy_joules = float(np.add.accumulate(np.append(self.energy_joules, energies))[-1])
            first += quiet
            if first < len(line_volts) and not broke:
                start = held.cell_volts[first]
                _replace(held, first, self.hold_through(line_volts[first], seconds, aperture_from, start))
                self.rest(rest_seconds)
                states.append(self.stretch(slice(first, first + 1)))
                first += 1
            if first < len(line_volts):
                _replace(held, slice(first, None), self._solve(line_volts[first:]))
        return held, states

    def stretch(self, part: slice) -> Stretch:
        """Return how the array is now, as that of a part of a batch."""
        cells, ports = self.cells.telegraph.cells, self.ports
        return Stretch(part, self.state.copy(), ports.transfer.T[:, cells] * ports.cell_ohms[cells])

    def _advance_quietly(self, cell_volts: FloatArray, seconds: float, rest_seconds: float) -> tuple[int, bool]:
        """Add the hazard of biases up to the first in which a cell flips; return how many, and whether a cell broke."""
        steps = self._law.rates(cell_volts) * seconds + self._rest_rates * rest_seconds
        course = np.add.accumulate(np.concatenate([self.hazard[np.newaxis], steps]))
        crossing = (course[1:] >= self._limit).any(axis=1)
        quiet = int(np.argmax(crossing)) if crossing.any() else len(cell_volts)
        worn = self._wear(cell_volts[:quiet], seconds)
        quiet = quiet if worn is None else worn
        self.hazard = course[quiet]
        return quiet, worn is not None

    def hold_through(
        self, line_volts: FloatArray, seconds: float, aperture_from: float = 0.0, start: FloatArray | None = None
    ) -> OperatingPoint:
        """Hold one bias (lines,) from flip to flip; `start` are cell volts near the solution."""
        charge, limited = np.zeros(len(line_volts)), np.zeros(len(line_volts), bool)
        harmless = self._pristine.wear is not None and np.ptp(line_volts) < self._pristine.wear.harmless_volts
        for point, begin, end in self.course(partial(self._solve, line_volts), seconds, start, wearing=not harmless):
            limited |= point.limited
            charge += point.line_amperes * max(0.0, end - max(begin, aperture_from))
        counted = seconds - aperture_from
        mean = charge / counted if counted > 0 else point.line_amperes  # a step may have no width
        return point._replace(line_amperes=mean, limited=limited)

    def course(
        self,
        solve: Callable[[FloatArray | None], Point],
        seconds: float,
        start: FloatArray | None = None,
        *,
        wearing: bool = True,
    ) -> Iterator[tuple[Point, float, float]]:
        """Live through `seconds` of unchanged terminals; yield what they saw from flip to flip, with begin and end.

        Each piece has passed when it is yielded, its flip included. Take all of them: the rest has not been lived.

        Args:
            solve: returns the solution in the present state, from cell volts near it (None = none are known).
            seconds: zero or more; there is at least one piece, which may have no width.
            start: cell volts near the first solution.
            wearing: False if no cell can come near breakdown.
        """
        now = 0.0
        flips_before = self.flips.copy()
        toggling: list[int] = []
        wearing = wearing and self._pristine.wear is not None
        while True:
            point = solve(start)
            rates = self._law.rates(point.cell_volts)
            if toggling:
                rates[toggling] = 0.0
            waits = (self._limit - self.hazard) / np.maximum(rates, SLOWEST_RATE)
            cell = int(waits.argmin())
            wait = max(float(waits[cell]), 0.0)
            end = min(now + wait, seconds)
            self.energy_joules += float(point.line_volts @ point.line_amperes) * (end - now)
            self.hazard += rates * (end - now)
            if wearing:
                self._wear(point.cell_volts[np.newaxis], end - now)
            last = now + wait >= seconds
            if not last:
                self._flip(cell, self._next_state(cell, float(point.cell_volts[cell])))
                if self.flips[cell] - flips_before[cell] > TOGGLES_PER_HOLD:
                    toggling.append(cell)
                    self._settle_toggling(cell, float(point.cell_volts[cell]))
            yield point, now, end
            if last:
                return
            now, start = end, point.cell_volts

    def _solve(self, line_volts: FloatArray, start: FloatArray | None = None) -> OperatingPoint:
        return operating_point(
            self.ports,
            line_volts,
            self._conduction.amperes,
            cell_siemens=self._conduction.differential_siemens,
            start_volts=start,
            line_amperes=self.line_amperes,
            tolerance_volts=SETTLED_VOLTS,
        )

    def _next_state(self, cell: int, volts: float) -> int:
        """Return where a cell goes that leaves its state: of several with the weight of each one's rate."""
        state = int(self.state[cell])
        if self.cells.levels == 2:
            return 1 - state
        reached = np.add.accumulate(self._law.transitions(cell, volts)[state])
        return int(np.searchsorted(reached, self._targets.at(int(self.flips[cell]), cell) * reached[-1], side="right"))

    def _flip(self, cell: int, state: int) -> None:
        self.state[cell] = state
        self.flips[cell] += 1
        self.hazard[cell] = 0.0
        self._limit[cell] = self._thresholds.at(int(self.flips[cell]), cell)
        self._conduction.set_cell(cell, state, self._cycle_factor(cell))
        self._law.set_cell(cell, state)
        self._changed(cell)

    def _changed(self, cell: int) -> None:
        self.revision += 1
        self._cached_rest_rates = None
        if self._ports is not None:
            ohms = float(self._conduction.zero_bias_ohms[cell])
            self._ports.flip(cell, ohms)
            self._changes.append((cell, ohms))

    def _settle_toggling(self, cell: int, volts: float) -> None:
        """Leave a cell that flips back and forth in the state it would be found in, with the weight of each."""
        probable, state = stationary(self._law.transitions(cell, volts)), int(self.state[cell])
        others = [each for each in range(len(probable)) if each != state]
        reached = np.add.accumulate(probable[others])
        drawn = float(np.exp(-self._limit[cell]))  # of an Exp(1) number: uniform
        if (found := int(np.searchsorted(reached, drawn, side="right"))) < len(others):
            self._flip(cell, others[found])

    def _wear(self, cell_volts: FloatArray, seconds: float) -> int | None:
        """Add the breakdown stress of biases; return how many were held when a cell broke, or None.

        A cell that breaks does so at the end of the hold in which its stress passes the limit.
        """
        wear = self.cells.wear
        if wear is None or np.abs(cell_volts).max(initial=0.0) < wear.harmless_volts:
            return None
        course = np.add.accumulate(np.concatenate([self.stress[np.newaxis], wear.stress_rates(cell_volts) * seconds]))
        failing = (course[1:] >= wear.stress_limit) & self._pristine.is_free & ~self.broken
        if not failing.any():
            self.stress = course[-1]
            return None
        held = int(np.argmax(failing.any(axis=1))) + 1
        self.stress = course[held]
        self.broken |= failing[held - 1]
        # a broken cell conducts by another law
        self.restore({name: getattr(self, name) for name in (*_CHANGING, "energy_joules")})
        return held


def _replace(whole: OperatingPoint, where: int | slice, part: OperatingPoint) -> None:
    """Replace some solutions of a batch."""
    for array, values in zip(whole, part, strict=True):
        array[where] = values
