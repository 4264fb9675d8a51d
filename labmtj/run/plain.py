"""A plain procedure as a campaign: executed once on one chip of every array of the bench."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel

from labmtj.quantities import ArrayInfo, Bias, ChipGroup, Lines, ReadSettings
from labmtj.schema import Attribute, Purpose, Table, Tags, Variable
from labmtj.verbs import Campaign, CheckedProcedure, Crossbar, Data, Log, Procedure

READ_VOLTS = 0.1
"""of a read for the record alone, as in the reference campaign; less where that could disturb"""


def is_campaign(model: type[BaseModel]) -> bool:
    """Return whether the model does its work in blocks."""
    return callable(getattr(model, "block", None))


def is_plain(model: type[BaseModel]) -> bool:
    """Return whether the model executes itself on one crossbar."""
    return callable(getattr(model, "execute", None))


def as_campaign(settings: BaseModel) -> Campaign:
    """Return the settings as a campaign: themselves, or a plain procedure in one block per array."""
    return cast(Campaign, settings) if is_campaign(type(settings)) else PlainCampaign(cast(Procedure, settings))


class PlainCampaign:
    """One station and one block per array of the bench. What the procedure writes lies under `arrays/<chip>`.

    A procedure may be a `CheckedProcedure`, and a `SizedProcedure`.
    """

    def __init__(self, procedure: Procedure) -> None:
        self.procedure = procedure

    def fingerprint(self) -> str:
        """Return the checksum of the input files, of which there are none."""
        return "none"

    def stations(self, arrays: Sequence[ArrayInfo]) -> list[ChipGroup]:
        """Return a station for every array; its chip is the first one of the same name in a campaign."""
        return [ChipGroup(array.name, (f"{array.name}-0a",), array) for array in arrays]

    def blocks(self) -> int:
        """Return the number of blocks of every station."""
        return 1

    def check_stations(self, stations: Sequence[ChipGroup]) -> None:
        """Have the procedure check its settings against every array."""
        if isinstance(self.procedure, CheckedProcedure):
            for station in stations:
                self.procedure.check(station.info)

    def declare(self, stations: Sequence[ChipGroup], log: Log) -> None:
        """Declare nothing: the procedure declares its own tables."""

    def block(
        self,
        station: ChipGroup,
        index: int,  # noqa: ARG002 - there is one block
        arrays: Mapping[str, Crossbar],
        memory: dict[str, Any],  # noqa: ARG002 - and no other after it
        log: Log,
    ) -> None:
        """Execute the procedure."""
        for name in station.arrays:
            self.procedure.execute(arrays[name], LogWithin(log, f"arrays/{name}"))

    def reverify_states(
        self,
        station: ChipGroup,
        arrays: Mapping[str, Crossbar],
        memory: dict[str, Any],  # noqa: ARG002 - there is none
        log: Log,  # noqa: ARG002 - the reads are recorded as all are
    ) -> None:
        """Read every cell, for the record: the procedure begins again."""
        for name in station.arrays:
            _read_every_cell(arrays[name])

    def conclude(self, station: ChipGroup, data: Data, log: Log) -> None:
        """Nothing follows that the procedure has not written."""

    def summarise(self, stations: Sequence[ChipGroup], data: Data, log: Log) -> None:
        """Nothing follows that the procedure has not written."""


def _read_every_cell(crossbar: Crossbar) -> None:
    """Read all cells, row by row, for the record; rows that the crossbar cannot drive are left out."""
    rows, columns = crossbar.shape
    volts = min(READ_VOLTS, crossbar.limits.disturb_volts)
    biases = [Bias(np.where(np.arange(rows) == row, volts, 0.0), np.zeros(columns)) for row in range(rows)]
    possible = [bias.line_volts[0] for bias in biases if crossbar.refusal(bias) is None]
    if possible:
        lines = Lines(columns=tuple(range(columns)))
        crossbar.measure(Bias.from_lines(possible, crossbar.shape), lines, ReadSettings(polarity="both"))


class LogWithin:
    """A log whose root is a group of another log."""

    def __init__(self, log: Log, path: str) -> None:
        self._log, self._path = log, path

    def _at(self, path: str) -> str:
        return f"{self._path}/{path}" if path else self._path

    @property
    def tags(self) -> Tags:
        """What rows written now belong to."""
        return self._log.tags

    def tagged(self, purpose: Purpose, solution: int = -1) -> AbstractContextManager[None]:
        """Tag what is written within."""
        return self._log.tagged(purpose, solution)

    def table(self, table: Table) -> None:
        """Declare a table below the group."""
        self._log.table(replace(table, path=self._at(table.path)))

    def append(self, path: str, columns: Mapping[str, ArrayLike]) -> None:
        """Append rows to a table below the group."""
        self._log.append(self._at(path), columns)

    def put(self, path: str, variables: Mapping[str, Variable], *, signal: str = "", kind: str = "") -> None:
        """Write a group of named arrays below the group."""
        self._log.put(self._at(path), variables, signal=signal, kind=kind)

    def attributes(self, path: str, values: Mapping[str, Attribute], *, kind: str = "") -> None:
        """Set attributes of a group below the group, or ("") of the group."""
        self._log.attributes(self._at(path), values, kind=kind)

    def state(self, name: str, values: Mapping[str, object]) -> None:
        """Keep a snapshot."""
        self._log.state(self._at(name), values)

    def mark(self, name: str, values: Mapping[str, object]) -> None:
        """Keep a note about the course of the run."""
        self._log.mark(self._at(name), values)

    def commit(self) -> None:
        """Return when everything so far is kept."""
        self._log.commit()
