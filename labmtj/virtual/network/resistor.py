"""The simplest world for a virtual instrument: a resistor to ground on every channel, relays with nothing on them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import product

from labmtj.virtual.network.apertures import Apertures
from labmtj.virtual.network.terminals import Box, Crosspoint, Sensed


class BookedTime:
    """A clock that only books."""

    def __init__(self) -> None:
        self.booked: Counter[str] = Counter()
        """seconds by purpose"""
        self.apertures: Apertures[ResistorChannel] = Apertures()

    def now(self) -> float:
        """Return the sum of what was booked."""
        return sum(self.booked.values())

    def spend(self, seconds: float, purpose: str) -> None:
        """Book a time, and let the open apertures see it."""
        for channel in self.apertures:
            purpose = "aperture"
            self.apertures.add(channel, seconds, channel.look())
        self.booked[purpose] += seconds  # type: ignore[assignment] # a Counter counts fractions too


class ResistorChannel:
    """A channel with a resistor from HI to LO.

    Args:
        time: is spent by what is sensed.
        ohms: may be changed at any time.
    """

    def __init__(self, time: BookedTime, ohms: float = 10e3) -> None:
        self.ohms = ohms
        self.steps: list[tuple[float, str, float, float]] = []
        """every change of the output: seconds, "volts", "amperes" or "open", level, limit"""
        self.four_wires = False
        self._time = time
        self._solve: Callable[[], Sensed] = lambda: Sensed(0.0, 0.0, limited=False)

    def source_volts(self, volts: float, limit_amperes: float) -> None:
        """Hold a voltage."""
        self.steps.append((self._time.now(), "volts", volts, limit_amperes))
        self._solve = lambda: self._limited(volts, limit_amperes * self.ohms)

    def source_amperes(self, amperes: float, limit_volts: float) -> None:
        """Drive a current."""
        self.steps.append((self._time.now(), "amperes", amperes, limit_volts))
        self._solve = lambda: self._limited(amperes * self.ohms, limit_volts)

    def release(self) -> None:
        """Float."""
        self.steps.append((self._time.now(), "open", 0.0, 0.0))
        self._solve = lambda: Sensed(0.0, 0.0, limited=False)

    def remote_sense(self, *, on: bool) -> None:
        """Note it: a resistor without leads reads the same."""
        self.four_wires = on

    def look(self) -> Sensed:
        """Return what the resistor carries now."""
        return self._solve()

    def open_aperture(self) -> None:
        """Begin to integrate."""
        self._time.apertures.open(self)

    def close_aperture(self) -> Sensed:
        """Return the mean since then."""
        return self._time.apertures.close(self) or self.look()

    def sense(self, seconds: float) -> Sensed:
        """Return what the resistor carries."""
        if seconds:
            self._time.spend(seconds, "aperture")
        return self.look()

    def _limited(self, volts: float, most_volts: float) -> Sensed:
        limited = abs(volts) > most_volts
        held = math.copysign(most_volts, volts) if limited else volts
        return Sensed(held, held / self.ohms, limited)


class LooseRelays:
    """Relays on cards of one size.

    Args:
        slots: those with a card.
        rows: of each card.
        columns: of each card.
    """

    def __init__(self, slots: Iterable[int], rows: int, columns: int) -> None:
        self._all = set(product(slots, range(1, rows + 1), range(1, columns + 1)))
        self._closed: set[Crosspoint] = set()
        self._closures: Counter[Crosspoint] = Counter()
        self.moves: list[tuple[frozenset[Crosspoint], frozenset[Crosspoint]]] = []
        """every operation: opened, closed"""

    def operate(self, opened: Iterable[Crosspoint], closed: Iterable[Crosspoint]) -> None:
        """Move relays."""
        going, coming = frozenset(opened), frozenset(closed)
        for crosspoint in going | coming:
            if crosspoint not in self._all:
                raise KeyError(crosspoint)
        self._closures.update(coming - self._closed)
        self._closed = (self._closed - going) | coming
        self.moves.append((going, coming))

    def closed(self) -> frozenset[Crosspoint]:
        """Return the closed relays."""
        return frozenset(self._closed)

    def closures(self) -> Mapping[Crosspoint, int]:
        """Return how often each relay has closed."""
        return self._closures


def unit_box(channels: str, ohms: float = 10e3, *, noise: bool = False) -> Box:
    """Return a box of source-measure channels, one per character of `channels`, each on a resistor of its own."""
    time = BookedTime()
    terminals = {name: ResistorChannel(time, ohms) for name in channels}
    return Box("smu", time, "1234567", noise=noise, channels=terminals)


def matrix_box(cards: Mapping[int, str], rows: int, columns: int) -> Box:
    """Return a box of relays: card models by slot, all of one size."""
    return Box("matrix", BookedTime(), "7654321", relays=LooseRelays(cards, rows, columns), cards=cards)
