"""The terminals that the network hands to the boxes: channels and relays; see `labmtj.virtual.network.terminals`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from labmtj.virtual.network.drive import Setting
from labmtj.virtual.network.terminals import Crosspoint, Sensed

if TYPE_CHECKING:
    from labmtj.virtual.network.network import Network


class VirtualChannel:
    """A `Channel` of the network; made by it.

    With remote sense it regulates where its cable ends, at the bus or pad; without, at its own terminals. It sees
    nothing beyond a relay in either case.
    """

    def __init__(self, network: Network, number: int) -> None:
        self._network, self._number = network, number

    def source_volts(self, volts: float, limit_amperes: float) -> None:
        """Hold a voltage, up to a current."""
        self._set(source="volts", level=volts, limit=abs(limit_amperes))

    def source_amperes(self, amperes: float, limit_volts: float) -> None:
        """Drive a current, up to a voltage."""
        self._set(source="amperes", level=amperes, limit=abs(limit_volts))

    def release(self) -> None:
        """Open the output relay: the terminals float."""
        self._set(source="off", level=0.0, limit=0.0)

    def remote_sense(self, *, on: bool) -> None:
        """Sense at the far end of the cable (4-wire), or at the terminals."""
        self._set(remote=on)

    def sense(self, seconds: float) -> Sensed:
        """Integrate over an aperture; the time is spent. Zero seconds is an instantaneous look, without noise."""
        return self._network.sense(self._number, seconds)

    def open_aperture(self) -> None:
        """Begin to integrate all time that passes."""
        self._network.open_aperture(self._number)

    def close_aperture(self) -> Sensed:
        """End the aperture and return the mean over it; if no time has passed, an instantaneous look."""
        return self._network.close_aperture(self._number)

    def _set(self, **changes: object) -> None:
        with self._network.lock:
            setting: Setting = replace(self._network.settings[self._number], **changes)  # type: ignore[arg-type]
            self._network.set_channel(self._number, setting)


class VirtualRelays:
    """The `Relays` of one matrix of the network; made by it.

    Args:
        network: that they are part of.
        matrix: its name.
        crosspoints: all that exist.
    """

    def __init__(self, network: Network, matrix: str, crosspoints: Iterable[Crosspoint]) -> None:
        self._network, self._matrix = network, matrix
        self._all = frozenset(crosspoints)
        self._commanded: frozenset[Crosspoint] = frozenset()
        self._stuck: dict[Crosspoint, bool] = {}
        self._closures: Counter[Crosspoint] = Counter()

    def operate(self, opened: Iterable[Crosspoint], closed: Iterable[Crosspoint]) -> None:
        """Move relays at once: open, then close. The caller spends the time; KeyError for a relay that is not there."""
        opening, closing = self._known(opened), self._known(closed)
        with self._network.lock:
            before = self._really_closed()
            self._commanded = (self._commanded - opening) | closing
            after = self._really_closed()
            self._closures.update(after - before)
            self._network.move(self._matrix, before - after, after - before)

    def closed(self) -> frozenset[Crosspoint]:
        """Return the relays that were commanded to close (a stuck relay may be elsewhere)."""
        return self._commanded

    def closures(self) -> Mapping[Crosspoint, int]:
        """Return how often each relay has closed; those that never did are left out."""
        with self._network.lock:
            return dict(self._closures)

    def stick(self, crosspoint: Crosspoint, *, closed: bool) -> None:
        """Break a relay: from now on it stays closed, or open, whatever the command."""
        self._break({**self._stuck, **dict.fromkeys(self._known([crosspoint]), closed)})

    def mend(self) -> None:
        """Release all relays to where they were commanded."""
        self._break({})

    def _break(self, stuck: dict[Crosspoint, bool]) -> None:
        with self._network.lock:
            before = self._really_closed()
            self._stuck = stuck
            after = self._really_closed()
            self._network.rewire(self._matrix, before - after, after - before)

    def _really_closed(self) -> frozenset[Crosspoint]:
        stuck_closed = {relay for relay, closed in self._stuck.items() if closed}
        return (self._commanded | stuck_closed) - (self._stuck.keys() - stuck_closed)

    def _known(self, relays: Iterable[Crosspoint]) -> frozenset[Crosspoint]:
        chosen = frozenset(relays)
        if unknown := chosen - self._all:
            raise KeyError(f"{self._matrix} has no relay at slot, row, column {min(unknown)}")
        return chosen
