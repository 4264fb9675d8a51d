"""The reference campaign: solutions of a two-layer perceptron for Wine, written to arrays of several device sizes.

Each device size has a pair of chips, one per layer (or one chip used in turn), rewritten with solution after solution.
Block 0 of a station characterises its chips; block k writes solution k - 1, reads it as a network and records all.
What the tuning of gains and biases makes of the records is in `procedures/wine_analysis.py`; it needs no array.
"""

from __future__ import annotations

import collections.abc
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from labmtj import library
from labmtj.errors import ConfigError, SettingError, UsageError
from labmtj.perceptron import Block, Mapping, Solutions, Wine, load_wine, network
from labmtj.quantities import ArrayInfo, BoolArray, FloatArray, Station
from labmtj.schema import Purpose
from labmtj.verbs import Crossbar, Data, Log
from procedures import wine_analysis
from procedures import wine_record as record
from procedures.amplitude import AmplitudeSettings
from procedures.characterisation import characterise, read_again
from procedures.infer import InferSettings, Multiplier, column_range, pair_difference, way_of
from procedures.reference import ReferenceMaps, ReferenceSettings
from procedures.write import WriteResult, WriteSettings, write_matrix

_Place = Annotated[int, Field(ge=0)]
Corner = Annotated[tuple[_Place, _Place], Field(strict=False)]
"""YAML has lists only"""
Memory = dict[str, Any]
Crossbars = collections.abc.Mapping[str, Crossbar]


