"""Connections of a B2200: those that one closes, and those that a port mode implies for outputs without any."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from instruments.virtual.seriesb2200.cards import Cards
from labmtj.virtual.network.terminals import Box, Crosspoint
from labmtj.virtual.scpi.errors import SCPIError
from labmtj.virtual.scpi.table import Call, command, one

RELAY_SECONDS = 10e-3
"""of a command that moves relays (an assumption)"""


class Connecting(Cards):
    """A mainframe that connects."""

    modes: ClassVar[tuple[str, ...]] = ("bias",)
    """that imply connections"""

    def __init__(self, box: Box) -> None:
        self.connected: set[Crosspoint] = set()
        self.enabled: dict[str, set[Crosspoint]] = {}
        super().__init__(box)

    def reset(self) -> None:
        """Open everything, all modes off, every output enabled."""
        self.connected = set()
        self.enabled = {mode: {(slot, 1, out) for slot in self.slots for out in self.outputs} for mode in self.modes}
        self.auto = True
        super().reset()

    def _implied(self) -> set[Crosspoint]:
        """Return the connections of the outputs that have none of their own (5-33)."""
        taken = {(slot, output) for slot, _, output in self.connected}
        return {
            (slot, self.state(slot)[f"{mode} port"], output)
            for mode in self.modes
            for slot, _, output in self.enabled[mode]
            if (slot, output) not in taken and self.state(slot)[mode] and self.state(slot)[f"{mode} port"] > 0
        }

    def relay_seconds(self, moved: Iterable[Crosspoint]) -> float:  # noqa: ARG002
        """Return the time of one step."""
        return RELAY_SECONDS

    def update(self) -> None:
        """Bring the relays to what is connected and implied, in the order that is set."""
        wanted, present = self.connected | self._implied(), self.relays.closed()
        going, coming = frozenset(present - wanted), frozenset(wanted - present)
        nothing: frozenset[Crosspoint] = frozenset()
        steps = {
            "BBM": [(going, nothing), (nothing, coming)],
            "MBBR": [(nothing, coming), (going, nothing)],
            "NSEQ": [(going, coming)],
        }[self.state(self.slots[0])["sequence"] if self.slots else "BBM"]
        moving = [step for step in steps if step[0] or step[1]]
        for opened, closed in moving:
            self.relays.operate(sorted(opened), sorted(closed))
            self.box.time.spend(RELAY_SECONDS / len(moving), "relay")

    def with_partners(self, crosspoints: Sequence[Crosspoint]) -> set[Crosspoint]:
        """Return the crosspoints, and those that move along with them."""
        return set(crosspoints)

    def _check_ports(self, crosspoints: Sequence[Crosspoint]) -> None:
        """Refuse an input that belongs to a mode that is on (5-33)."""
        for slot, port, _ in crosspoints:
            state = self.state(slot)
            if any(state[mode] and state[f"{mode} port"] == port for mode in self.modes):
                raise SCPIError(-221)

    @command("[:ROUTe]:CLOSe[:LIST]")
    def _close(self, call: Call) -> None:
        crosspoints = self.crosspoints(call)
        self._check_ports(crosspoints)
        pairs = [self.with_partners([each]) for each in crosspoints]
        for each, pair in zip(crosspoints, pairs, strict=True):
            if self.state(each[0])["rule"] == "SROU":  # a new connection frees the old ones of both its ports
                self.connected = {old for old in self.connected if not any(_share(old, new) for new in pair)}
            self.connected |= pair
        self.update()

    @command("[:ROUTe]:OPEN[:LIST]")
    def _open(self, call: Call) -> None:
        crosspoints = self.crosspoints(call)
        self._check_ports(crosspoints)
        self.connected -= self.with_partners(crosspoints)
        self.update()

    @command("[:ROUTe]:OPEN:CARD")
    def _open_card(self, call: Call) -> None:
        for card in self.cards_named(one(call)):
            self.connected -= self.of_card(card, self.connected)
        self.update()

    @command("[:ROUTe]:CLOSe[:LIST]?")
    def _are_closed(self, call: Call) -> str:
        return ",".join("1" if each in self.connected else "0" for each in self.crosspoints(call))

    @command("[:ROUTe]:OPEN[:LIST]?")
    def _are_open(self, call: Call) -> str:
        return ",".join("0" if each in self.connected else "1" for each in self.crosspoints(call))

    @command("[:ROUTe]:CLOSe:CARD?")
    def _closed_of_card(self, call: Call) -> str:
        return self.show(self.of_card(self.cards_named(one(call))[0], self.connected))


def _share(old: Crosspoint, new: Crosspoint) -> bool:
    return old != new and (old[1] == new[1] or (old[0], old[2]) == (new[0], new[2]))
