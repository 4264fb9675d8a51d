"""Names of cards, outputs and crosspoints on a B2200: by card, or counted through over all cards (auto)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from labmtj.errors import UsageError
from labmtj.virtual.network.matrix import SCPIMatrix
from labmtj.virtual.network.terminals import Box, Crosspoint
from labmtj.virtual.scpi.engine import SCPIEngine
from labmtj.virtual.scpi.errors import SCPIError
from labmtj.virtual.scpi.table import Call, Setting, one
from labmtj.virtual.scpi.values import channel_list, digits, number, only, quoted, spelling

OUTPUTS = 12
"""of a card"""
AUTO = 0
"""the number of all cards together, in the auto configuration"""


@dataclass(frozen=True)
class CardSetting(Setting):
    """A setting with a value per card, whose number comes first: `:BIAS 0,ON`, `:BIAS? 0`."""

    def addressed(self, box: SCPIEngine, call: Call) -> tuple[Sequence[int], tuple[str, ...]]:
        """Return the cards and what follows their number."""
        assert isinstance(box, Cards)
        return box.cards_named(only(call.arguments, 99)), call.arguments[1:]


@dataclass(frozen=True)
class Ports:
    """A list of inputs in quotation marks, such as '1,3,5'; empty for none."""

    allowed: frozenset[int]

    def read(self, arguments: Sequence[str], _default: Any) -> tuple[int, ...]:
        """Read it."""
        inside = quoted(only(arguments)).strip()
        ports = sorted({round(number(part.strip())) for part in inside.split(",")}) if inside else []
        if not self.allowed.issuperset(ports):
            raise SCPIError(-222)
        return tuple(ports)

    def show(self, value: Any, _style: str) -> str:
        """Show it."""
        return "'" + ",".join(map(str, value)) + "'"


class Cards(SCPIMatrix):
    """A mainframe that knows its crosspoints by name.

    Args:
        box: with relays, and the card model of each slot.
    """

    inputs: ClassVar[int] = 10
    known_cards: ClassVar[tuple[str, ...]] = ()

    def __init__(self, box: Box) -> None:
        self.slots = sorted(box.cards)
        self.auto = True
        super().__init__(box)

    @classmethod
    def geometry(cls, cards: Mapping[int, str]) -> dict[int, tuple[int, int]]:
        """Return inputs and outputs by slot; UsageError for a card that it does not know."""
        if unknown := [card for card in cards.values() if card not in cls.known_cards]:
            raise UsageError(f"{unknown[0]!r} is not a card of a virtual {cls.__name__}: {', '.join(cls.known_cards)}")
        return dict.fromkeys(cards, (cls.inputs, OUTPUTS))

    outputs = range(1, OUTPUTS + 1)

    def cards_named(self, text: str) -> tuple[int, ...]:
        """Return the card numbers that a parameter means: 0 in the auto configuration, else 1 to 4, or ALL."""
        known = (AUTO,) if self.auto else tuple(self.slots)
        if spelling("ALL", text):
            return known
        if not digits(text, 3) or int(text) not in known:
            raise SCPIError(-222)
        return (int(text),)

    def _slot_and_output(self, card: int, output: int) -> tuple[int, int]:
        if self.auto:
            place, output = divmod(output - 1, OUTPUTS)
            if card != AUTO or not 0 <= place < len(self.slots):
                raise SCPIError(-222)
            return self.slots[place], output + 1
        if card not in self.slots or output not in self.outputs:
            raise SCPIError(-222)
        return card, output

    def _crosspoint(self, word: int) -> Crosspoint:
        card, port, output = word // 10000, word // 100 % 100, word % 100
        if not 1 <= port <= self.inputs:
            raise SCPIError(-222)
        slot, output = self._slot_and_output(card, output)
        return slot, port, output

    def crosspoints(self, call: Call) -> list[Crosspoint]:
        """Return the crosspoints that a list names, ranges included."""
        found = []
        for first, last in channel_list(one(call)):
            if not (digits(first, 5) and digits(last, 5)):
                raise SCPIError(-104)
            if first == last:
                found.append(self._crosspoint(int(first)))
            else:
                found.extend(self._range(self._crosspoint(int(first)), self._crosspoint(int(last))))
        return found

    def _range(self, first: Crosspoint, last: Crosspoint) -> Iterator[Crosspoint]:
        """Yield all from the first input and output to the last ones, input by input."""
        if self._numbers(first) > self._numbers(last):
            raise SCPIError(-222)
        for port in range(1, self.inputs + 1):
            for slot in self.slots:
                for output in self.outputs:
                    if self._numbers(first) <= self._numbers((slot, port, output)) <= self._numbers(last):
                        yield slot, port, output

    def _numbers(self, crosspoint: Crosspoint) -> tuple[int, int, int]:
        slot, port, output = crosspoint
        return (AUTO, port, self.slots.index(slot) * OUTPUTS + output) if self.auto else (slot, port, output)

    def show(self, crosspoints: set[Crosspoint]) -> str:
        """Return crosspoints as a list is sent."""
        words = sorted(self._numbers(each) for each in crosspoints)
        return "(@" + ",".join(f"{card:d}{port:02d}{output:02d}" for card, port, output in words) + ")"

    def of_card(self, card: int, crosspoints: set[Crosspoint]) -> set[Crosspoint]:
        """Return those of the crosspoints that are on a card."""
        return {each for each in crosspoints if card in (AUTO, each[0])}

    def all_of(self, call: Call) -> list[Crosspoint]:
        """Return all outputs of the cards that a command names."""
        cards = self.cards_named(one(call))
        return [(slot, 1, out) for slot in self.slots for out in self.outputs if AUTO in cards or slot in cards]

    def state(self, slot: int) -> dict[str, Any]:
        """Return the settings that hold for a card."""
        return self.values[AUTO if self.auto else slot]
