"""Keithley 7001 (2 slots) and 7002 (10 slots): relay mainframes with matrix cards, SCPI over GPIB."""

from __future__ import annotations

import re
from typing import Any

from pymeasure.instruments import Instrument

from instruments.cards import Card
from instruments.scpimatrix import SCPIMatrix
from labmtj.errors import InstrumentError

CARDS = {  # rows, columns and times from memory, unverified
    "7012-S": Card(4, 10, 0.003),
    "7152": Card(4, 5, 0.003),
    "7153": Card(4, 5, 0.003),
}


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
                found.append(f"slot {slot} does not tell its card: {error.problem}")
                continue
            if answer.strip('"').upper() != "C" + model.replace("-", ""):
                found.append(f"slot {slot} holds {answer}, not {model}")
        return found

    def _name(self, slot: int, row: int, column: int) -> str:
        return f"{slot}!{row}!{column}"

    def _listed(self, reply: str) -> frozenset[str]:
        found = re.fullmatch(r"\(@\s*([\d!:,\s]*)\)", reply)
        if found is None:
            raise self.distrust("answered something that is no channel list", reply)
        return frozenset(name for part in found[1].replace(" ", "").split(",") if part for name in _expanded(part))


class Keithley7001(Keithley7002):
    """Represents the Keithley 7001 Switch System, the same with two slots."""

    models = ("7001",)
    slots = 2

    def __init__(self, adapter: Any, name: str = "Keithley 7001", **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)


def _expanded(part: str) -> list[str]:
    """Return the crosspoints of one entry; a range runs over columns of one row."""
    first, _, last = part.partition(":")
    if not last:
        return [first]
    head, start = first.rsplit("!", 1)
    return [f"{head}!{column}" for column in range(int(start), int(last.rsplit("!", 1)[-1]) + 1)]
