"""A TSP matrix in the helper process: the language, its channels and its slots."""

from __future__ import annotations

from collections.abc import Mapping

from instruments.virtual.tspmatrix.cards import CARD_FIRMWARE, CARD_SERIAL, CARDS_707, CARDS_3706, EMPTY, Card
from instruments.virtual.tspmatrix.matrix import Matrix
from instruments.virtual.tspmatrix.names import Names
from labmtj.virtual.tsp.clock import Remote
from labmtj.virtual.tsp.engine import Engine, Nature
from labmtj.virtual.tsp.tree import Group, Members, Reading, Setting, number, truth

SLOTS = {"707B": 6, "708B": 1, "3706A": 6}
INTERLOCKS_CLOSED = 3


def build(remote: Remote, model: str, serial: str, line_hertz: float, cards: Mapping[str, str]) -> Engine:
    """Return the engine of a 707B, a 708B or a 3706A."""
    is_3706 = model == "3706A"
    firmware = "01.55a" if is_3706 else "1.03"  # the first as recorded, the second from memory
    maker = "KEITHLEY INSTRUMENTS INC.,MODEL 3706A," if is_3706 else f"Keithley Instruments Inc., Model {model}, "
    identity = f"{maker}{serial},{firmware}" if is_3706 else f"{maker}{serial}, {firmware}"
    engine = Engine(Nature(model, identity, serial, firmware, line_hertz), remote)
    known = CARDS_3706 if is_3706 else CARDS_707
    models = {int(slot): card for slot, card in cards.items()}
    names = Names({slot: known[card] for slot, card in models.items()}, letters=not is_3706)
    matrix = Matrix(engine, names)
    engine.resets.append(matrix.reset)
    slots = {slot: _slot(slot, models.get(slot), known, is_3706=is_3706) for slot in range(1, SLOTS[model] + 1)}
    engine.extend({"channel": matrix.group, "slot": Group("slot", slots), **_mainframe()})
    return engine


def _slot(slot: int, model: str | None, cards: Mapping[str, Card], *, is_3706: bool) -> Group:
    card = cards[model] if model is not None else None
    identity = f"{model},{card.description},{CARD_FIRMWARE},{CARD_SERIAL}" if card is not None else EMPTY
    matrix = card is not None and not card.multiplexer
    name = f"slot[{slot}]"
    rows, columns = (float(card.rows), float(card.columns)) if card is not None and matrix else (None, None)
    interlock = float(INTERLOCKS_CLOSED) if card is not None and is_3706 else None
    return Group(
        name,
        {
            "idn": identity,
            "rows": Group(f"{name}.rows", {"matrix": Reading(lambda: rows)}),
            "columns": Group(f"{name}.columns", {"matrix": Reading(lambda: columns)}),
            "interlock": Group(f"{name}.interlock", {"state": Reading(lambda: interlock)}),
            "pseudocard": Setting(0.0, number),
        },
    )


def _mainframe() -> Members:
    """Return what public drivers also ask a mainframe for."""
    return {
        "memory": Group("memory", {"available": lambda: "94.10,98.20"}),
        "gpib": Group("gpib", {"address": Setting(16.0, number)}),
        "comm": Group(
            "comm",
            {name: Group(f"comm.{name}", {"enable": Setting(default=True, accept=truth)}) for name in ("gpib", "lan")},
        ),
        "lan": Group(
            "lan",
            {
                "reset": lambda: None,
                "status": Group("lan.status", {"ipaddress": Reading(lambda: "127.0.0.1")}),
            },
        ),
    }
