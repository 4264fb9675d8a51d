"""Test patterns written one after another: the memory test of an array, and the shortest campaign with a write.

Block 0 of a station makes the reference maps and finds the amplitudes; block k writes pattern k - 1 over the one
before, and verifies it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labmtj.quantities import ArrayInfo, ChipGroup
from labmtj.results import Quantity, Result, record
from labmtj.schema import Column, Purpose, Table, meanings_of
from labmtj.verbs import Crossbar, Data, Log
from procedures.common.amplitude import AmplitudeSettings
from procedures.common.bounds import Settings
from procedures.common.characterisation import characterise, read_again
from procedures.common.reference import Outcome, ReferenceMaps, ReferenceSettings
from procedures.common.write import AMPLITUDES, WriteSettings, write_matrix

Pattern = Literal["parallel", "antiparallel", "checkerboard", "inverse", "rows", "columns", "random"]


def states(pattern: Pattern, shape: tuple[int, int], seed: int, levels: int = 2) -> NDArray[np.int8]:
    """Return the states of a pattern, (rows, columns), 0 to levels - 1; "inverse" is that of the checkerboard.

    "parallel" is the highest state everywhere, "antiparallel" the lowest.
    """
    row, column = np.indices(shape)
    made = {
        "parallel": np.full(shape, levels - 1),
        "antiparallel": np.zeros(shape),
        "checkerboard": (row + column) % levels,
        "inverse": levels - 1 - (row + column) % levels,
        "rows": row % levels,
        "columns": column % levels,
        "random": np.random.default_rng(seed).integers(0, levels, shape),
    }
    return np.asarray(made[pattern], np.int8)


class PatternSummary(Result, kind="patterns.summary"):
    """The arrays side by side."""

    array: Annotated[list[str], Quantity("1", "device family", ("station",))]
    fidelity: Annotated[list[float], Quantity("1", "median over the patterns", ("station",))]


class PatternCampaign(Settings):
    """Settings of the campaign."""

    patterns: list[Pattern] = Field(
        ["checkerboard", "inverse", "rows", "columns", "random"],
        min_length=1,
        max_length=10_000,
        description="written in this order, each over the one before",
    )
    random_seed: int = Field(0, ge=0, lt=2**63, description="of the first random pattern; each later one counts up")
    reference: ReferenceSettings = ReferenceSettings()
    amplitude: AmplitudeSettings | None = Field(
        AmplitudeSettings(), description="scan for the write amplitudes; null takes those of `write`"
    )
    write: WriteSettings = WriteSettings()

    @property
    def unused(self) -> tuple[str, ...]:
        """Amplitudes of `write` where they come from a scan."""
        return () if self.amplitude is None else AMPLITUDES

    def fingerprint(self) -> str:
        """Return the checksum of the input files, of which there are none."""
        return "none"

    def stations(self, arrays: Sequence[ArrayInfo]) -> list[ChipGroup]:
        """Return one station of one chip for every array of the bench."""
        return [ChipGroup(array.name, (f"{array.name}-0a",), array) for array in arrays]

    def blocks(self) -> int:
        """Return the number of blocks: one to characterise, one per pattern."""
        return 1 + len(self.patterns)

    def check_stations(self, stations: Sequence[ChipGroup]) -> None:
        """Check the settings against every array."""
        for station in stations:
            self.check(station.info)

    def declare(self, stations: Sequence[ChipGroup], log: Log) -> None:
        """Declare a table per station."""
        for station in stations:
            log.table(_table(station))
            log.attributes(_table(station).path, {}, kind="patterns")

    def block(
        self, station: ChipGroup, index: int, arrays: Mapping[str, Crossbar], memory: dict[str, Any], log: Log
    ) -> None:
        """Characterise the chip, or write and verify one pattern."""
        (name,) = station.arrays
        if index == 0:
            known = station.info.health
            memory |= characterise(name, arrays[name], log, self.reference, self.amplitude, self.write, known)
            return
        number = index - 1
        target = states(self.patterns[number], station.info.shape, self.random_seed + number, len(station.info.states))
        with log.tagged(purpose=Purpose.WRITE, solution=number):
            result = write_matrix(
                arrays[name], target, ReferenceMaps(**memory["reference"]), WriteSettings(**memory["write"]),
                known=memory["state"], delivered=station.info.delivered_fraction,
            )  # fmt: skip
        memory["state"], memory["reference"] = result.achieved, result.reference.to_memory()
        row = {
            "number": number, "target": target, "achieved": result.achieved, "verify_amperes": result.verify_amperes,
            "outcome": result.outcome, "fidelity": result.fidelity, "rounds": result.rounds, "pulses": result.pulses,
            "limited": result.pulses_in_compliance,
        }  # fmt: skip
        log.append(_table(station).path, {key: np.asarray(value)[np.newaxis] for key, value in row.items()})

    def reverify_states(
        self,
        station: ChipGroup,
        arrays: Mapping[str, Crossbar],
        memory: dict[str, Any],
        log: Log,  # noqa: ARG002 - the reads are recorded as all are
    ) -> None:
        """Read the chip again before it is written."""
        (name,) = station.arrays
        states = read_again(arrays[name], memory, self.write)
        if memory:
            memory["state"] = states

    def conclude(self, station: ChipGroup, data: Data, log: Log) -> None:
        """Nothing follows for one station alone."""

    def summarise(self, stations: Sequence[ChipGroup], data: Data, log: Log) -> None:
        """Record the median fidelity of every array."""
        fidelity = [float(np.median(data.read(f"{_table(station).path}/fidelity"))) for station in stations]
        names = [station.name for station in stations]
        record(log, "patterns/summary", PatternSummary(names, fidelity))


def _table(station: ChipGroup) -> Table:
    cells = ("row", "column")
    known = {name: state for state, name in enumerate(station.info.states)}
    highest = f"{len(known) - 1} = {station.info.states[-1]}"
    return Table(
        f"patterns/{station.name}/written",
        "pattern",
        {
            "number": Column("i4", "1", "number of the pattern in the settings"),
            "target": Column("u1", "1", f"state to be written, {highest}", cells, known),
            "achieved": Column("u1", "1", f"state at the last verify read, {highest}", cells, known),
            "verify_amperes": Column("f8", "A", "current of the last verify read of the cell", cells),
            "outcome": Column("u1", "1", "what became of the cell", cells, meanings_of(Outcome)),
            "fidelity": Column("f8", "1", "fraction of the cells, without those outside, that read as wanted"),
            "rounds": Column("u2", "1", "repair rounds"),
            "pulses": Column("u4", "1", "write pulses"),
            "limited": Column("u4", "1", "write pulses in which a source was in compliance"),
        },
        dict(zip(cells, station.info.shape, strict=True)),
    )
