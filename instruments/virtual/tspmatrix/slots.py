"""The `slot` table of a TSP matrix: what a card says of itself."""

from __future__ import annotations

from collections.abc import Mapping

from instruments.virtual.tspmatrix.cards import CARD_FIRMWARE, CARD_SERIAL, EMPTY, Card, Kind
from labmtj.virtual.tsp.tree import Group, Members, Reading, Setting, one_of

INTERLOCKS_CLOSED = 3
FEATURES = {"digitalio": Kind.DIGITAL, "totalizer": Kind.TOTALIZER, "analogoutput": Kind.DAC}
"""of the channels of a card, by the name of the attribute"""


def slot_table(fitted: Mapping[int, str], known: Mapping[str, Card], slots: int, *, backplane: bool) -> Group:
    """Return the table.

    Args:
        fitted: card model by slot.
        known: cards that the mainframe takes.
        slots: of the mainframe.
        backplane: whether cards have backplane relays with an interlock (3706A).
    """
    pseudo = {"PSEUDO_NONE": 0, **{f"PSEUDO_{model.replace('-', '_')}": index for index, model in enumerate(known, 1)}}
    tables = {slot: _slot(slot, fitted.get(slot), known, backplane=backplane) for slot in range(1, slots + 1)}
    return Group("slot", {**pseudo, **tables})


def _slot(slot: int, model: str | None, known: Mapping[str, Card], *, backplane: bool) -> Group:
    name, card = f"slot[{slot}]", known.get(model or "")
    interlocked = card is not None and backplane and not card.ports
    return Group(
        name,
        {
            "idn": EMPTY if card is None else f"{model},{card.description},{CARD_FIRMWARE},{CARD_SERIAL}",
            **_flags(name, card),
            "interlock": Group(
                f"{name}.interlock",
                {
                    "state": _fixed(INTERLOCKS_CLOSED if interlocked else None),
                    "override": Setting(0.0, one_of(0, 1)) if interlocked else _fixed(None),
                },
            ),
            "pseudocard": Setting(0.0, one_of(*range(len(known) + 1))) if card is None else _fixed(None),
        },
    )


def _flags(name: str, card: Card | None) -> Members:
    """Return what can only be read; nil where the card has no such thing."""
    switching = None if card is None or card.ports else card
    matrix = None if switching is None or switching.multiplexer else switching
    multiplexer = None if switching is None or not switching.multiplexer else switching
    poles = {"one": 1, "two": 2, "four": 4}
    return {
        "matrix": _fixed(None if matrix is None else 1),
        "multiplexer": _fixed(None if multiplexer is None else 1),
        "digio": _fixed(1 if card is not None and Kind.DIGITAL in card.ports else None),
        "totalizer": _fixed(1 if card is not None and Kind.TOTALIZER in card.ports else None),
        "analogoutput": _fixed(1 if card is not None and Kind.DAC in card.ports else None),
        "isolated": _fixed(None), "tempsensor": _fixed(None), "commonsideohms": _fixed(None),
        "maxvoltage": _fixed(None if card is None else card.most_volts),
        "rows": Group(f"{name}.rows", {"matrix": _fixed(None if matrix is None else matrix.rows)}),
        "columns": Group(f"{name}.columns", {"matrix": _fixed(None if matrix is None else matrix.columns)}),
        "banks": Group(f"{name}.banks", {"matrix": _fixed(None if matrix is None else 1)}),
        "poles": Group(
            f"{name}.poles",
            {
                each: _fixed(None if switching is None else int(count in switching.poles))
                for each, count in poles.items()
            },
        ),
        "thermal": Group(f"{name}.thermal", {"state": _fixed(None if card is None else 0)}),
        "startchannel": Group(f"{name}.startchannel", {each: _fixed(ends[0]) for each, ends in _ends(card).items()}),
        "endchannel": Group(f"{name}.endchannel", {each: _fixed(ends[1]) for each, ends in _ends(card).items()}),
    }  # fmt: skip


def _ends(card: Card | None) -> Mapping[str, tuple[int | None, int | None]]:
    """Return the first and the last channel with a feature; the channels of a matrix are not counted so."""
    ends: dict[str, tuple[int | None, int | None]] = dict.fromkeys(("amps", "isolated", "voltage"), (None, None))
    if card is not None and card.multiplexer and not card.ports:
        ends["voltage"] = (1, card.columns)
    for feature, kind in FEATURES.items():
        found = [number for number, port in enumerate(card.ports, 1) if port is kind] if card is not None else []
        ends[feature] = (found[0], found[-1]) if found else (None, None)
    return ends


def _fixed(value: float | None) -> Reading:
    return Reading(lambda: None if value is None else float(value))
