"""Switching parameters from what the switching procedure found: conditional on its attempt time and exponent.

The procedure quotes Vc0 between the lines of a cell. What the wires leave to the junction itself follows from the
fitted network, with the other cells in the state that they were in. The two directions of a cell give one barrier and
one stray field: Delta (1 + h)^2 out of AP, Delta (1 - h)^2 out of P, Vc0 as in `labmtj.device.mtj.switching`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labmtj.arrays import ArrayDescription
from labmtj.calibration.observed import Observed
from labmtj.calibration.predict import Model
from labmtj.device.cellmap import CellMap
from labmtj.device.mtj.widths import WIDTHS
from labmtj.errors import DataError
from labmtj.quantities import FloatArray
from labmtj.reading.opening import open_recorded

NEEDED = ("cells", "stability", "stability_low", "stability_high", "critical_volts", "critical_low_volts",
          "critical_high_volts", "stability_critical_correlation")  # fmt: skip
SWITCHING_MAPS = ("critical_volts_to_parallel", "critical_volts_to_antiparallel", "thermal_stability", "stray_field")
"""of an array file"""
MOST_OF_ALL = 0.9
"""part of the cells that must have been tested for maps of their own; else the family gets what the tested ones show"""
SIGMAS = 2 * 1.96
"""from end to end of an interval of 95 %"""
ROOM_KELVIN = 300.0


@dataclass(frozen=True, eq=False)
class FittedSwitching:
    """The switching parameters of a chip, and the sentences that report them."""

    summary: str
    maps: Mapping[str, CellMap] = field(default_factory=dict)
    family: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """new values of family parameters, by name"""


def fit_switching(observed: Observed, description: ArrayDescription) -> FittedSwitching:
    """Return the switching parameters of a log; none if the switching procedure was not run.

    Raises:
        DataError: for a record of that procedure that is not complete.
    """
    with open_recorded(observed.path) as data:
        held = [
            group for group, names in data.tree().items()
            if group.startswith(f"arrays/{observed.chip}/") and {"stability", "critical_volts"} & {*names}
        ]  # fmt: skip
        if not held:
            return FittedSwitching(_not_measured(description))
        path = held[0]
        found, attributes = data.group(path), data.attributes(path)
    if missing := [name for name in NEEDED if name not in found]:
        raise DataError(f"{observed.path}: {path} has no {missing[0]}: the switching procedure did not get to its end")
    return _Switching(observed, description, found, attributes).fitted()


def _not_measured(description: ArrayDescription) -> str:
    known = description.cells is not None and any(name in SWITCHING_MAPS for name, _ in description.cells.maps())
    if known:
        return f"switching of each cell as in array file {description.name}; this run did not measure it"
    return "switching assumed: drawn from the family; `labmtj run switching --cells all` measures it"


class _Switching:
    def __init__(
        self,
        observed: Observed,
        description: ArrayDescription,
        found: Mapping[str, NDArray[Any]],
        given: Mapping[str, Any],
    ) -> None:
        self.observed, self.description, self.found, self.given = observed, description, found, given
        rows, columns = description.shape
        self.cell = found["cells"][:, 0].astype(np.intp) * columns + found["cells"][:, 1].astype(np.intp)
        if len(self.cell) and not 0 <= self.cell.min() <= self.cell.max() < rows * columns:
            raise DataError(f"{observed.path}: the switching procedure names cells that the array does not have")

    def fitted(self) -> FittedSwitching:
        """Return barrier, stray field and critical voltages, and their spread over the cells."""
        delta, root = self.found["stability"], np.sqrt(np.maximum(self.found["stability"], 0.0))
        good = (
            np.isfinite(delta).all(axis=0)
            & np.isfinite(self.found["critical_volts"]).all(axis=0)
            & (delta > 0).all(axis=0)
        )
        if good.sum() < 2:
            return FittedSwitching("switching assumed: no two cells were pulsed enough in both directions")
        stray = (root[0] - root[1]) / (root[0] + root[1])
        volts = self.found["critical_volts"] * self._delivered()
        values = {
            "thermal_stability": ((root[0] + root[1]) / 2) ** 2,
            "stray_field": stray,
            "critical_volts_to_parallel": volts[0] / (1 + stray),
            "critical_volts_to_antiparallel": volts[1] / (1 - stray),
        }
        errors = self._errors(root, volts)
        condition = (
            f"at tau0 = {self.given.get('attempt_seconds', np.nan):g} s and exponent "
            f"{self.given.get('assumed_exponent', 0)}, which are assumed"
        )
        family = {name: self._spread(name, each[good], errors[name][good], condition) for name, each in values.items()}
        family |= self._conditions()
        maps = {}
        if good.sum() >= MOST_OF_ALL * np.prod(self.description.shape):
            maps = {name: self._map(values[name], errors[name], good) for name in values}
        which = "cell by cell" if maps else "as the spread of the family: too few for maps of their own (--cells all)"
        return FittedSwitching(
            f"switching: {good.sum()} cells, {which}; Delta and Vc0 {condition}: they hold for widths that were tested"
            f"{self._law_error()}{self._short()}",
            maps, family,
        )  # fmt: skip

    def _law_error(self) -> str:
        """Return how far Delta and Vc0 may be off by the law itself, if the record holds it."""
        if "stability_model_low" not in self.found:
            return ""
        parts = [
            f"{name} {np.nanmedian(low / value - 1):+.1%} to {np.nanmedian(high / value - 1):+.1%}"
            for name, value, low, high in (
                (
                    "Delta", self.found["stability"], self.found["stability_model_low"],
                    self.found["stability_model_high"],
                ),
                (
                    "Vc0", self.found["critical_volts"], self.found["critical_model_low_volts"],
                    self.found["critical_model_high_volts"],
                ),
            )
        ]  # fmt: skip
        return f"; with the error of the law (tau0 0.3 to 1 ns, attempt rate of a macrospin) {', '.join(parts)}"

    def _short(self) -> str:
        """Return what is wrong with the shortest width tested; DataError for one below 100 ns that is not asked for."""
        shortest = float(np.min(self.found["width"])) if "width" in self.found else 1.0
        if refusal := WIDTHS.refusal(shortest, allowed=self.description.short_pulses):
            raise DataError(f"{self.observed.path}: the switching law is not fitted: {refusal}")
        problem = WIDTHS.problem(shortest)
        return f"; {problem}" if problem else ""

    def _delivered(self) -> FloatArray:
        """Return the part of the voltage between its lines that each tested junction gets, towards P and AP, (2, n)."""
        if self.given.get("voltage") == "cell":
            return np.ones((2, len(self.cell)))
        rows, columns = self.description.shape
        model, biases = Model(self.description), np.zeros((len(self.cell), rows + columns))
        number = np.arange(len(self.cell))
        volts = float(np.nanmedian(self.found["critical_volts"])) / 2
        shares = []
        for direction, state in enumerate((0, 1)):  # the other cells rest in what the tested one leaves
            towards = self.description.polarity * (1 if direction == 0 else -1) * volts
            biases[number, self.cell // columns] = towards / 2
            biases[number, rows + self.cell % columns] = -towards / 2
            point = model.solve(np.full(rows * columns, state), biases)
            shares.append(point.cell_volts[number, self.cell] / towards)
        return np.array(shares)

    def _errors(self, root: FloatArray, volts: FloatArray) -> dict[str, FloatArray]:
        """Return standard errors to first order, from the ends of the intervals; root and volts are (2, cells).

        The stray field comes from both barriers, and each critical voltage is freed from it. With u = ln Delta and
        w = ln Vc0 as measured, r the roots and h the stray field: dh = 4 k0 k1 (du0 - du1) and
        d ln Vc = dw0 - k0 (du0 - du1), where k0 = r1 / (2 (r0 + r1)); 0 and 1 change places for the other direction.
        """
        stability = (self.found["stability_high"] - self.found["stability_low"]) / SIGMAS / self.found["stability"]
        critical = (self.found["critical_high_volts"] - self.found["critical_low_volts"]) / SIGMAS
        critical = critical / self.found["critical_volts"]
        share = root[::-1] / (2 * root.sum(axis=0))
        apart = np.hypot(*stability)
        together = self.found["stability_critical_correlation"] * stability * critical
        freed = np.sqrt(np.maximum(critical**2 + (share * apart) ** 2 - 2 * share * together, 0.0))
        return {
            "thermal_stability": root.mean(axis=0) * np.hypot(*(root * stability / 2)),
            "stray_field": 4 * share[0] * share[1] * apart,
            "critical_volts_to_parallel": freed[0] * volts[0],
            "critical_volts_to_antiparallel": freed[1] * volts[1],
        }

    def _spread(self, name: str, values: FloatArray, errors: FloatArray, condition: str) -> dict[str, Any]:
        """Return median and robust spread of the tested cells, at 300 K, as a parameter of the family.

        The values scatter by the spread of the cells and by their errors: those are taken off.
        """
        scale = self.description.temperature_kelvin / ROOM_KELVIN if name == "thermal_stability" else 1.0
        low, middle, high = np.percentile(values * scale, [15.87, 50, 84.13])
        sigma = float(np.sqrt(max(((high - low) / 2) ** 2 - np.nanmean((errors * scale) ** 2), 0.0)))
        source = f"labmtj calibrate {self.observed.run}, {len(values)} cells, {condition}"
        return {
            "value": float(f"{middle:.4g}"), "sigma": float(f"{sigma:.3g}"), "relative_sigma": 0.0,
            "provenance": "fitted", "source": source,
        }  # fmt: skip

    def _conditions(self) -> dict[str, dict[str, Any]]:
        """Return what Delta and Vc0 are conditional on: a simulation that takes them must take these, too."""
        source = "assumed by the switching procedure; its Delta and Vc0 hold together with it"
        given = {
            "attempt_seconds": self.given.get("attempt_seconds"),
            "barrier_exponent": self.given.get("assumed_exponent"),
        }
        return {
            name: {"value": float(value), "provenance": "assumed", "source": source}
            for name, value in given.items()
            if isinstance(value, int | float)
        }

    def _map(self, values: FloatArray, errors: FloatArray, good: NDArray[np.bool_]) -> CellMap:
        """Return a map; a cell that is not usable has the median, with the spread of the others as its error."""
        shape = self.description.shape
        whole = np.full(shape[0] * shape[1], np.median(values[good]))
        error = np.full(whole.size, np.std(values[good]))
        whole[self.cell[good]], error[self.cell[good]] = values[good], errors[good]
        return CellMap.of(whole.reshape(shape), error.reshape(shape))
