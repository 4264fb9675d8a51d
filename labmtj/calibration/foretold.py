"""What the network on a chip would have computed had the chip been its twin, in the very states that were written.

The records of every solution are predicted from the states at their last verify read, and go through the analysis of
the campaign itself: what comes out differs from the log by what the twin's currents differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labmtj.arrays import ArrayDescription
from labmtj.calibration.predict import Model
from labmtj.errors import DataError
from labmtj.perceptron import network, pairs
from labmtj.quantities import BoolArray, FloatArray, Station
from labmtj.record import DataFile, MemoryLog
from labmtj.run.experiment import Experiment

Accuracies = Mapping[tuple[str, str], FloatArray]
"""(solutions,) by how gains were chosen and on which samples"""


class Foretold:
    """The data of a run with other values at some paths."""

    def __init__(self, data: DataFile, values: Mapping[str, NDArray[Any]]) -> None:
        self._data, self._values = data, values

    def read(self, path: str) -> NDArray[Any]:
        """Return what is foretold at the path, or what the file holds."""
        return self._values[path] if path in self._values else self._data.read(path)

    def group(self, path: str) -> dict[str, NDArray[Any]]:
        """Return the arrays of a group, by name."""
        return {name: self.read(f"{path}/{name}") for name in self._data.group(path)}

    def attributes(self, path: str = "") -> dict[str, Any]:
        """Return the attributes of a group."""
        return self._data.attributes(path)

    def tree(self) -> dict[str, list[str]]:
        """Return the names of the arrays of every group."""
        return self._data.tree()


def measured_accuracies(data: DataFile, station: str) -> Accuracies:
    """Return what the analysis of a run found; nothing for a station that is no Wine campaign's, or not analysed."""
    path = f"wine/{station}/accuracy"
    return _table(data.group(path)) if path in data.tree() else {}


def foretold_accuracies(
    experiment: Experiment, station: Station, data: DataFile, chips: Mapping[str, ArrayDescription]
) -> Accuracies:
    """Return the accuracies that the twins of a station's chips give in the states that were written."""
    path = f"wine/{station.name}/solutions"
    if path not in data.tree() or not len(data.read(f"{path}/number")):
        return {}
    values = _Solutions(experiment, station, data, chips).values()
    log = MemoryLog()
    experiment.campaign.conclude(station, Foretold(data, values), log)
    return _table(log.read(f"wine/{station.name}/accuracy"))


def _table(group: Mapping[str, NDArray[Any]]) -> Accuracies:
    return {
        (str(variant), str(split)): group["accuracy"][i, j]
        for i, variant in enumerate(group["variant"])
        for j, split in enumerate(group["split"])
    }


class _Solutions:
    """The table of solutions of a station as its twins would have filled it."""

    def __init__(
        self, experiment: Experiment, station: Station, data: DataFile, chips: Mapping[str, ArrayDescription]
    ) -> None:
        self.data, self.path, self.station = data, f"wine/{station.name}/solutions", station
        settings = experiment.settings.model_dump(mode="json")
        self.corners = [tuple(settings.get(f"layer{layer}_at", (0, 0))) for layer in (1, 2)]
        self.read_volts = float(settings["infer"]["read_volts"])
        self.modes = data.attributes(f"wine/{station.name}")
        names = station.arrays
        if missing := [name for name in names if name not in chips]:
            raise DataError(f"{data.path}: there is no twin of chip {missing[0]}")
        models = {name: Model(chips[name]) for name in names}
        self.models = [models[names[min(layer, len(names) - 1)]] for layer in (0, 1)]
        self.features = data.read("dataset/features")

    def values(self) -> dict[str, NDArray[Any]]:
        """Return columns by path."""
        number = self.data.read(f"{self.path}/number")
        biases = [self.data.read(f"solutions/b{layer}")[number] for layer in (1, 2)]
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
        columns: dict[str, NDArray[Any]] = {"predicted": network.predictions(logits)}
        for layer in (0, 1):
            columns[f"layer{layer + 1}_transfer_siemens"] = transfer[layer]
            columns[f"layer{layer + 1}_amperes"] = amperes[layer]
        return {f"{self.path}/{name}": column for name, column in columns.items()}

    def _states(self, layer: int) -> BoolArray:
        achieved = self.data.read(f"{self.path}/layer{layer + 1}_achieved").astype(bool)
        return np.asarray(achieved.reshape(len(achieved), -1), bool)

    def _block(self, layer: int) -> tuple[slice, slice]:
        rows, columns = self.data.read(f"solutions/w{layer + 1}").shape[1:]
        row, column = self.corners[layer]
        return slice(row, row + rows), slice(column, column + columns)

    def _columns(self, layer: int, state: BoolArray, row_volts: FloatArray) -> FloatArray:
        """Return the currents out of the block's columns at volts on its rows, (batch, rows)."""
        rows, columns = self._block(layer)
        model = self.models[layer]
        shape = model.description.shape
        volts = np.zeros((len(row_volts), sum(shape)))
        volts[:, rows] = row_volts
        out = -model.solve(state, volts).line_amperes[:, shape[0] :]
        return np.asarray(out[:, columns], float)

    def _transfer(self, layer: int, state: BoolArray) -> FloatArray:
        rows, _ = self._block(layer)
        return self._columns(layer, state, self.read_volts * np.eye(rows.stop - rows.start)) / self.read_volts

    def _amperes(self, layer: int, state: BoolArray, inputs: FloatArray, transfer: FloatArray) -> FloatArray:
        if self.modes.get(f"layer{layer + 1}_mode") == "simultaneous":
            return self._columns(layer, state, self.read_volts * inputs)
        return np.asarray(inputs @ transfer * self.read_volts, float)
