"""What some blocks of a station took: pulses, reads, energy, bench time by purpose, relay closures, round trips."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from labmtj.bench import BookedClock
from labmtj.bench.session.clock import ResumableClock
from labmtj.brief import brief
from labmtj.cost import CostMeter
from labmtj.quantities import FloatArray
from labmtj.run.stations import ChipGroupAtWork


@brief
@dataclass
class ChipGroupCost:
    """What some blocks of a station took; grows with every operation."""

    cell_pulses: FloatArray
    """(cells of all arrays of the station,)"""
    pulses: float = 0.0
    reads: float = 0.0
    """biases held for a reading, once for each sign and repeat"""
    joules: float = 0.0
    seconds: Counter[str] = field(default_factory=Counter)
    """on the clock of the bench, by purpose"""
    closures: Counter[str] = field(default_factory=Counter)
    """by relay, as "matrix:slot-row-column"; none where there are no relays"""
    round_trips: Counter[str] = field(default_factory=Counter)
    """by instrument: how often one waited for its answer; none where there are no instruments"""

    def minus(self, earlier: ChipGroupCost) -> ChipGroupCost:
        """Return what came since."""
        return self._combined(earlier, -1.0)

    def plus(self, other: ChipGroupCost, times: float = 1.0) -> ChipGroupCost:
        """Return the sum with `times` the other."""
        return self._combined(other, times)

    def _combined(self, other: ChipGroupCost, times: float) -> ChipGroupCost:
        return ChipGroupCost(
            self.cell_pulses + times * other.cell_pulses, self.pulses + times * other.pulses,
            self.reads + times * other.reads, self.joules + times * other.joules,
            _combined(self.seconds, other.seconds, times), _combined(self.closures, other.closures, times),
            _combined(self.round_trips, other.round_trips, times),
        )  # fmt: skip


def _combined(one: Mapping[str, float], other: Mapping[str, float], times: float) -> Counter[str]:
    return Counter({name: one.get(name, 0) + times * other.get(name, 0) for name in {**one, **other}})


class MeteredChipGroup:
    """A station at work, with everything counted."""

    def __init__(self, work: ChipGroupAtWork) -> None:
        self.work = work
        self._counted = [CostMeter(crossbar) for crossbar in work.crossbars.values()]
        work.layer_around(dict(zip(work.crossbars, self._counted, strict=True)))

    def tally(self) -> ChipGroupCost:
        """Return the sums up to now, on a virtual bench with all that opening it took."""
        clock: Any = next(iter(self.work.crossbars.values())).clock
        clock = clock.inner if isinstance(clock, ResumableClock) else clock
        counts: dict[str, Any] = {
            "cell_pulses": np.concatenate([each.cell_pulses for each in self._counted]),
            "pulses": sum(each.pulses for each in self._counted),
            "reads": sum(each.reads for each in self._counted),
        }
        if isinstance(clock, BookedClock):
            asked: dict[str, Any] = {name: Counter(clock.bench.ask(name)) for name in ("closures", "round_trips")}
            joules, seconds = float(clock.bench.ask("joules")), Counter(clock.bench.ask("booked"))
            return ChipGroupCost(**counts, joules=joules, seconds=seconds, **asked)
        joules = sum(crossbar.array.energy_joules for crossbar in self.work.crossbars.values())
        return ChipGroupCost(**counts, joules=joules, seconds=Counter(clock.booked_seconds))

    def close(self) -> None:
        """Leave the bench safe, and end it if it is virtual."""
        self.work.close()
