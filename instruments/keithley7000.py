"""Keithley 7001 (2 slots) and 7002 (10 slots): relay mainframes with matrix cards, SCPI over GPIB."""

from __future__ import annotations

import re
from typing import Any

from pymeasure.instruments import Instrument

from instruments.cards import Card
from instruments.relied_on import ReliedOn
from instruments.scpimatrix import SCPIMatrix
from labmtj.errors import InstrumentError

CARDS = {  # rows, columns and times from memory, unverified
    "7012-S": Card(4, 10, 0.003),
    "7152": Card(4, 5, 0.003),
    "7153": Card(4, 5, 0.003),
}


_CROSSPOINT = re.compile(r"(\d{1,2})!(\d{1,2})!(\d{1,3})")


class Keithley7002(SCPIMatrix):
    """Represents the Keithley 7002 Switch System; crosspoints are "slot!row!column", as in "1!2!5"."""

    models = ("7002",)
    slots = 10
    known_cards = CARDS
    closed_query = ":ROUT:CLOS:STAT?"
    open_all = ":ROUT:OPEN ALL"

    closed_list = Instrument.measurement(
        ":ROUT:CLOS:STAT?", """Get the list of closed channels (str), such as "(@1!1!1,1!2!3)".""",
        cast=str, maxsplit=0,
    )  # fmt: skip

    def __init__(self, adapter: Any, name: str = "Keithley 7002", **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)

    def self_test(self) -> list[str]:
        """Return the errors that were waiting in the queue, and the slots that hold another card than expected."""
        found = super().self_test()
        for slot, model in self.cards.items():
            try:
                answer = self.exchange(f":ROUT:CONF:SLOT{slot}:CTYP?")[0]
            except InstrumentError as error:
                found.append(f"slot {slot} does not report its card: {error.problem}")
                continue
            if answer.strip('"').upper() != "C" + model.replace("-", ""):
                found.append(f"slot {slot} holds {answer}, not {model}")
        return found

    def _name(self, slot: int, row: int, column: int) -> str:
        return f"{slot}!{row}!{column}"

    def relied_on(self) -> tuple[ReliedOn, ...]:
        """Return what the driver relies on."""
        scanner = (
            ReliedOn("running scan", ":ROUT:SCAN (@1!1!1,1!1!2);:ARM:SOUR BUS;:INIT", ":ABOR"),
            ReliedOn("single channel mode", ":ROUT:CONF:SCH 1", ":ROUT:CONF:SCH 0"),
            ReliedOn("card pair mode", ":ROUT:CONF:CPA 1", ":ROUT:CONF:CPA 0"),
            ReliedOn("break before make", ":ROUT:CONF:BBM 0", ":ROUT:CONF:BBM 1"),
            ReliedOn("service request mask", "*SRE 36", "*SRE 0"),
        )
        delays = (
            ReliedOn(f"settling time of slot {slot}", f":ROUT:CONF:SLOT{slot}:STIM 2", f":ROUT:CONF:SLOT{slot}:STIM 0")
            for slot in sorted(self.cards)
        )
        return (*scanner, *delays)

    def _listed(self, reply: str) -> frozenset[str]:
        return frozenset(name for entry in self._entries(reply) for name in self._expanded(entry, reply))

    def _expanded(self, entry: str, reply: str) -> list[str]:
        """Return the crosspoints of one entry; a range runs on over the rows of one card."""
        ends = [_CROSSPOINT.fullmatch(end) for end in entry.split(":")]
        points = [tuple(map(int, end.groups())) for end in ends if end is not None]
        if len(points) != len(ends) or len(points) > 2:
            raise self.taint(f"answered {entry!r}, which is not a crosspoint", reply)
        if len(points) == 1:
            return [self._name(*points[0])]
        (slot, *first), (other, *last) = points
        card = self._cards().get(slot)
        if card is None or other != slot or first > last:
            raise self.taint(f"answered the range {entry!r}, which is not one of a card that it should have", reply)
        every = [[row, column] for row in range(1, card.rows + 1) for column in range(1, card.columns + 1)]
        if first not in every or last not in every:
            raise self.taint(f"answered the range {entry!r}, which its card does not have", reply)
        return [self._name(slot, row, column) for row, column in every if first <= [row, column] <= last]


class Keithley7001(Keithley7002):
    """Represents the Keithley 7001 Switch System, the same with two slots."""

    models = ("7001",)
    slots = 2

    def __init__(self, adapter: Any, name: str = "Keithley 7001", **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)
