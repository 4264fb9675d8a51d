"""A classifier's two layers on crossbars: what `CrossbarPerceptron` writes to and multiplies with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labmtj.errors import UsageError
from labmtj.network import Block
from labmtj.quantities import FloatArray
from labmtj.verbs import Crossbar
from procedures.common.amplitude import AmplitudeSettings, scan_amplitudes
from procedures.common.infer import InferSettings, Multiplier, column_range, pair_difference
from procedures.common.reference import ReferenceMaps, ReferenceSettings, reference_maps
from procedures.common.write import StateMap, WriteResult, WriteSettings, write_matrix

Corner = tuple[int, int]


@dataclass
class _Chip:
    """A characterised array and what was last written to it."""

    crossbar: Crossbar
    reference: ReferenceMaps
    write: WriteSettings
    holds: int = 0
    """the layer that it holds, 0 = none"""
    state: StateMap | None = None
    """(rows, columns) as last verified"""
    baseline: FloatArray | None = None
    """currents of the layer's columns at zero input, (columns,)"""


class CrossbarHardware:
    """Layers 1 and 2 on two crossbars, or in turn on one; a `labmtj.network.Hardware`.

    Arrays are characterised when they are first written to. On one array a layer is written again whenever it is asked
    for and the other one is there: with many products in turn, that wears the array.

    Args:
        crossbars: one, or one for each layer.
        delta_siemens: nominal conductance step of a cell, the unit of the products.
        corners: row and column of the first cell of either layer.
        reference, write, infer: settings of the procedures.
        amplitude: how to scan for write amplitudes; None takes those of `write`.
        delivered: fraction of the source voltage that reaches each cell, for the write method "compensated".

    Raises:
        UsageError: for another number of crossbars, a step that is not positive, or a corner outside.
    """

    def __init__(
        self,
        crossbars: Sequence[Crossbar],
        delta_siemens: float,
        *,
        corners: tuple[Corner, Corner] = ((0, 0), (0, 0)),
        reference: ReferenceSettings | None = None,
        amplitude: AmplitudeSettings | None = None,
        write: WriteSettings | None = None,
        infer: InferSettings | None = None,
        delivered: FloatArray | None = None,
    ) -> None:
        if len(crossbars) not in (1, 2):
            raise UsageError(f"two layers need one crossbar or two; got {len(crossbars)}")
        if not 0 < delta_siemens < np.inf:
            raise UsageError(f"delta_siemens = {delta_siemens} must be a positive conductance")
        self.delta_siemens, self.corners = delta_siemens, corners
        self.results: dict[int, WriteResult] = {}
        """of the last write of each layer"""
        self._crossbars = (crossbars[0], crossbars[-1])
        for layer, corner in enumerate(corners):
            Block(*corner, 1, 2).check(self._crossbars[layer].shape)
        self._reference = ReferenceSettings() if reference is None else reference
        self._amplitude, self._delivered = amplitude, delivered
        self._write = WriteSettings() if write is None else write
        self._infer = InferSettings() if infer is None else infer
        self._chips: dict[int, _Chip] = {}
        self._bits: dict[int, NDArray[np.uint8]] = {}

    @property
    def max_shapes(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Largest (rows, columns) of bits of layer 1 and of layer 2."""
        first, second = (
            (crossbar.shape[0] - row, crossbar.shape[1] - column)
            for crossbar, (row, column) in zip(self._crossbars, self.corners, strict=True)
        )
        return first, second

    def write(self, layer: int, bits: NDArray[Any]) -> None:
        """Write and verify bits (inputs, 2 * neurons), 1 = P, columns + - + - ...; the outcome is in `results`."""
        self._bits[layer] = np.array(bits, np.uint8)
        chip, block = self._chip(layer), self._block(layer)
        cells = block.place(np.ones((block.rows, block.columns)), chip.crossbar.shape)
        result = write_matrix(
            chip.crossbar, block.place(self._bits[layer], chip.crossbar.shape), chip.reference, chip.write,
            known=chip.state, addressed=cells, delivered=self._delivered,
        )  # fmt: skip
        self.results[layer] = result
        chip.holds, chip.state = layer, result.achieved
        chip.baseline = self._multiplier(layer).baseline()

    def multiply(self, layer: int, inputs: FloatArray) -> FloatArray:
        """Return pair differences (samples, neurons) in units of dG * V_read of inputs (samples, inputs) in [-1, 1].

        Raises UsageError for a layer that was never written.
        """
        if layer not in self._bits:
            raise UsageError(f"layer {layer} was not written yet; write it before multiplying with it")
        if self._chip(layer).holds != layer:
            self.write(layer, self._bits[layer])
        baseline = self._chip(layer).baseline
        assert baseline is not None, "a chip that holds a layer has its baseline"
        amperes = self._multiplier(layer).multiply(np.asarray(inputs, float), baseline)
        return pair_difference(amperes, self._infer.read_volts, self.delta_siemens)

    def _block(self, layer: int) -> Block:
        rows, columns = self._bits[layer].shape
        return Block(*self.corners[layer - 1], rows, columns)

    def _multiplier(self, layer: int) -> Multiplier:
        chip, block = self._chip(layer), self._block(layer)
        largest = column_range(chip.reference, block, self._infer.read_volts)
        return Multiplier(chip.crossbar, block, self._infer, largest)

    def _chip(self, layer: int) -> _Chip:
        """Return the array of a layer, characterised if it is the first time."""
        crossbar = self._crossbars[layer - 1]
        if id(crossbar) not in self._chips:
            self._chips[id(crossbar)] = self._characterise(crossbar)
        return self._chips[id(crossbar)]

    def _characterise(self, crossbar: Crossbar) -> _Chip:
        reference, write = reference_maps(crossbar, self._reference), self._write
        if self._amplitude is not None:
            scan = scan_amplitudes(crossbar, reference, self._reference, write, self._amplitude)
            volts = {"parallel_volts": scan.parallel_volts, "antiparallel_volts": scan.antiparallel_volts}
            write = write.model_copy(update=volts)
        return _Chip(crossbar, reference, write)
