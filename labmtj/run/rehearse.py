"""A rehearsal: the first blocks of every station on the simulation, scaled to the whole, before the first volt."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from labmtj.errors import UsageError
from labmtj.layer import Layer
from labmtj.quantities import Bias, Currents, FloatArray, Lines, Pulse, Reading
from labmtj.record import Checkpointer, JournalLog, JournalWriter
from labmtj.run.experiment import Experiment
from labmtj.run.stations import StationAtWork
from labmtj.run.workers import limit_threads
from labmtj.verbs import Crossbar

BLOCKS_TRIED = 5
"""of every station, after the first"""
SELECTED_FRACTION = 0.75
"""a cell counts as pulsed if it sees more than this part of the largest voltage of the bias; half-selected is 0.5"""


@dataclass
class Tally:
    """What some blocks of a station took; grows with every operation."""

    cell_pulses: FloatArray
    """(cells of all arrays of the station,)"""
    pulses: float = 0.0
    reads: float = 0.0
    """biases held for a reading, once for each sign and repeat"""
    joules: float = 0.0
    seconds: Counter[str] = field(default_factory=Counter)
    """on the clock of the bench, by purpose"""

    def minus(self, earlier: Tally) -> Tally:
        """Return what came since."""
        return self._combined(earlier, -1.0)

    def plus(self, other: Tally, times: float = 1.0) -> Tally:
        """Return the sum with `times` the other."""
        return self._combined(other, times)

    def _combined(self, other: Tally, times: float) -> Tally:
        purposes = {*self.seconds, *other.seconds}
        return Tally(
            self.cell_pulses + times * other.cell_pulses, self.pulses + times * other.pulses,
            self.reads + times * other.reads, self.joules + times * other.joules,
            Counter({name: self.seconds[name] + times * other.seconds[name] for name in purposes}),
        )  # fmt: skip


class Counted(Layer):
    """A crossbar that counts its operations."""

    def __init__(self, crossbar: Crossbar) -> None:
        super().__init__(crossbar)
        self.cell_pulses = np.zeros(crossbar.shape[0] * crossbar.shape[1])
        self.pulses = self.reads = 0

    def measure(self, bias: Bias, lines: Lines, how: Reading) -> Currents:
        """Measure and count."""
        self.reads += len(bias) * len(how.signs)
        return super().measure(bias, lines, how)

    def pulse(self, bias: Bias, seconds: float) -> Pulse:
        """Pulse and count, cell by cell."""
        self.pulses += len(bias)
        self.cell_pulses += selected(bias).sum(axis=0)
        return super().pulse(bias, seconds)


def selected(bias: Bias) -> FloatArray:
    """Return 1 for the cells that a bias selects, 0 for the others, (batch, cells); floating lines select none."""
    across = np.abs(bias.row_volts[:, :, np.newaxis] - bias.column_volts[:, np.newaxis, :]).reshape(len(bias), -1)
    across = np.nan_to_num(across)
    largest = across.max(axis=1, keepdims=True)
    chosen: FloatArray = ((across > SELECTED_FRACTION * largest) & (largest > 0)).astype(float)
    return chosen


class _StationTried:
    """A station at work, with everything counted."""

    def __init__(self, work: StationAtWork) -> None:
        self.work = work
        self.counted = [Counted(crossbar) for crossbar in work.crossbars.values()]
        work.layer_around(dict(zip(work.crossbars, self.counted, strict=True)))

    def tally(self) -> Tally:
        """Return the sums up to now."""
        clock = next(iter(self.work.crossbars.values())).clock
        return Tally(
            np.concatenate([each.cell_pulses for each in self.counted]),
            sum(each.pulses for each in self.counted), sum(each.reads for each in self.counted),
            sum(crossbar.array.energy_joules for crossbar in self.work.crossbars.values()),
            Counter(clock.booked_seconds),
        )  # fmt: skip


def rehearse(experiment: Experiment) -> str:
    """Return what the experiment would take on a bench like this one: hours, pulses, reads, energy, size of the file.

    Every station does its first block and up to `BLOCKS_TRIED` of the others; their mean stands for the rest. Nothing
    is left behind.

    Raises:
        UsageError: for a bench of instruments; a virtual bench books the time of a whole run.
    """
    if experiment.on_instruments:
        raise UsageError(
            f"bench {experiment.bench.name} is one of instruments, and --rehearse works on a simulated one; leave "
            "--bench out, or run a few blocks on its virtual counterpart, whose clock books what a bench would take"
        )
    limit_threads()
    stations, blocks = experiment.stations(), experiment.campaign.blocks()
    tried = [_StationTried(StationAtWork(experiment, stations, station)) for station in stations]
    with tempfile.TemporaryDirectory(prefix="labmtj-") as folder:
        record = _Record(Path(folder))
        experiment.describe(stations, record.log)
        record.take([each.work.run_block(0) for each in tried])
        first = [each.tally() for each in tried]
        sizes = [record.bytes()]
        others = min(BLOCKS_TRIED, blocks - 1)
        for index in range(1, 1 + others):
            record.take([each.work.run_block(index) for each in tried])
        sizes.append(record.bytes())
        record.close()
    times = (blocks - 1) / others if others else 0.0
    whole = [before.plus(each.tally().minus(before), times) for before, each in zip(first, tried, strict=True)]
    size = sizes[0] + times * (sizes[1] - sizes[0])
    return _text(experiment, [station.name for station in stations], whole, size, (others, blocks))


class _Record:
    """A record of the blocks that were tried, to see how large it gets."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data.h5"
        self.log = JournalLog(JournalWriter.create(folder / "journal.lmj"))
        self._checkpointer = Checkpointer(folder / "journal.lmj", self.data)

    def take(self, frames: list[bytes]) -> None:
        """Append the frames of some blocks."""
        self.log.append_frames(frames)

    def bytes(self) -> int:
        """Return the size of data.h5 with all of them."""
        self.log.commit()
        self._checkpointer.checkpoint()
        return self.data.stat().st_size

    def close(self) -> None:
        """Close the journal."""
        self.log.journal.close()


