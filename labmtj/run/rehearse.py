"""A rehearsal: the first blocks of every station on simulated chips, scaled to the whole, before the first volt."""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from labmtj.brief import brief
from labmtj.quantities import ChipGroup
from labmtj.record import Checkpointer, JournalLog, JournalWriter
from labmtj.run.costs import ChipGroupCost, MeteredChipGroup
from labmtj.run.experiment import Experiment
from labmtj.run.stations import ChipGroupAtWork
from labmtj.run.twin import twin_of
from labmtj.run.workers import limit_threads

BLOCKS_TRIED = 5
"""of every station, after the first"""
BLOCKS_TRIED_ON_INSTRUMENTS = 2
"""the same over sockets, where a block takes seconds"""


@brief
@dataclass(frozen=True)
class Rehearsal:
    """What an experiment would take on its bench, from what a part of it took on the bench's twin."""

    experiment: Experiment
    stations: list[ChipGroup]
    whole: list[ChipGroupCost]
    """by station"""
    data_bytes: float
    """of data.h5"""
    journal_bytes: float
    tried: int
    """blocks of every station after the first"""
    blocks: int
    """of every station"""

    @property
    def total(self) -> ChipGroupCost:
        """Sums over all stations; pulses by cell of all their arrays, one after the other."""
        cells = np.concatenate([each.cell_pulses for each in self.whole])
        return ChipGroupCost(
            cells, sum(each.pulses for each in self.whole), sum(each.reads for each in self.whole),
            sum(each.joules for each in self.whole), _sum([each.seconds for each in self.whole]),
            _sum([each.closures for each in self.whole]), _sum([each.round_trips for each in self.whole]),
        )  # fmt: skip


def rehearse(experiment: Experiment) -> Rehearsal:
    """Return what the experiment would take: hours, pulses, reads, energy, size of the file, closures, round trips.

    Every station does its first block and a few of the others; their mean stands for the rest. No instrument is
    touched: a bench of instruments is replaced by its virtual twin, see `twin_of`. No files remain.

    Raises:
        ConfigError, InstrumentError: if a driver has no virtual counterpart, or the twin does not come up.
        CannotDo, LimitExceeded: what the run itself would be refused.
    """
    limit_threads()
    blocks = experiment.campaign.blocks()
    if experiment.on_instruments:
        experiment = replace(experiment, bench=twin_of(experiment.bench, experiment.seed))
    most = BLOCKS_TRIED_ON_INSTRUMENTS if experiment.on_instruments else BLOCKS_TRIED
    stations, others = experiment.stations(), min(most, blocks - 1)
    with experiment.located(), ExitStack() as stack:
        tried = []
        for station in stations:
            tried.append(MeteredChipGroup(ChipGroupAtWork(experiment, stations, station)))
            stack.callback(tried[-1].close)
        record = ScratchRecord(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="labmtj-"))))
        stack.callback(record.close)
        experiment.declare(stations, record.log)
        record.take([each.work.run_block(0) for each in tried])
        first, sizes = [each.tally() for each in tried], [record.sizes()]
        for index in range(1, 1 + others):
            record.take([each.work.run_block(index) for each in tried])
        sizes.append(record.sizes())
        after = [each.tally() for each in tried]
    times = (blocks - 1) / others if others else 0.0
    whole = [before.plus(later.minus(before), times) for before, later in zip(first, after, strict=True)]
    data, journal = (before + times * (later - before) for before, later in zip(*sizes, strict=True))
    return Rehearsal(experiment, stations, whole, data, journal, others, blocks)


class ScratchRecord:
    """A record of blocks that is not kept: its folder is deleted with it.

    Args:
        folder: to write journal and data.h5 in.
    """

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data.h5"
        self.log = JournalLog(JournalWriter.create(folder / "journal.lmj"))
        self._checkpointer = Checkpointer(folder / "journal.lmj", self.data)

    def take(self, frames: list[bytes]) -> None:
        """Append the frames of some blocks."""
        self.log.append_frames(frames)

    def sizes(self) -> tuple[int, int]:
        """Return the bytes of data.h5 and of the journal with all of them."""
        self.log.commit()
        self._checkpointer.checkpoint()
        return self.data.stat().st_size, self.log.journal.acknowledged_bytes

    def close(self) -> None:
        """Close the journal."""
        self.log.journal.close()


def _sum(counters: list[Counter[str]]) -> Counter[str]:
    return sum(counters, Counter())
