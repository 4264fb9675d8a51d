"""From a bias and the lines to read, to the bus that every line lies on: pure, and with few relays moved.

Lines at 0 V that are not read lie on ground. Lines at one common other voltage share a channel. A line that is read
has a channel of its own. A floating line lies on no bus. Lines that are wired to a channel or to ground stay there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from labmtj.bench.files.wiring import Channel, Wiring
from labmtj.quantities import FloatArray, Refusal

OPEN = -1
"""the bus of a line on which no relay is closed"""
Buses = NDArray[np.intp]
"""(lines,) number of the bus that each line lies on, or OPEN; always OPEN for lines without relays"""
FLOATING = -1
"""the level of a line that is connected to nothing"""
_MOVE = 1000
"""a relay that moves costs so much more than a channel that is not the preferred one"""


class Pattern(NamedTuple):
    """What decides on relays: biases of one pattern differ in the height of their levels only."""

    level: tuple[int, ...]
    """(lines,) 0 = at 0 V or on a channel of its own, 1, 2, ... = at a common other voltage, or FLOATING"""


@dataclass(frozen=True, slots=True)
class _Role:
    """Lines that lie together on one bus with a channel."""

    lines: tuple[int, ...]
    last: bool
    """whether it goes to the last channels rather than to the first, where relays do not mind"""


class Router:
    """Knows the wiring.

    Args:
        wiring: of the bench.
        grounds_open_lines: the matrices whose open columns lie on ground by themselves.
    """

    def __init__(self, wiring: Wiring, grounds_open_lines: Iterable[str] = ()) -> None:
        self.wiring = wiring
        grounding = set(grounds_open_lines)
        ends = [line.end for line in wiring.lines]
        self._direct = np.array([isinstance(end, Channel) for end in ends])
        self._tied = np.array([end is None for end in ends])
        self.switched = ~(self._direct | self._tied)
        self._grounded_open = np.array([getattr(end, "matrix", None) in grounding for end in ends])
        self.driving = [number for number, bus in enumerate(wiring.buses) if bus.channel is not None]
        self._spare = [number for number, bus in enumerate(wiring.buses) if bus.channel is None and not bus.ground]
        ground = [number for number, bus in enumerate(wiring.buses) if bus.ground]
        self._ground = ground[0] if ground else OPEN

    def pattern(self, line_volts: FloatArray) -> Pattern:
        """Return the pattern of one bias, (lines,): levels are numbered in the order of the lines."""
        numbers: dict[float, int] = {0.0: 0}
        return Pattern(
            tuple(
                FLOATING if np.isnan(volts) else 0 if direct else numbers.setdefault(float(volts), len(numbers))
                for volts, direct in zip(line_volts, self._direct, strict=True)
            )
        )

    # -- which channel a line has ------------------------------------------------------------------------------------

    def channel_of(self, buses: Buses, line: int) -> Channel | None:
        """Return the channel that holds a line, or None on ground and for a floating line."""
        end = self.wiring.lines[line].end
        if isinstance(end, Channel):
            return end
        return None if buses[line] == OPEN else self.wiring.buses[buses[line]].channel

    def rest(self) -> Buses:
        """Return all switched lines on ground, or open where there is no ground to lie on."""
        return np.where(self._on_ground_bus(self.switched), self._ground, OPEN)

    def _on_ground_bus(self, lines: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which of the lines at 0 V need a relay to the ground bus."""
        return np.asarray(lines & ~self._grounded_open & (self._ground != OPEN), bool)

    # -- what is possible --------------------------------------------------------------------------------------------

    def refusal(self, line_volts: FloatArray, read: Sequence[int] = ()) -> Refusal | None:
        """Say why one bias, (lines,), cannot be given while every line of `read` is read in its turn, or None."""
        pattern = self.pattern(line_volts)
        for line, level in enumerate(pattern.level):
            if problem := self._stuck(line, level, line in read):
                return problem
        if not self._enough_spares(pattern):
            return Refusal(
                "more lines are to float than the bench has buses for, and its matrix grounds every open line",
                "give the bench a bus that is fed by nothing, or switch the ground mode off",
            )
        for together in [(), *((line,) for line in read)]:
            roles = self._roles(pattern, together)
            if len(roles) > len(self.driving):
                return self._too_many(line_volts, roles, together)
        return None

    def _stuck(self, line: int, level: int, read: bool) -> Refusal | None:  # noqa: FBT001 - internal
        name = self.wiring.name(line)
        if self._tied[line] and (level != 0 or read):
            return Refusal(f"{name} is tied to ground: it has 0 V and is not read", "wire it to the matrix")
        if read and level == FLOATING:
            return Refusal(f"{name} floats and cannot be read", "give it a voltage, such as 0 V")
        if self._direct[line] and level == FLOATING:
            return Refusal(f"{name} is wired to its channel and cannot float", "wire it to the matrix, or give it 0 V")
        return None

    def _enough_spares(self, pattern: Pattern) -> bool:
        floating = np.array(pattern.level) == FLOATING
        return int((floating & self._grounded_open).sum()) <= len(self._spare)

    def _too_many(self, line_volts: FloatArray, roles: list[_Role], read: tuple[int, ...]) -> Refusal:
        line = roles[len(self.driving)].lines[0]
        reading = f" while {self.wiring.name(read[0])} is read" if read else ""
        return Refusal(
            f"no channel is left for {line_volts[line]:g} V on {self.wiring.name(line)}{reading}: the bias needs "
            f"{len(roles)} channels on buses, the bench has {len(self.driving)}",
            "ask for fewer different voltages at once, as the transfer matrix (mode transfer) or bit by bit "
            "(mode bit_serial), or give the bench more channels",
        )

    # -- groups of lines that are read together ----------------------------------------------------------------------

    def groups(self, pattern: Pattern, read: Sequence[int]) -> list[tuple[int, ...]]:
        """Return the lines of `read` in as few groups as channels allow; ask `refusal` first."""
        direct = tuple(line for line in read if self._direct[line])
        left = [line for line in read if not self._direct[line]]
        groups: list[tuple[int, ...]] = []
        while left:
            group: tuple[int, ...] = ()
            for line in sorted(left, key=lambda line: self._sharers(pattern, line)):
                if not group or len(self._roles(pattern, (*group, line))) <= self._room(pattern):
                    group = (*group, line)
            left = [line for line in left if line not in group]
            groups.append(tuple(line for line in read if line in group))
        if not groups:
            return [direct]
        return [(*direct, *groups[0]), *groups[1:]]

    def _sharers(self, pattern: Pattern, line: int) -> int:
        """Return 0 for a line that has a channel of its own anyhow."""
        level = pattern.level[line]
        alone = level != 0 and sum(1 for each in np.flatnonzero(self.switched) if pattern.level[each] == level) == 1
        return 0 if alone else 1

    def _room(self, pattern: Pattern) -> int:
        """Return how many channels may be used.

        With every line at 0 V one channel is kept free, as if it drove something: a baseline is then read by the same
        meters as the currents it is subtracted from.
        """
        nothing_driven = all(level <= 0 for level in pattern.level)
        return max(1, len(self.driving) - nothing_driven) if not self._direct.any() else len(self.driving)

    def _roles(self, pattern: Pattern, read: Sequence[int]) -> list[_Role]:
        """Return which lines share a channel: every line that is read alone, the others by their level."""
        levels: dict[int, list[int]] = {}
        for line in np.flatnonzero(self.switched).tolist():
            level = pattern.level[line]
            needs_channel = level > 0 or (level == 0 and self._ground == OPEN and not self._grounded_open[line])
            if line not in read and needs_channel:
                levels.setdefault(level, []).append(line)
        shared = [_Role(tuple(lines), last=False) for lines in levels.values()]
        return [*shared, *(_Role((line,), pattern.level[line] == 0) for line in read if self.switched[line])]

    # -- assignment --------------------------------------------------------------------------------------------------

    def route(self, pattern: Pattern, read: Sequence[int], present: Buses) -> Buses:
        """Return the bus of every line such that fewest relays move from `present`; ask `refusal` first."""
        level = np.array(pattern.level)
        buses: Buses = np.where(self._on_ground_bus(self.switched & (level == 0)), self._ground, OPEN)
        floating = np.flatnonzero((level == FLOATING) & self._grounded_open)
        self._assign([_Role((int(line),), last=False) for line in floating], self._spare, present, buses)
        self._assign(self._roles(pattern, read), self.driving, present, buses)
        return buses

    @staticmethod
    def _assign(roles: list[_Role], places: list[int], present: Buses, buses: Buses) -> None:
        """Give every role a bus, in place: the assignment of least cost is the one of fewest moves."""
        if not roles:
            return
        cost = np.zeros((len(roles), len(places)), np.int64)
        for number, role in enumerate(roles):
            there = present[list(role.lines)]
            for place, bus in enumerate(places):
                moves = int(((there != bus) * (1 + (there != OPEN))).sum())
                cost[number, place] = _MOVE * moves + (len(places) - 1 - place if role.last else place)
        for chosen, place in zip(*map(np.ndarray.tolist, linear_sum_assignment(cost)), strict=True):
            buses[list(roles[chosen].lines)] = places[place]


def moves(present: Buses, wanted: Buses) -> int:
    """Return how many relays open and close between two routings."""
    changed = present != wanted
    return int((changed & (present != OPEN)).sum() + (changed & (wanted != OPEN)).sum())