def _text(experiment: Experiment, names: list[str], whole: list[Tally], size: float, tried: tuple[int, int]) -> str:
    hours = [sum(tally.seconds.values()) / 3600 for tally in whole]
    purposes: Counter[str] = sum((tally.seconds for tally in whole), Counter())
    lines = [
        f"{experiment.name} on bench {experiment.bench.name}: {len(names)} stations of {tried[1]} blocks; "
        f"tried the first and {tried[0]} more of each",
        "",
        f"{'station':<16}{'bench hours':>12}{'pulses':>12}{'per cell, mean':>16}{'max':>8}{'reads':>12}",
    ]
    lines += [
        f"{name:<16}{hour:>12.2f}{tally.pulses:>12.0f}{tally.cell_pulses.mean():>16.0f}"
        f"{tally.cell_pulses.max():>8.0f}{tally.reads:>12.0f}"
        for name, hour, tally in zip(names, hours, whole, strict=True)
    ]
    cells = np.concatenate([tally.cell_pulses for tally in whole])
    lines += [
        f"{'all':<16}{sum(hours):>12.2f}{sum(tally.pulses for tally in whole):>12.0f}{cells.mean():>16.0f}"
        f"{cells.max():>8.0f}{sum(tally.reads for tally in whole):>12.0f}",
        "",
        "bench hours: " + ", ".join(f"{name} {seconds / 3600:.2f}" for name, seconds in sorted(purposes.items())),
        f"energy into the arrays: {sum(tally.joules for tally in whole):.3g} J",
        f"data.h5: about {size / 1e6:.0f} MB",
        "closures per relay: none, this bench has a unit on every line",
    ]
    return "\n".join(lines)