class WineCampaign(BaseModel):
    """Settings of the campaign."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)

    solutions: str = Field(
        "wine-300.npz", description="file of trained solutions (.npz), or one that comes with labmtj"
    )
    count: int | None = Field(None, ge=1, description="how many of them, default all")
    sizes: list[str] | None = Field(None, description="names of the device families to use, default all of the bench")
    chips: int = Field(1, ge=1, le=1000, description="pairs of chips per device size")
    mapping: Literal["auto", "two_arrays", "sequential"] = Field(
        "auto",
        description="one chip per layer (two_arrays), or one chip in turn (sequential); auto: in turn on a bench that "
        "holds one chip",
    )
    layer1_at: Corner = Field((0, 0), description="row and column of the first cell of layer 1")
    layer2_at: Corner = Field((0, 0), description="row and column of the first cell of layer 2")
    reference: ReferenceSettings = ReferenceSettings()
    amplitude: AmplitudeSettings | None = Field(
        AmplitudeSettings(),
        description="scan for the write amplitudes; null takes those of `write`",
    )
    write: WriteSettings = WriteSettings()
    infer: InferSettings = InferSettings()

    @field_validator("solutions")
    @classmethod
    def _found(cls, name: str, info: ValidationInfo) -> str:
        """Look beside the file that names it, too, and keep the whole path: a run is resumed from any folder."""
        try:
            path = library.find(name, "solutions", (info.context or {}).get("beside"))
        except ConfigError as error:
            raise ValueError(str(error)) from None
        return name if path.is_relative_to(library.folder()) else str(path.resolve())

    # -- plan --------------------------------------------------------------------------------------------------------

    def load(self) -> Solutions:
        """Return the solutions to write; raise ConfigError or DataError naming the file."""
        solutions = _load(library.find(self.solutions, "solutions"))
        if self.count is not None and self.count > len(solutions):
            raise SettingError(
                ("count",), f"{self.solutions} holds {len(solutions)} solutions; {self.count} are asked for"
            )
        return solutions[: self.count]

    def blocks(self) -> int:
        """Return the number of blocks of every station: one to characterise, one per solution."""
        return 1 + len(self.load())

    def stations(self, arrays: Sequence[ArrayInfo]) -> list[Station]:
        """Return the stations for the bench's device families: per family and number, the chips for both layers."""
        known = [array.name for array in arrays]
        wanted = known if self.sizes is None else self.sizes
        if missing := [name for name in wanted if name not in known]:
            raise SettingError(("sizes",), f"the bench has no array {missing[0]!r}; it has {', '.join(known)}")
        return [
            Station(f"{array.name}-{number}", tuple(f"{array.name}-{number}{it}" for it in self._letters(array)), array)
            for number in range(self.chips)
            for array in arrays
            if array.name in wanted
        ]

    def _letters(self, array: ArrayInfo) -> tuple[str, ...]:
        """Return the letters of the chips of a station."""
        in_turn = self.mapping == "sequential" or (self.mapping == "auto" and array.chips == 1)
        return ("a",) if in_turn else ("a", "b")

    def prepare(self, stations: Sequence[Station], log: Log) -> None:
        """Check that everything fits and describe the tables, before the first volt."""
        solutions, wine = self.load(), load_wine()
        for kind, found, wanted in (
            ("inputs", solutions.inputs, wine.features.shape[1]),
            ("outputs", solutions.outputs, len(np.unique(wine.classes))),
        ):  # fmt: skip
            if found != wanted:
                raise SettingError(
                    ("solutions",),
                    f"the networks of {self.solutions} have {found} {kind}; Wine needs {wanted}: take another file",
                )
        if (idle := np.flatnonzero(~solutions.effective1.any(axis=(1, 2)))).size:
            raise SettingError(
                ("solutions",),
                f"solution {idle[0]} of {self.solutions} has only zero weights in layer 1 and computes nothing",
            )
        for station in stations:
            self._check_places(solutions, station)
            self._check_limits(station.info)
        record.describe(log, stations, solutions, wine)

    def _check_places(self, solutions: Solutions, station: Station) -> None:
        shape, name = station.info.shape, station.info.name
        for layer, block in enumerate(self.places(solutions, station).blocks, 1):
            key = f"layer{layer}_at" if block.rows <= shape[0] and block.columns <= shape[1] else "solutions"
            try:
                block.check(shape)
            except UsageError as error:
                raise SettingError((key,), f"layer {layer} of {self.solutions} on array {name}: {error}") from None

    def _check_limits(self, array: ArrayInfo) -> None:
        self.reference.check(array, "reference")
        if self.amplitude is not None:
            self.amplitude.check(array, "amplitude")
        self.write.check(array, "write", amplitudes=self.amplitude is None)
        self.infer.check(array, "infer")

    def places(self, solutions: Solutions, station: Station) -> Mapping:
        """Return where the layers live."""
        return Mapping.of(solutions, self.layer1_at, self.layer2_at, sequential=len(station.arrays) == 1)

    def fingerprint(self) -> str:
        """Return the checksum of the solutions."""
        return self.load().checksum()

    def distrust(self, station: Station, arrays: Crossbars, memory: Memory, log: Log) -> None:  # noqa: ARG002
        """Read every chip again before it is written."""
        for name in station.arrays:
            known = memory.get(name, {})
            states = read_again(arrays[name], known, self.write)
            if known:
                known["state"] = states

    def conclude(self, station: Station, data: Data, log: Log) -> None:
        """Tune gains and biases on the records of a station and record every metric."""
        wine_analysis.conclude(station, data, log, self.infer.read_volts)

    def summarise(self, stations: Sequence[Station], data: Data, log: Log) -> None:
        """Record one line per device size."""
        wine_analysis.summarise(stations, data, log)

    # -- blocks ------------------------------------------------------------------------------------------------------

    def block(self, station: Station, index: int, arrays: Crossbars, memory: Memory, log: Log) -> None:
        """Do one block of a station. `memory` carries what later blocks need; it is part of every snapshot."""
        if index == 0:
            for name in station.arrays:
                known = station.info.health
                memory[name] = characterise(name, arrays[name], log, self.reference, self.amplitude, self.write, known)
            self._put_modes(station, arrays, log)
            return
        solutions, number = self.load(), index - 1
        _Solution(self, station, arrays, memory, log, solutions, number).run()

    def _put_modes(self, station: Station, arrays: Crossbars, log: Log) -> None:
        """Record how products are measured here: mode auto leaves it to the bench."""
        mapping = self.places(self.load(), station)
        chips = [arrays[station.arrays[array]] for array in mapping.arrays]
        ways = [way_of(chip, block, self.infer) for chip, block in zip(chips, mapping.blocks, strict=True)]
        log.attributes(f"wine/{station.name}", {f"layer{layer}_mode": way for layer, way in enumerate(ways, 1)})


