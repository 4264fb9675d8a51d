"""What a Wine campaign has written and read on a station, as arrays, and the gains and biases tuned on it.

Everything is tuned on the 148 training samples; the 30 test samples are only reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from labmtj.brief import brief
from labmtj.network import Readout, forward, pairs, refit, tuning
from labmtj.quantities import ChipGroup, FloatArray
from labmtj.results import Quantity, Result
from labmtj.verbs import Data
from procedures.common.networks.record import solutions_path

SPLITS = ("train", "test", "all")


class BySplit(Result):
    """Base of results whose arrays have an axis of samples."""

    @property
    def split(self) -> Annotated[tuple[str, ...], Quantity("1", "148 tuned on, 30 only reported, all 178", ("split",))]:
        """Names of the parts of the samples."""
        return SPLITS


@brief
@dataclass(frozen=True, eq=False)
class StationRecords:
    """The records of a station, in units of the nominal conductance step."""

    labels: NDArray[np.intp]
    """(samples,)"""
    train: NDArray[np.intp]
    test: NDArray[np.intp]
    features: FloatArray
    weights: tuple[FloatArray, FloatArray]
    """ternary targets, (solutions, inputs, neurons)"""
    bits: tuple[NDArray[np.uint8], NDArray[np.uint8]]
    biases: tuple[FloatArray, FloatArray]
    products: FloatArray
    """of layer 1 as measured, over the gains that come with a solution, (solutions, samples, hidden)"""
    columns1: FloatArray
    """column currents of layer 1, (solutions, samples, columns)"""
    base: float
    """conductance of an AP cell"""
    transfer1: FloatArray
    """siemens per cell of layer 1, (solutions, inputs, columns)"""
    matrix2: FloatArray
    """layer 2 as a matrix, over those gains, (solutions, hidden, classes)"""
    predicted: NDArray[np.intp]
    """(solutions, samples) both layers measured at g = 1"""
    delta_siemens: float

    @classmethod
    def read(
        cls, data: Data, station: ChipGroup, read_volts: float, root: str = "wine", *, adapted: bool = False
    ) -> StationRecords:
        """Read the records of a station; `adapted`: bits and biases are those written, not those of the solutions."""
        table = solutions_path(station, root)
        numbers = data.read(f"{table}/number")
        is_test = data.read("dataset/is_test").astype(bool)
        delta = station.info.delta_siemens
        columns1 = data.read(f"{table}/layer1_amperes") / (delta * read_volts)
        bits, biases = _written(data, table) if adapted else _as_given(data, numbers)
        gains = [data.read(f"{table}/layer{layer}_gain")[:, np.newaxis] if adapted else 1.0 for layer in (1, 2)]
        return cls(
            data.read("dataset/label"), np.flatnonzero(~is_test), np.flatnonzero(is_test),
            data.read("dataset/features"), (pairs.difference(bits[0]), pairs.difference(bits[1])), (bits[0], bits[1]),
            (biases[0], biases[1]),
            pairs.difference(columns1) / gains[0], columns1, station.info.antiparallel_siemens / delta,
            data.read(f"{table}/layer1_transfer_siemens"),
            pairs.difference(data.read(f"{table}/layer2_transfer_siemens")) / (delta * gains[1]),
            data.read(f"{table}/predicted").astype(np.intp), delta,
        )  # fmt: skip

    def readout(self, gain: FloatArray | float, gain2: FloatArray | float | None = None) -> Readout:
        """Return the trained biases with gains."""
        return Readout.of(*self.biases, gain=gain, gain2=gain2)

    def logits(self, readout: Readout) -> FloatArray:
        """Return the logits of all samples, (solutions, samples, classes)."""
        return readout.logits(np.matmul(readout.hidden(self.products), self.matrix2))

    @cached_property
    def software_logits(self) -> FloatArray:
        """The same networks without hardware, (solutions, samples, classes)."""
        return forward.logits(self.features, self.weights[0], self.biases[0], self.weights[1], self.biases[1])

    @cached_property
    def tuned(self) -> Tuned:
        """Gains and biases found on the training samples."""
        return Tuned.of(self)

    def accuracies(self, predicted: NDArray[np.intp]) -> FloatArray:
        """Return the accuracy on the training, the test and all samples, (3, solutions)."""
        right = predicted == self.labels
        return np.array([right[:, self.train].mean(axis=1), right[:, self.test].mean(axis=1), right.mean(axis=1)])


Arrays = tuple[NDArray[Any], ...]


def _as_given(data: Data, numbers: NDArray[np.intp]) -> tuple[Arrays, Arrays]:
    """Return bits and biases of the solutions as trained, by layer."""
    bits, biases = (tuple(data.read(f"solutions/{name}{layer}")[numbers] for layer in (1, 2)) for name in "wb")
    return bits, biases


def _written(data: Data, table: str) -> tuple[Arrays, Arrays]:
    """Return bits and biases that were written in their place."""
    bits, biases = (tuple(data.read(f"{table}/layer{layer}_{name}") for layer in (1, 2)) for name in ("bits", "bias"))
    return bits, biases


@brief
@dataclass(frozen=True, eq=False)
class Tuned:
    """What tuning found."""

    curves: FloatArray
    """accuracy on the training samples, (solutions, gains)"""
    common: float
    per_layer: tuple[float, float]
    each: FloatArray
    """(solutions,)"""
    refits: dict[str, Readout]

    @classmethod
    def of(cls, records: StationRecords) -> Tuned:
        """Scan the gains and fit, on the training samples alone."""
        products, labels = records.products[:, records.train], records.labels[records.train]
        scanned = (products, records.matrix2, *records.biases, labels)
        curves = tuning.scan_common(*scanned)
        each = tuning.best_each(curves)
        start = records.readout(each)
        refits = {
            f"refit_{kind}": refit(products, records.matrix2, labels, start, kind) for kind in ("gain", "bias", "both")
        }
        return cls(curves, tuning.best_common(curves), tuning.best_layers(tuning.scan_layers(*scanned)), each, refits)
