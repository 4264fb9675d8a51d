"""What campaigns that write the Wine solutions share: which solutions, on which chips, where on them, measured how."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from string import ascii_lowercase
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from labmtj import library
from labmtj.errors import ConfigError, SettingError, UsageError
from labmtj.network import Mapping, Solutions, load_wine
from labmtj.quantities import ArrayInfo, ChipGroup
from labmtj.verbs import Log
from procedures.common.amplitude import AmplitudeSettings
from procedures.common.bounds import Settings
from procedures.common.characterisation import characterise, read_again
from procedures.common.infer import InferSettings, way_of
from procedures.common.networks import record
from procedures.common.networks.adaptation import Adaptation
from procedures.common.networks.solution import Crossbars, Memory, Scene
from procedures.common.reference import ReferenceSettings
from procedures.common.write import AMPLITUDES, WriteSettings

_Place = Annotated[int, Field(ge=0)]
Corner = Annotated[tuple[_Place, _Place], Field(strict=False)]
"""YAML has lists only"""


class WineBase(Settings):
    """Settings of such a campaign. Block 0 of a station characterises its chips, block k writes solution k - 1."""

    binary: ClassVar[str] = "a network of binary weights"

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
        AmplitudeSettings(), description="scan for the write amplitudes; null takes those of `write`"
    )
    write: WriteSettings = WriteSettings()
    infer: InferSettings = InferSettings()

    @field_validator("solutions")
    @classmethod
    def _found(cls, name: str, info: ValidationInfo) -> str:
        """Look next to the file that names it, too, and keep the whole path: a run is resumed from any folder."""
        try:
            path = library.find(name, "solutions", (info.context or {}).get("beside"))
        except ConfigError as error:
            raise ValueError(str(error)) from None
        return name if path.is_relative_to(library.folder()) else str(path.resolve())

    @property
    def adaptations(self) -> list[Adaptation]:
        """What is done with the reference maps of the chips: every way that the campaign writes."""
        raise NotImplementedError

    # -- plan --------------------------------------------------------------------------------------------------------

    def load(self) -> Solutions:
        """Return the solutions to write; raise ConfigError or DataError naming the file.

        Raises:
            SettingError: if more solutions are asked for than the file holds.
        """
        solutions = _load(library.find(self.solutions, "solutions"))
        if self.count is not None and self.count > len(solutions):
            raise SettingError(
                ("count",), f"{self.solutions} holds {len(solutions)} solutions; {self.count} are asked for"
            )
        return solutions if self.count is None else _first(solutions, self.count)

    def blocks(self) -> int:
        """Return the number of blocks of every station: one to characterise, one per solution."""
        return 1 + len(self.load())

    def stations(self, arrays: Sequence[ArrayInfo]) -> list[ChipGroup]:
        """Return the stations for the bench's device families: per family and number, the chips for both layers."""
        known = [array.name for array in arrays]
        wanted = known if self.sizes is None else self.sizes
        if missing := [name for name in wanted if name not in known]:
            raise SettingError(("sizes",), f"the bench has no array {missing[0]!r}; it has {', '.join(known)}")
        return [
            ChipGroup(
                f"{array.name}-{number}", tuple(f"{array.name}-{number}{it}" for it in self._letters(array)), array
            )
            for number in range(self.chips)
            for array in arrays
            if array.name in wanted
        ]

    def _letters(self, array: ArrayInfo) -> str:
        """Return the letters of the chips of a station: one each for the layers, or one for both; more for copies."""
        first, second = self._chips(array)
        return ascii_lowercase[: max(first, second) if self._in_turn(array) else first + second]

    def _in_turn(self, array: ArrayInfo) -> bool:
        return self.mapping == "sequential" or (self.mapping == "auto" and array.chips == 1)

    def _chips(self, array: ArrayInfo) -> tuple[int, int]:
        """Return how many chips either layer needs."""
        if all(how.copies == 1 for how in self.adaptations):
            return 1, 1
        blocks = Mapping.of(self.load(), self.layer1_at, self.layer2_at).blocks
        first, second = (max(how.chips(block, array.shape) for how in self.adaptations) for block in blocks)
        return first, second

    def check_stations(self, stations: Sequence[ChipGroup]) -> None:
        """Check that settings, solutions and stations fit.

        Raises:
            SettingError: naming the key that does not fit.
        """
        for station in stations:
            self.check(station.info)
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

    def declare(self, stations: Sequence[ChipGroup], log: Log) -> None:  # noqa: ARG002 - the same for all
        """Write what goes in."""
        record.describe_inputs(log, self.load(), load_wine())

    def _check_places(self, solutions: Solutions, station: ChipGroup) -> None:
        shape, name = station.info.shape, station.info.name
        for layer, block in enumerate(self.places(solutions, station).blocks, 1):
            key = f"layer{layer}_at" if block.rows <= shape[0] and block.columns <= shape[1] else "solutions"
            try:
                block.check(shape)
            except UsageError as error:
                raise SettingError((key,), f"layer {layer} of {self.solutions} on array {name}: {error}") from None

    @property
    def unused(self) -> tuple[str, ...]:
        """Amplitudes of `write` where they come from a scan."""
        return () if self.amplitude is None else AMPLITUDES

    def places(self, solutions: Solutions, station: ChipGroup) -> Mapping:
        """Return where the layers live."""
        return Mapping.of(solutions, self.layer1_at, self.layer2_at, sequential=self._in_turn(station.info))

    def fingerprint(self) -> str:
        """Return the checksum of the solutions."""
        return self.load().checksum()

    def reverify_states(self, station: ChipGroup, arrays: Crossbars, memory: Memory, log: Log) -> None:  # noqa: ARG002
        """Read every chip again before it is written."""
        for name in station.arrays:
            known = memory.get(name, {})
            states = read_again(arrays[name], known, self.write)
            if known:
                known["state"] = states

    # -- blocks ------------------------------------------------------------------------------------------------------

    def block(self, station: ChipGroup, index: int, arrays: Crossbars, memory: Memory, log: Log) -> None:
        """Do one block of a station. `memory` carries what later blocks need; it is part of every snapshot."""
        if index > 0:
            self.write_one(self.scene(station, arrays, memory, log), self.load(), index - 1)
            return
        for name in station.arrays:
            known = station.info.health
            memory[name] = characterise(name, arrays[name], log, self.reference, self.amplitude, self.write, known)
        self._put_modes(station, arrays, log)

    def write_one(self, scene: Scene, solutions: Solutions, number: int) -> None:
        """Write, read and record a solution of a station."""
        raise NotImplementedError

    def scene(self, station: ChipGroup, arrays: Crossbars, memory: Memory, log: Log) -> Scene:
        """Return what solutions of a station are written on."""
        mapping, names = self.places(self.load(), station), station.arrays
        first, second = self._chips(station.info)
        chips = (names[:first], names[:second]) if mapping.sequential else _of_two(names, first, second)
        return Scene(station, arrays, memory, log, self.infer, mapping.blocks, chips)

    def _put_modes(self, station: ChipGroup, arrays: Crossbars, log: Log) -> None:
        """Record how products are measured here: mode auto leaves it to the bench."""
        mapping = self.places(self.load(), station)
        chips = [arrays[station.arrays[array]] for array in mapping.arrays]
        ways = [way_of(chip, block, self.infer) for chip, block in zip(chips, mapping.blocks, strict=True)]
        log.attributes(f"wine/{station.name}", {f"layer{layer}_mode": way for layer, way in enumerate(ways, 1)})


def _load(path: Path) -> Solutions:
    """Read a file of solutions, again only after it has changed: every block asks for it."""
    stat = path.stat()
    return _load_version(path, stat.st_mtime_ns, stat.st_size)


@functools.lru_cache(4)
def _load_version(path: Path, changed_ns: int, size: int) -> Solutions:  # noqa: ARG001 - they name the version
    return Solutions.load(path)


@functools.lru_cache(4)
def _first(solutions: Solutions, count: int) -> Solutions:
    """Return the first ones, the same object every time: what is worked out for it can be kept."""
    return solutions[:count]


def _of_two(names: tuple[str, ...], first: int, second: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the chips of layer 1 and of layer 2: the first of each, then the others of layer 1, of layer 2."""
    others = names[2:]
    return (names[0], *others[: first - 1]), (names[1], *others[first - 1 : first + second - 2])