class _Solution:
    """One solution on one station: both layers written, read, and recorded as one row."""

    def __init__(
        self, campaign: WineCampaign, station: Station, arrays: Crossbars, memory: Memory, log: Log,
        solutions: Solutions, number: int,
    ) -> None:  # fmt: skip
        self.campaign, self.station, self.arrays, self.memory, self.log = campaign, station, arrays, memory, log
        self.number = number
        mapping = campaign.places(solutions, station)
        self.blocks = mapping.blocks
        self.chips = tuple(station.arrays[array] for array in mapping.arrays)
        self.shape = station.info.shape
        self.targets = tuple(
            block.place(bits[number], self.shape)
            for block, bits in zip(self.blocks, (solutions.w1, solutions.w2), strict=True)
        )
        self.biases = (solutions.b1[number], solutions.b2[number])
        self.wine: Wine = load_wine()

    def run(self) -> None:
        """Write and run layer 1, then layer 2 on what came out of it."""
        row: dict[str, Any] = {"number": self.number}
        inputs = self.wine.features
        clock = self.arrays[self.station.arrays[0]].clock  # one bench, one clock
        begun = clock.now()
        for layer in (0, 1):
            result = self._write(layer)
            differences = self._multiply(layer, inputs, row)
            row |= record.write_columns(layer, result)
            activations = network.preactivation(differences, self.biases[layer], 1.0)
            inputs = np.tanh(activations)
        row["predicted"] = network.predictions(activations)
        row["bench_seconds"] = clock.now() - begun
        record.append_solution(self.log, self.station, row)

    def _write(self, layer: int) -> WriteResult:
        name = self.chips[layer]
        memory = self.memory[name]
        reference = ReferenceMaps(**memory["reference"])
        addressed = _cells(self.blocks[layer], self.shape)
        with self.log.tagged(purpose=Purpose.WRITE, solution=self.number):
            result = write_matrix(
                self.arrays[name], self.targets[layer], reference, WriteSettings(**memory["write"]),
                known=memory["state"], addressed=addressed, delivered=self.station.info.delivered_fraction,
            )  # fmt: skip
        memory["state"], memory["reference"] = result.achieved, result.reference.to_memory()
        return result

    def _multiply(self, layer: int, inputs: FloatArray, row: dict[str, Any]) -> FloatArray:
        """Measure baseline, product and transfer matrix of a layer; return the product in units of the nominal step."""
        name, block, infer = self.chips[layer], self.blocks[layer], self.campaign.infer
        largest = column_range(ReferenceMaps(**self.memory[name]["reference"]), block, infer.read_volts)
        multiplier = Multiplier(self.arrays[name], block, infer, largest)
        with self.log.tagged(purpose=Purpose.BASELINE, solution=self.number):
            baseline = multiplier.baseline()
        amperes, transfer = self._product(multiplier, np.clip(inputs, -1, 1), baseline)
        row |= {
            f"layer{layer + 1}_amperes": amperes,
            f"layer{layer + 1}_baseline_amperes": baseline,
            f"layer{layer + 1}_transfer_siemens": transfer,
        }
        return pair_difference(amperes, infer.read_volts, self.station.info.delta_siemens)

    def _product(
        self, multiplier: Multiplier, inputs: FloatArray, baseline: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return the column currents and the transfer matrix; a product that follows from the matrix costs no read."""
        amperes = None
        if multiplier.way != "transfer":
            with self.log.tagged(purpose=Purpose.INFER, solution=self.number):
                amperes = multiplier.multiply(inputs, baseline)
        with self.log.tagged(purpose=Purpose.TRANSFER, solution=self.number):
            transfer = multiplier.transfer()
        return multiplier.superposed(inputs, transfer) if amperes is None else amperes, transfer


def _load(path: Path) -> Solutions:
    """Read a file of solutions, once as long as it is the same: every block asks for it."""
    stat = path.stat()
    return _load_version(path, stat.st_mtime_ns, stat.st_size)


@functools.lru_cache(4)
def _load_version(path: Path, changed_ns: int, size: int) -> Solutions:  # noqa: ARG001 - they name the version
    return Solutions.load(path)


def _cells(block: Block, shape: tuple[int, int]) -> BoolArray:
    """Return True on the cells of a block, (rows, columns)."""
    return block.place(np.ones((block.rows, block.columns), bool), shape)
