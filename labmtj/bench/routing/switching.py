"""The one place that moves relays: never under voltage, verified by the matrix, settled before the next level."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from labmtj.bench.routing.routes import OPEN, Buses, Router
from labmtj.bench.sources import Sources
from labmtj.errors import InstrumentError, SettingError, UsageError
from labmtj.safety import Ledger
from labmtj.verbs import Clock, SwitchMatrix

LedgerOf = Callable[[str, Sequence[str]], Ledger]


class Switching:
    """The relays of all matrices of a bench.

    Args:
        matrices: by name on the bench.
        router: knows the wiring.
        sources: brought to 0 V before a relay moves.
        clock: of the bench.
        settle_seconds: from the sources at 0 V to the first relay.
        relay_settle_seconds: from the last relay, bounce over, to the next level.
        ledger_of: returns the ledger of a matrix, from its name and those of its relays in use.

    Raises:
        SettingError: naming the line or bus whose relay does not exist on the card; nothing was sent.
    """

    def __init__(
        self,
        matrices: Mapping[str, SwitchMatrix],
        router: Router,
        sources: Sources,
        clock: Clock,
        *,
        settle_seconds: float,
        relay_settle_seconds: float,
        ledger_of: LedgerOf,
    ) -> None:
        self._matrices, self._router, self._sources, self._clock = matrices, router, sources, clock
        self._settle_seconds, self._relay_settle_seconds = settle_seconds, relay_settle_seconds
        self._names = {
            (line, bus): self._name(line, bus)
            for line in np.flatnonzero(router.switched).tolist()
            for bus in range(len(router.wiring.buses))
        }
        self.ledgers = {name: ledger_of(name, self._relays_of(name)) for name in matrices}
        """closures, by matrix"""
        self._number = {
            (name, relay): number for name in matrices for number, relay in enumerate(self.ledgers[name].names)
        }
        self.present: Buses = np.full(len(router.wiring.lines), OPEN, np.intp)
        self.moved = 0
        """relays opened and closed since the bench was built"""

    def _name(self, line: int, bus: int) -> tuple[str, str]:
        """Return the matrix and the name of a relay in its language."""
        column, row = self._router.wiring.crosspoint(line, bus)
        try:
            return column.matrix, self._matrices[column.matrix].crosspoint(column.slot, row, column.number)
        except UsageError as error:
            raise SettingError(
                self._router.wiring.lines[line].key,
                f"{column} has no relay to row {row} (bus {self._router.wiring.buses[bus].name}): {error}",
            ) from None

    def _relays_of(self, matrix: str) -> list[str]:
        return sorted({relay for name, relay in self._names.values() if name == matrix})

    def arm(self) -> None:
        """Bring the relays from whatever is closed now to rest, sources at 0 V: all lines on ground."""
        rest = self._router.rest()
        wanted = self._closed(rest)
        self._move({name: matrix.closed() for name, matrix in self._matrices.items()}, wanted)
        self.present = rest

    def confirm(self) -> None:
        """Raise InstrumentError unless exactly the relays of the present routing are closed."""
        for name, wanted in self._closed(self.present).items():
            if (closed := self._matrices[name].closed()) != wanted:
                raise InstrumentError(
                    name, self._matrices[name].address,
                    f"has relays {_listed(closed - wanted)} closed and {_listed(wanted - closed)} open that should not "
                    "be; it was restarted, or another program uses it: make the bench safe and arm it again",
                )  # fmt: skip

    def recover(self) -> None:
        """Ask the boxes which relays are closed; unless it is the present routing, go from there to rest."""
        found = {name: matrix.closed() for name, matrix in self._matrices.items()}
        if found != self._closed(self.present):
            self._move(found, self._closed(self._router.rest()))
            self.present = self._router.rest()

    def route(self, wanted: Buses) -> None:
        """Move to another routing: sources to 0 V, settle, open, verify, close, verify, settle."""
        if (wanted != self.present).any():
            self._move(self._closed(self.present), self._closed(wanted))
            self.present = wanted

    def _closed(self, buses: Buses) -> dict[str, frozenset[str]]:
        """Return the relays that are closed in a routing, by matrix."""
        found: dict[str, set[str]] = {name: set() for name in self._matrices}
        for line in np.flatnonzero(buses != OPEN).tolist():
            matrix, relay = self._names[line, int(buses[line])]
            found[matrix].add(relay)
        return {name: frozenset(relays) for name, relays in found.items()}

    def _move(self, present: Mapping[str, frozenset[str]], wanted: Mapping[str, frozenset[str]]) -> None:
        opening = {name: sorted(present[name] - wanted[name]) for name in self._matrices}
        closing = {name: sorted(wanted[name] - present[name]) for name in self._matrices}
        if not any([*opening.values(), *closing.values()]):
            return
        self._sources.to_zero()
        self._clock.sleep(self._settle_seconds)
        for name, relays in closing.items():  # before they close: the process may die in between
            self.ledgers[name].counts[[self._number[name, relay] for relay in relays]] += 1
        if len(self._matrices) == 1:
            (name,) = self._matrices
            self._matrices[name].switch(opening[name], closing[name])
        else:  # no relay of any box closes before all that open have opened
            self._each(opening, {})
            self._each({}, closing)
        self.moved += sum(map(len, opening.values())) + sum(map(len, closing.values()))
        self._clock.sleep(self._relay_settle_seconds)

    def _each(self, opening: Mapping[str, list[str]], closing: Mapping[str, list[str]]) -> None:
        for name, matrix in self._matrices.items():
            if opening.get(name) or closing.get(name):
                matrix.switch(opening.get(name, ()), closing.get(name, ()))

    def closings(self, routings: Iterable[Buses]) -> dict[str, NDArray[np.int64]]:
        """Return how often each relay would close on the way from the present routing through others, by matrix."""
        found = {name: np.zeros_like(ledger.counts) for name, ledger in self.ledgers.items()}
        present = self.present
        for wanted in routings:
            for line in np.flatnonzero((wanted != present) & (wanted != OPEN)).tolist():
                matrix, relay = self._names[line, int(wanted[line])]
                found[matrix][self._number[matrix, relay]] += 1
            present = wanted
        return found

    def closures(self) -> dict[str, int]:
        """Return how often each relay has closed, as "matrix:relay", as far as the boxes count."""
        return {
            f"{name}:{relay}": count
            for name, matrix in self._matrices.items()
            for relay, count in matrix.closures().items()
        }


def _listed(relays: frozenset[str]) -> str:
    return ", ".join(sorted(relays)) or "(none)"
