"""The one network that joins channels, relays, cables and array; and the time that passes for all of them.

Between two changes of a terminal nothing is stepped: the array goes from flip to flip, as it does in a simulated
crossbar. There is one clock: what two boxes do at the same time is booked one after the other, unless both integrate.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from threading import RLock
from typing import NamedTuple

import numpy as np

from labmtj.errors import UsageError
from labmtj.quantities import FloatArray
from labmtj.simulated.array import SimulatedArray
from labmtj.simulated.clock import VirtualClock
from labmtj.virtual.network.apertures import Apertures, mean
from labmtj.virtual.network.drive import Drive, Setting, Solved
from labmtj.virtual.network.line_noise import LineNoise
from labmtj.virtual.network.ports import VirtualChannel, VirtualRelays
from labmtj.virtual.network.routing import Cabling, Relay
from labmtj.virtual.network.terminals import Box, Crosspoint, Sensed
from labmtj.virtual.network.wiring import Wiring

HOT_VOLTS = 10e-3
"""across an open contact that is about to close or has just opened: more wears it"""
REST_VOLTS = 1e-3
"""between all sources: what is left of 0 V by their offsets. No junction switches faster for it than at rest"""


class HotSwitch(NamedTuple):
    """A relay that moved under voltage, or interrupted a current that left one."""

    seconds: float
    matrix: str
    crosspoint: Crosspoint
    volts: float
    """from row to column across the open contact"""


class Segment(NamedTuple):
    """What the pads saw for a while."""

    start_seconds: float
    """on the clock of the bench"""
    seconds: float
    line_volts: FloatArray
    """(lines,)"""
    purpose: str
    """what the seconds were spent on: "aperture" where a channel integrated"""


class Network:
    """A virtual bench without its boxes. All methods may be called from any thread.

    Args:
        array: on the chip; its own compliance does not count here.
        wiring: what is connected to what.
        noise: of the cells; None = silent cells.
        realtime_factor: seconds really waited per second booked, 0 to 1.

    Raises:
        UsageError: for a wiring of another number of lines than the array has, or a factor outside 0 to 1.
    """

    def __init__(
        self, array: SimulatedArray, wiring: Wiring, *, noise: LineNoise | None = None, realtime_factor: float = 0.0
    ) -> None:
        if not 0 <= realtime_factor <= 1:
            raise UsageError(f"realtime_factor = {realtime_factor!r} must be 0 (booked only) to 1 (as on a bench)")
        self.lock = RLock()
        self.clock = VirtualClock()
        """seconds by purpose; `spend` and `sense` book them"""
        self.events: list[HotSwitch] = []
        self.seen_by_pads: list[Segment] | None = None
        """set it to [] to record what the pads see from then on"""
        self._apertures: Apertures[int] = Apertures()
        self._realtime_factor = realtime_factor
        self._cabling = Cabling(wiring)
        self.insert(array, noise)
        leads = [0.0 if wire is None else wire.ohms for wire in wiring.channels.values()]
        self._drive = Drive(self._cabling, np.array(leads, float), wiring.output_ohms)
        self.settings = [Setting() for _ in wiring.channels]
        self._closed: frozenset[Relay] = frozenset()
        self.channels = {name: VirtualChannel(self, number) for number, name in enumerate(wiring.channels)}
        self.relays = {name: VirtualRelays(self, name, plan.crosspoints()) for name, plan in wiring.matrices.items()}

    def box(
        self,
        name: str,
        serial: str,
        *,
        cards: Mapping[int, str] | None = None,
        line_hertz: float = 50.0,
        seed: int = 0,
        noise: bool = True,
        language: str = "",
    ) -> Box:
        """Return what the virtual instrument of this name is built from; see `Box` for the rest."""
        channels = {channel: port for (owner, channel), port in self.channels.items() if owner == name}
        return Box(
            name, self, serial, line_hertz, seed, noise, channels=channels, relays=self.relays.get(name),
            cards=cards or {}, language=language,
        )  # fmt: skip

    def insert(self, array: SimulatedArray, noise: LineNoise | None = None) -> None:
        """Put another chip under the probes, whatever is connected; for the one taken out, time stands still.

        Raises:
            UsageError: if it has another number of lines than the wiring.
        """
        if sum(array.shape) != self._cabling.lines:
            raise UsageError(f"the wiring has {self._cabling.lines} lines, the array {sum(array.shape)}")
        with self.lock:
            self.array, self._noise = array, noise
            self._solved: tuple[int, Solved] | None = None

    # -- time --------------------------------------------------------------------------------------------------------

    def now(self) -> float:
        """Return seconds since the bench was built."""
        return self.clock.now()

    def spend(self, seconds: float, purpose: str) -> None:
        """Let time pass with all terminals as they are, booked under a purpose such as "settle".

        Raises:
            UsageError: for seconds that are negative or not finite.
        """
        _check(seconds)
        with self.lock:
            self._pass(seconds, purpose)
        self._wait(seconds)

    def sense(self, number: int, seconds: float) -> Sensed:
        """Return the mean at the terminals of a channel over the seconds, which are spent as "aperture".

        Raises:
            UsageError: for seconds that are negative or not finite.
        """
        _check(seconds)
        with self.lock:
            self.open_aperture(number)
            self._pass(seconds, "aperture")
            sensed = self.close_aperture(number)
        self._wait(seconds)
        return sensed

    def open_aperture(self, number: int) -> None:
        """Have a channel integrate all time that passes from now on."""
        with self.lock:
            self._apertures.open(number)

    def close_aperture(self, number: int) -> Sensed:
        """Return the mean of a channel since its aperture was opened; if no time has passed, what it is now."""
        with self.lock:
            return self._apertures.close(number) or _sensed(self._present(None), number)

    def _pass(self, seconds: float, purpose: str) -> None:
        if self._apertures and seconds > 0:
            purpose = "aperture"
            self._integrate(seconds)
        else:
            for _ in self._course(seconds, purpose):
                pass
        self.clock.book(purpose, seconds)

    def _integrate(self, seconds: float) -> None:
        """Let every open aperture see the same seconds, flips and noise included."""
        stretch = self.array.stretch(slice(0, 1))
        course = [(solved, end - begin) for solved, begin, end in self._course(seconds, "aperture", look=True)]
        solved = course[-1][0]
        added = None if self._noise is None else self._noise.amperes(solved.point, stretch, self.now(), seconds)
        for number in self._apertures:
            seen = mean([(part, _sensed(each, number)) for each, part in course])
            if added is not None:
                seen = seen._replace(amperes=seen.amperes + float(solved.shares[:, number] @ added))
            self._apertures.add(number, seconds, seen)

    def _course(self, seconds: float, purpose: str, *, look: bool = False) -> Iterator[tuple[Solved, float, float]]:
        """Let the array live through the seconds; yield what was, from flip to flip (at rest only for a `look`)."""
        at_rest = 0.0 if look or self.seen_by_pads is not None else REST_VOLTS
        if self._largest_volts() <= at_rest:
            if look:
                yield self._present(None), 0.0, seconds
            self.array.rest(seconds)
            self._record(0.0, seconds, np.zeros(self._cabling.lines), purpose)
            return
        for solved, begin, end in self.array.course(self._present, seconds):
            self._record(begin, end, solved.line_volts, purpose)
            yield solved, begin, end

    def _largest_volts(self) -> float:
        """Return a bound on the voltage between any two nodes: in a passive network none is outside of its sources."""
        levels = [setting.level for setting in self.settings if setting.source == "volts"]
        if any(setting.source == "amperes" and setting.level != 0.0 for setting in self.settings):
            return float("inf")
        return max([0.0, *levels]) - min([0.0, *levels])

    def _record(self, begin: float, end: float, line_volts: FloatArray, purpose: str) -> None:
        if self.seen_by_pads is not None and end > begin:
            self.seen_by_pads.append(Segment(self.now() + begin, end - begin, line_volts, purpose))

    def _wait(self, seconds: float) -> None:
        if self._realtime_factor > 0:
            time.sleep(seconds * self._realtime_factor)

    # -- the network -------------------------------------------------------------------------------------------------

    def _present(self, start: FloatArray | None) -> Solved:
        """Return the solution of this moment, the last one if nothing has changed; `start` as in `Drive.solve`."""
        revision = self.array.revision
        if self._solved is None or self._solved[0] != revision:
            self._solved = (revision, self._drive.solve(self.array, self._closed, tuple(self.settings), start))
        return self._solved[1]

    def set_channel(self, number: int, setting: Setting) -> None:
        """Change what a channel does, at once."""
        with self.lock:
            self.settings[number] = setting
            self._solved = None

    def move(self, matrix: str, opening: Collection[Crosspoint], closing: Collection[Crosspoint]) -> None:
        """Open relays, then close others, all at once; those that move under voltage are events."""
        with self.lock:
            if self._largest_volts() > HOT_VOLTS:
                apart = self._closed - {(matrix, relay) for relay in opening}
                self._watch(matrix, sorted({*opening, *closing}), apart)
            self.rewire(matrix, opening, closing)

    def rewire(self, matrix: str, opening: Collection[Crosspoint], closing: Collection[Crosspoint]) -> None:
        """Change which relays are closed, whatever the voltage."""
        with self.lock:
            self._closed = self._closed - {(matrix, relay) for relay in opening} | {
                (matrix, relay) for relay in closing
            }
            self._solved = None

    def _watch(self, matrix: str, moving: Sequence[Crosspoint], apart: frozenset[Relay]) -> None:
        """Note the relays with a voltage across their contacts while all that move are open."""
        if not moving:
            return
        solved = self._drive.solve(self.array, apart, tuple(self.settings), None)
        node_volts = self._cabling.routing(apart).shares @ solved.port_volts
        for relay in moving:
            volts = self._cabling.volts_across((matrix, relay), node_volts)
            if abs(volts) > HOT_VOLTS:
                self.events.append(HotSwitch(self.now(), matrix, relay, volts))


def _sensed(solved: Solved, number: int) -> Sensed:
    volts, amperes = solved.channel_volts[number], solved.channel_amperes[number]
    return Sensed(float(volts), float(amperes), bool(solved.limited[number]))


def _check(seconds: float) -> None:
    if not 0 <= seconds < float("inf"):
        raise UsageError(f"{seconds!r} s cannot be spent; give zero or more")
