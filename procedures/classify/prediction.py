"""The table of solutions of a station as the twins of its chips would have filled it, in the states written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labmtj.network import forward, pairs
from labmtj.quantities import BoolArray, ChipGroup, FloatArray
from labmtj.report.contents import Contents
from labmtj.report.predictions import ChipModel


class PredictedSolutions:
    """Currents, transfer matrices and classes from the states at the last verify read of every solution."""

    def __init__(
        self, contents: Contents, settings: Mapping[str, Any], station: ChipGroup, models: Mapping[str, ChipModel]
    ) -> None:
        self.contents, self.path, self.station = contents, f"wine/{station.name}/solutions", station
        self.corners = [tuple(settings.get(f"layer{layer}_at", (0, 0))) for layer in (1, 2)]
        self.read_volts = float(settings["infer"]["read_volts"])
        self.modes = contents.attributes(f"wine/{station.name}")
        names = station.arrays
        self.models = [models[names[min(layer, len(names) - 1)]] for layer in (0, 1)]
        self.features = contents.read("dataset/features")

    def values(self) -> dict[str, NDArray[Any]]:
        """Return columns by path."""
        number = self.contents.read(f"{self.path}/number")
        biases = [self.contents.read(f"solutions/b{layer}")[number] for layer in (1, 2)]
        transfer = [np.stack([self._transfer(layer, state) for state in self._states(layer)]) for layer in (0, 1)]
        inputs = np.clip(self.features, -1, 1)
        amperes = [
            np.stack(
                [self._amperes(0, state, inputs, one) for state, one in zip(self._states(0), transfer[0], strict=True)]
            )
        ]
        unit = self.station.info.delta_siemens * self.read_volts
        hidden = np.tanh(pairs.difference(amperes[0]) / unit + biases[0][:, np.newaxis])
        amperes.append(
            np.stack([self._amperes(1, *each) for each in zip(self._states(1), hidden, transfer[1], strict=True)])
        )
        logits = pairs.difference(amperes[1]) / unit + biases[1][:, np.newaxis]
        columns: dict[str, NDArray[Any]] = {"predicted": forward.predictions(logits)}
        for layer in (0, 1):
            columns[f"layer{layer + 1}_transfer_siemens"] = transfer[layer]
            columns[f"layer{layer + 1}_amperes"] = amperes[layer]
        return {f"{self.path}/{name}": column for name, column in columns.items()}

    def _states(self, layer: int) -> BoolArray:
        achieved = self.contents.read(f"{self.path}/layer{layer + 1}_achieved").astype(bool)
        return np.asarray(achieved.reshape(len(achieved), -1), bool)

    def _block(self, layer: int) -> tuple[slice, slice]:
        rows, columns = self.contents.read(f"solutions/w{layer + 1}").shape[1:]
        row, column = self.corners[layer]
        return slice(row, row + rows), slice(column, column + columns)

    def _columns(self, layer: int, state: BoolArray, row_volts: FloatArray) -> FloatArray:
        """Return the currents out of the block's columns at volts on its rows, (batch, rows)."""
        rows, columns = self._block(layer)
        shape = self.models[layer].shape
        volts = np.zeros((len(row_volts), sum(shape)))
        volts[:, rows] = row_volts
        out = -self.models[layer].line_amperes(state, volts)[:, shape[0] :]
        return np.asarray(out[:, columns], float)

    def _transfer(self, layer: int, state: BoolArray) -> FloatArray:
        rows, _ = self._block(layer)
        return self._columns(layer, state, self.read_volts * np.eye(rows.stop - rows.start)) / self.read_volts

    def _amperes(self, layer: int, state: BoolArray, inputs: FloatArray, transfer: FloatArray) -> FloatArray:
        if self.modes.get(f"layer{layer + 1}_mode") == "simultaneous":
            return self._columns(layer, state, self.read_volts * inputs)
        return np.asarray(inputs @ transfer * self.read_volts, float)
