"""The smallest world that a virtual instrument can stand in: resistors to ground, relays that lead nowhere."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from labmtj.virtual.network.apertures import Apertures
from labmtj.virtual.network.terminals import Box, Sensed


class BookedTime:
    """Time that passes on call, with what it was spent on."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.spent: list[tuple[str, float]] = []
        self.apertures: Apertures[Resistor] = Apertures()

    def now(self) -> float:
        return self.seconds

    def spend(self, seconds: float, purpose: str) -> None:
        for channel in self.apertures:
            purpose = "aperture"
            self.apertures.add(channel, seconds, channel.look())
        self.seconds += seconds
        self.spent.append((purpose, seconds))


class Resistor:
    """A channel with a resistor to ground; `steps` is what it was set to put out, and when."""

    def __init__(self, time: BookedTime, ohms: float) -> None:
        self.time, self.ohms = time, ohms
        self.state: tuple[str, float, float] = ("released", 0.0, 0.0)
        self.steps: list[tuple[float, str, float]] = []
        self.four_wire = False

    def _set(self, state: tuple[str, float, float]) -> None:
        self.state = state
        self.steps.append((self.time.seconds, state[0], state[1]))

    def source_volts(self, volts: float, limit_amperes: float) -> None:
        self._set(("volts", volts, limit_amperes))

    def source_amperes(self, amperes: float, limit_volts: float) -> None:
        self._set(("amperes", amperes, limit_volts))

    def release(self) -> None:
        self._set(("released", 0.0, 0.0))

    def remote_sense(self, *, on: bool) -> None:
        self.four_wire = on

    def sense(self, seconds: float) -> Sensed:
        self.time.spend(seconds, "aperture")
        return self.look()

    def open_aperture(self) -> None:
        self.time.apertures.open(self)

    def close_aperture(self) -> Sensed:
        return self.time.apertures.close(self) or self.look()

    def look(self) -> Sensed:
        kind, level, limit = self.state
        other = {"volts": level / self.ohms, "amperes": level * self.ohms, "released": 0.0}[kind]
        limited = abs(other) > limit
        if limited:
            other = limit if other > 0 else -limit
            level = other * self.ohms if kind == "volts" else other / self.ohms
        return Sensed(level, other, limited) if kind == "volts" else Sensed(other, level, limited)


class LooseRelays:
    """Relays that know only whether they are closed, and how often they did."""

    def __init__(self) -> None:
        self.now_closed: set[tuple[int, int, int]] = set()
        self.counts: dict[tuple[int, int, int], int] = {}
        self.moves: list[tuple[str, tuple[int, int, int]]] = []

    def operate(self, opened: Any, closed: Any) -> None:
        for each in opened:
            self.now_closed.discard(each)
            self.moves.append(("open", each))
        for each in closed:
            if each not in self.now_closed:
                self.counts[each] = self.counts.get(each, 0) + 1
            self.now_closed.add(each)
            self.moves.append(("close", each))

    def closed(self) -> frozenset[tuple[int, int, int]]:
        return frozenset(self.now_closed)

    def closures(self) -> Mapping[tuple[int, int, int], int]:
        return dict(self.counts)


@pytest.fixture
def resistor_box() -> Callable[..., Box]:
    """Return a function that makes a box whose channels see 10 kilohm to ground, without meter noise."""

    def make(*channels: str, ohms: float = 10e3) -> Box:
        time = BookedTime()
        return Box("smu", time, "4308079", noise=False, channels={name: Resistor(time, ohms) for name in channels})

    return make


@pytest.fixture
def relay_box() -> Callable[..., Box]:
    """Return a function that makes a box of loose relays."""

    def make(**cards: str) -> Box:
        fitted = {int(slot.removeprefix("slot")): card for slot, card in cards.items()}
        return Box("matrix", BookedTime(), "04349716", relays=LooseRelays(), cards=fitted)

    return make
