"""Keithley 7001 and 7002 switch systems as they answer on the wire, with matrix cards.

What has no source here is from memory, unverified.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from labmtj.errors import UsageError
from labmtj.virtual.network.matrix import SCPIMatrix
from labmtj.virtual.network.terminals import Box, Crosspoint
from labmtj.virtual.scpi.errors import SCPIError
from labmtj.virtual.scpi.status import StatusRegisters
from labmtj.virtual.scpi.table import Call, Setting, command, one
from labmtj.virtual.scpi.values import Number, Switch, Whole, Word, channel_list, digits, spelling


@dataclass(frozen=True)
class Card:
    """A matrix card."""

    rows: int
    columns: int
    relay_seconds: float


CARDS = {
    "7012-S": Card(4, 10, 3e-3),
    "7152": Card(4, 5, 15e-3),
    "7153": Card(4, 5, 15e-3),
}
PATTERNS = 100
LAYERS = {
    "arm": ":ARM[:SEQuence#][:LAYer[1]]", "second arm": ":ARM[:SEQuence#]:LAYer2", "trigger": ":TRIGger[:SEQuence#]",
}  # fmt: skip
SOURCES = "HOLD|MANual|IMMediate|TIMer|BUS|TLINk|EXTernal"
IDLE, WAITS_FOR_ARM = 1 << 10, 1 << 6
"""of the operation condition register"""


class Keithley7000(StatusRegisters, SCPIMatrix):
    """What both models have in common.

    Args:
        box: with relays, and the card model of each slot.
    """

    model: ClassVar[str]
    slots: ClassVar[int]
    names_in = "instruments.virtual.series7000"
    manual_of = "Keithley 7001, 7002"
    suffixes = frozenset(range(1, 11))
    settings = (
        Setting("settle", ":ROUTe:CONFigure:SLOT#:STIMe", Number(0.0, 99999.999), 0.0),
        Setting("pole", ":ROUTe:CONFigure:SLOT#:POLE", Whole(1, 4), 2),
        Setting("break first", ":ROUTe:CONFigure:BBMake", Switch(), default=True),
        Setting("single channel", ":ROUTe:CONFigure:SCHannel", Switch(), default=False),
        Setting("card pair", ":ROUTe:CONFigure:CPAir", Switch(), default=False),
        *(
            Setting(f"{layer} {name}", f"{node}:{header}", kind, default)
            for layer, node in LAYERS.items()
            for name, header, kind, default in (
                ("count", "COUNt", Whole(1, 99999), 1),
                ("source", "SOURce", Word(SOURCES), "IMM"),
                ("delay", "DELay", Number(0.0, 99999.999), 0.0),
            )
        ),
        Setting("display", ":DISPlay:ENABle", Switch(), default=True),
    )

    def __init__(self, box: Box) -> None:
        self._cards = {slot: CARDS[model] for slot, model in box.cards.items()}
        self._types = dict(box.cards)
        self._patterns: dict[str, frozenset[Crosspoint]] = {}
        self._scan: tuple[str, ...] = ()
        self._forbidden: tuple[Crosspoint, ...] = ()
        self.waiting = False
        """for a trigger of the scan"""
        super().__init__(box)

    @classmethod
    def geometry(cls, cards: Mapping[int, str]) -> dict[int, tuple[int, int]]:
        """Return rows and columns by slot; UsageError for a card that it does not know."""
        if unknown := [card for card in cards.values() if card not in CARDS]:
            raise UsageError(f"a virtual {cls.model} takes no card {unknown[0]!r}; cards are {', '.join(CARDS)}")
        return {slot: (CARDS[card].rows, CARDS[card].columns) for slot, card in cards.items()}

    def identity(self) -> str:
        """Return the answer to `*IDN?`, blanks as on a real one."""
        return f"KEITHLEY INSTRUMENTS INC.,MODEL {self.model}, {self.box.serial},A04  /A01"

    def reset(self) -> None:
        """Open all, forget the scan list."""
        self._scan, self.waiting = (), False
        super().reset()

    def condition(self, name: str) -> int:
        """Return the bits that hold now: waiting for the first arm layer, or idle."""
        return (WAITS_FOR_ARM if self.waiting else IDLE) if name == "OPER" else 0

    def relay_seconds(self, moved: Iterable[Crosspoint]) -> float:
        """Return the time of the slowest card, with the settling time set for its slot."""
        return max(self._cards[slot].relay_seconds + float(self.values[slot]["settle"]) for slot, _, _ in moved)

    # Which relays

    def _crosspoints(self, call: Call) -> list[Crosspoint]:
        found: list[Crosspoint] = []
        for first, last in channel_list(one(call)):
            if first.upper() in self._patterns and first == last:
                found.extend(sorted(self._patterns[first.upper()]))
            else:
                found.extend(self._range(self._crosspoint(first), self._crosspoint(last)))
        return found

    def _crosspoint(self, name: str) -> Crosspoint:
        parts = name.split("!")
        if len(parts) != 3 or not all(digits(part, 3) for part in parts):
            raise SCPIError(-222)
        slot, row, column = map(int, parts)
        card = self._cards.get(slot)
        if card is None or not (1 <= row <= card.rows and 1 <= column <= card.columns):
            raise SCPIError(-222)
        return slot, row, column

    def _range(self, first: Crosspoint, last: Crosspoint) -> Sequence[Crosspoint]:
        if first == last:
            return [first]
        if first[0] != last[0] or first > last:
            raise SCPIError(-222)
        slot, card = first[0], self._cards[first[0]]
        every = [(slot, row, column) for row in range(1, card.rows + 1) for column in range(1, card.columns + 1)]
        return [each for each in every if first <= each <= last]

    # Closing and opening

    @command("[:ROUTe]:CLOSe")
    def _close(self, call: Call) -> None:
        self._close_all(self._crosspoints(call))

    def _close_all(self, wanted: Sequence[Crosspoint]) -> None:
        """Close relays: with their partners of a card pair, and in single channel mode all others open."""
        values, closing = self.values[1], set(wanted)
        if values["card pair"]:
            partners = {(slot + 1 if slot % 2 else slot - 1, row, column) for slot, row, column in wanted}
            closing |= {each for each in partners if each[0] in self._cards}
        if closing & set(self._forbidden):
            raise SCPIError(-221)
        if values["single channel"]:
            closing = {max(closing)} if not values["card pair"] else closing
            self.move(self.relays.closed() - closing, closing)
        else:
            self.move((), closing)

    @command("[:ROUTe]:FCHannels")
    def _forbid(self, call: Call) -> None:
        self._forbidden = tuple(self._crosspoints(call))

    @command("[:ROUTe]:FCHannels?")
    def _forbidden_channels(self) -> str:
        return _listed(self._forbidden)

    @command("[:ROUTe]:CLOSe?")
    def _are_closed(self, call: Call) -> str:
        closed = self.relays.closed()
        return ",".join("1" if each in closed else "0" for each in self._crosspoints(call))

    @command("[:ROUTe]:CLOSe:STATe?")
    def _closed(self) -> str:
        return _listed(sorted(self.relays.closed()))

    @command("[:ROUTe]:OPEN")
    def _open(self, call: Call) -> None:
        if spelling("ALL", one(call)):
            self._open_all()
        else:
            self.move(self._crosspoints(call), ())

    @command("[:ROUTe]:OPEN:ALL")
    def _open_all(self) -> None:
        self.move(self.relays.closed(), ())

    @command("[:ROUTe]:OPEN?")
    def _are_open(self, call: Call) -> str:
        closed = self.relays.closed()
        return ",".join("0" if each in closed else "1" for each in self._crosspoints(call))

    # Patterns and scans

    @command("[:ROUTe]:MEMory:SAVE")
    def _save(self, call: Call) -> None:
        self._patterns[self._pattern(call)] = self.relays.closed()

    @command("[:ROUTe]:MEMory:RECall")
    def _recall(self, call: Call) -> None:
        wanted = self._patterns.get(self._pattern(call))
        if wanted is None:
            raise SCPIError(-222)
        self.move(self.relays.closed() - wanted, wanted)

    def _pattern(self, call: Call) -> str:
        name = one(call).upper()
        if not (name[:1] == "M" and digits(name[1:], 3) and 1 <= int(name[1:]) <= PATTERNS):
            raise SCPIError(-222)
        return name

    @command("[:ROUTe]:SCAN[:INTernal]")
    def _set_scan(self, call: Call) -> None:
        self._crosspoints(call)
        self._scan = call.arguments

    @command("[:ROUTe]:SCAN[:INTernal]?")
    def _scan_list(self) -> str:
        return ",".join(self._scan) or "(@)"

    @command("[:ROUTe]:SCAN:POINts?")
    def _scan_points(self) -> str:
        return str(len(self._crosspoints(Call((), self._scan)))) if self._scan else "0"

    # Cards

    @command(":ROUTe:CONFigure:SLOT#:CTYPe?")
    def _card_type(self, call: Call) -> str:
        return "C" + self._types.get(call.channel, "NONE").replace("-", "")

    @command(":ROUTe:CONFigure:SLOT#:CTYPe")
    def _set_card_type(self, call: Call) -> None:
        known = {f"C{model.replace('-', '')}": model for model in CARDS}
        if one(call).upper() not in known or call.channel > self.slots:
            raise SCPIError(-224)
        self._types[call.channel] = known[one(call).upper()]  # a name only: relays are not made by naming a card

    @command(":INITiate[:IMMediate]")
    def _initiate(self) -> None:
        self.waiting = any(self.values[1][f"{layer} source"] not in ("IMM", "TIM") for layer in LAYERS)
        if not self.waiting:
            self._run_scan()

    def trigger(self) -> None:
        """Go on after a trigger of the bus, if it is the one that is waited for."""
        if self.waiting and "BUS" in (self.values[1][f"{layer} source"] for layer in LAYERS):
            self.waiting = False
            self._run_scan()

    def _run_scan(self) -> None:
        """Close the channels of the scan list one after another, each opening the one before; the last stays closed."""
        values = self.values[1]
        count = values["trigger count"] * values["arm count"] * values["second arm count"]
        points = self._crosspoints(Call((), self._scan)) if self._scan else []
        for index in range(count if points else 0):
            if self.stopped.is_set():
                break
            wanted = points[index % len(points)]
            self.move(set(points) - {wanted}, [wanted])
            self.box.time.spend(values["trigger delay"], "settle")

    @command(":ABORt")
    def _abort(self) -> None:
        self.waiting = False

    def device_clear(self) -> None:
        """Stop what runs or waits."""
        super().device_clear()
        self.waiting = False


def _listed(crosspoints: Iterable[Crosspoint]) -> str:
    return "(@" + ",".join("!".join(map(str, each)) for each in crosspoints) + ")"


class Keithley7001(Keithley7000):
    """Two slots."""

    model, slots = "7001", 2


class Keithley7002(Keithley7000):
    """Ten slots."""

    model, slots = "7002", 10
