"""Size of the journal of a run: an upper bound from its procedure, an estimate from what it has so far."""

from __future__ import annotations

import math

import numpy as np

from labmtj.record.tables import pulses_table, reads_table
from labmtj.run.experiment import Experiment
from labmtj.schema import Table
from labmtj.verbs import SizedProcedure


def most_bytes(experiment: Experiment) -> int | None:
    """Return the size of the journal at most; None if the procedure has no `most_rows`. Nothing is measured."""
    procedure = experiment.settings
    if not isinstance(procedure, SizedProcedure):
        return None
    shapes = [station.info.shape for station in experiment.stations()]
    return sum(_bytes(shape, *procedure.most_rows(shape)) for shape in shapes)


def most_text(experiment: Experiment) -> str:
    """Return the text about it before a run, "" if nothing is known."""
    most = most_bytes(experiment)
    return "" if most is None else f"; journal.lmj: at most {megabytes(most)}, data.h5: less"


def megabytes(size: float) -> str:
    """Return a size with two digits, in MB: it cannot be predicted better."""
    rounded = float(f"{size / 1e6:.2g}")
    return f"{rounded:g} MB" if rounded < 1e5 else f"{rounded:.0f} MB"


class Growth:
    """Predicts that blocks to come take as much as those so far; the first of each station takes more, as it measures.

    Args:
        done: blocks at the beginning of this part of the run.
        total: blocks of the run.
        first: how many are first blocks of a station.
    """

    def __init__(self, done: int, total: int, first: int) -> None:
        self._first, self._total = done + first if done + first < total else done, total
        self._begun: int | None = None

    def final_bytes(self, done: int, size: int) -> float | None:
        """Return the size in the end, after `done` blocks with `size` bytes; None while it is unknown."""
        if done <= self._first or self._begun is None:
            if done == self._first:
                self._begun = size
            return None
        return size + (size - self._begun) / (done - self._first) * (self._total - done)


def _bytes(shape: tuple[int, int], pulses: int, reads: int) -> int:
    return pulses * _row_bytes(pulses_table("pulses", shape)) + reads * _row_bytes(reads_table("reads", shape))


def _row_bytes(table: Table) -> int:
    return sum(
        np.dtype(each.dtype).itemsize * math.prod(table.lengths[dim] for dim in each.dims)
        for each in table.columns.values()
    )
