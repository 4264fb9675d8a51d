"""The records of one station of a Wine campaign: a pair of chips of one device size, and every solution on them."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labmtj.errors import DataError
from labmtj.quantities import BoolArray, FloatArray
from labmtj.report.contents import Contents
from procedures.common.networks.samples import TRAIN, samples


class StationRecord:
    """A station by name; arrays are read when they are asked for and raise DataError if they are missing."""

    def __init__(self, contents: WineRun, name: str) -> None:
        self.contents = contents
        self.name = name
        self.group = f"wine/{name}"
        described = contents.attributes(self.group)
        chips = described.get("arrays", [])
        self.chips: list[str] = [str(chip) for chip in chips] if isinstance(chips, list) else [str(chips)]
        self.diameter_metres = _number(described.get("diameter_metres"))
        self.delta_siemens = _number(described.get("delta_siemens"))

    @property
    def number(self) -> int:
        """Number of the pair of chips among those of its size, the end of the name."""
        tail = self.name.rpartition("-")[2]
        return int(tail) if tail.isascii() and tail.isdecimal() else 0

    @cached_property
    def label(self) -> str:
        """The size, and which pair of chips if there are several."""
        size = f"{self.diameter_metres * 1e9:.3g} nm" if np.isfinite(self.diameter_metres) else self.name
        twins = [each for each in self.contents.stations if each.diameter_metres == self.diameter_metres]
        return size if len(twins) < 2 else f"{size} ({self.name})"

    @cached_property
    def count(self) -> int:
        """Solutions recorded so far."""
        path = f"{self.group}/solutions/number"
        return len(self.contents.read(path)) if self.contents.has(path) else 0

    @property
    def analysed(self) -> bool:
        """Whether gains were tuned and metrics worked out."""
        return all(
            self.contents.has(f"{self.group}/{array}")
            for array in ("accuracy/accuracy", "tuning/accuracy", "metrics/write_fidelity", "correlations/rho")
        )

    def column(self, name: str) -> NDArray[Any]:
        """Return a column of the table of solutions, (solutions, ...)."""
        return self.contents.read(f"{self.group}/solutions/{name}")

    def chip(self, layer: int) -> str:
        """Return the name of the chip that holds a layer (1 or 2).

        Raises:
            DataError: if the file does not name the chips.
        """
        if not self.chips:
            raise DataError(f"{self.group} does not name its chips")
        return self.chips[min(layer, len(self.chips)) - 1]

    def block(self, layer: int) -> tuple[slice, slice]:
        """Return the rows and columns of the cells of a layer (1 or 2)."""
        rows, columns = self.contents.read(f"solutions/w{layer}").shape[1:]
        corner = self.contents.setting("settings", f"layer{layer}_at")
        row, column = corner if isinstance(corner, list) and len(corner) == 2 else (0, 0)
        return slice(row, row + rows), slice(column, column + columns)

    @cached_property
    def fidelity(self) -> FloatArray:
        """Write fidelity over the cells of both layers, (solutions,)."""
        cells = [np.prod(self.contents.read(f"solutions/w{layer}").shape[1:]) for layer in (1, 2)]
        parts = [self.column(f"layer{layer}_fidelity") for layer in (1, 2)]
        return np.asarray(np.average(parts, axis=0, weights=cells), float)

    def errors(self, layer: int) -> BoolArray:
        """Return where the last verify read differs from the target, (solutions, rows, columns)."""
        return np.asarray(self.column(f"layer{layer}_achieved") != self.column(f"layer{layer}_target"))

    @cached_property
    def pulses(self) -> int:
        """Write pulses of all solutions, both layers."""
        return int(sum(self.column(f"layer{layer}_pulses").sum() for layer in (1, 2)))

    @cached_property
    def bench_hours(self) -> float:
        """Time on the clock of the bench for all solutions, without the characterisation."""
        return float(self.column("bench_seconds").sum() / 3600)

    # -- what the analysis found ---------------------------------------------------------------------------------------

    @property
    def known(self) -> list[tuple[str, str]]:
        """How gains were tuned and on which samples, of every accuracy that was worked out."""
        return list(self._accuracies)

    @cached_property
    def _accuracies(self) -> dict[tuple[str, str], FloatArray]:
        group = self.contents.data.group(f"{self.group}/accuracy")
        return {
            (str(variant), str(split)): group["accuracy"][i, j]
            for i, variant in enumerate(group["variant"])
            for j, split in enumerate(group["split"])
        }

    def accuracy(self, variant: str, split: str = TRAIN) -> FloatArray:
        """Return the accuracy of every solution, (solutions,), by how it was tuned and on which samples.

        Raises:
            DataError: if the analysis holds no such accuracy.
        """
        try:
            return self._accuracies[variant, split]
        except KeyError:
            raise DataError(f"{self.group}/accuracy has no {variant!r} on {split!r}") from None

    @cached_property
    def gains(self) -> dict[str, float]:
        """The g for all solutions, and one for each layer."""
        found = self.contents.attributes(f"{self.group}/tuning")
        return {name: _number(found.get(f"{name}_gain")) for name in ("common", "layer1", "layer2")}

    @cached_property
    def tuning(self) -> tuple[FloatArray, FloatArray]:
        """The gains scanned, (gains,), and the accuracy at each, (solutions, gains)."""
        path = f"{self.group}/tuning"
        return self.contents.read(f"{path}/gain"), self.contents.read(f"{path}/accuracy")

    @cached_property
    def correlations(self) -> list[tuple[str, float, float]]:
        """Candidate metrics with Spearman's rho and p, the strongest first; those without a rho at the end."""
        found = self.contents.data.group(f"{self.group}/correlations")
        rows = zip(found["metric"].tolist(), found["rho"].tolist(), found["p"].tolist(), strict=True)
        return sorted(rows, key=lambda row: -abs(row[1]) if np.isfinite(row[1]) else 1.0)

    def metric(self, name: str) -> FloatArray:
        """Return a candidate metric of every solution, (solutions,)."""
        return self.contents.read(f"{self.group}/metrics/{name}")

    @cached_property
    def typical(self) -> int:
        """Index of the solution closest to the median accuracy at the common g; unanalysed, median fidelity."""
        values = self.accuracy("common") if self.analysed else self.fidelity
        return int(np.argmin(np.abs(values - np.median(values))))


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


class WineRun(Contents):
    """The data file of a campaign, by its stations."""

    @cached_property
    def samples(self) -> dict[str, str]:
        """What the samples of each split are called."""
        return samples(self)

    @cached_property
    def planned(self) -> int:
        """How many solutions were to be written to each pair of chips; what was written if the file does not say."""
        written = max((station.count for station in self.stations), default=0)
        return len(self.read("solutions/b1")) if self.has("solutions/b1") else written

    @cached_property
    def stations(self) -> list[StationRecord]:
        """The stations by device diameter."""
        names = [
            group.split("/")[1] for group in self.tree if group.startswith("wine/") and group.endswith("/solutions")
        ]
        found = [StationRecord(self, name) for name in names]
        return sorted(found, key=lambda each: (each.number, _sortable(each.diameter_metres), each.name))

    @property
    def shown(self) -> list[StationRecord]:
        """The stations that get a chapter of their own: the first eight with records, first pairs of chips first."""
        return [station for station in self.stations if station.count][:8]

    @property
    def analysed(self) -> list[StationRecord]:
        """The stations whose accuracies were worked out."""
        return [station for station in self.stations if station.analysed]


def _sortable(value: float) -> float:
    return value if math.isfinite(value) else math.inf
