"""What virtual relay matrices have in common: relays that move all together or not at all, and take their time."""

from __future__ import annotations

from collections.abc import Iterable

from labmtj.virtual.network.terminals import Box, Crosspoint, Relays
from labmtj.virtual.scpi.instrument import SCPIInstrument


class SCPIMatrix(SCPIInstrument):
    """A box of relays that speaks SCPI; every relay is open after power-on and `*RST`.

    Args:
        box: with relays.
    """

    def __init__(self, box: Box) -> None:
        assert box.relays is not None, f"{box.name} is a matrix and needs relays"
        self.relays: Relays = box.relays
        super().__init__(box)

    def reset(self) -> None:
        """Bring every setting to its default and open every relay."""
        super().reset()
        self.move(self.relays.closed(), ())

    def relay_seconds(self, moved: Iterable[Crosspoint]) -> float:
        """Return how long it takes until these relays have settled."""
        raise NotImplementedError

    def move(self, opened: Iterable[Crosspoint], closed: Iterable[Crosspoint]) -> None:
        """Open, then close, and wait for the relays; those that are where they should be already do not move."""
        present = self.relays.closed()
        for going, coming in (((present & set(opened)) - set(closed), ()), ((), set(closed) - present)):
            moved = [*going, *coming]
            if moved:
                self.relays.operate(sorted(going), sorted(coming))
                self.box.time.spend(self.relay_seconds(moved), "relay")
