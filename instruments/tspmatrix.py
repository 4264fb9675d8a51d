"""What Keithley's TSP matrices share: cards by slot, crosspoints by name, relays moved and checked on the box."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pymeasure.adapters import Adapter
from pymeasure.instruments import Instrument
from pymeasure.instruments.validators import strict_discrete_set

from instruments.cards import Mainframe
from instruments.factorynames import NameTest, tests_of
from instruments.relied_on import ReliedOn, commands, lines, questions, refusals
from instruments.tsp import TSPInstrument, model_of
from instruments.tspnumbers import number
from labmtj.shots import Identity

LONGEST_LIST = 120
"""Relays named in one statement, so that its line stays short enough."""
END_SCAN = "if scan then scan.abort() end"
"""a scan in the background would go on to move relays"""
OWN_CHANNELS, OWN_SCAN = "localnode.channel", "localnode.scan"
"""stay the box's own when a script has given `channel` to something else: a node has an entry for each of its logical
instruments (2600A reference 19-12; `node[N].slot` in the 707B reference 5-28)"""
MAKING_SAFE = (END_SCAN, f"{OWN_SCAN}.abort()", f'{OWN_CHANNELS}.open("allslots")')
IF_SAFE = (f"print({OWN_SCAN}.state())", f'print({OWN_CHANNELS}.getclose("allslots"))')
SCAN_RUNS = 2
"""`scan.RUNNING`, the first value of `scan.state()`"""


class TSPMatrix(Mainframe, TSPInstrument):
    """Implements `labmtj.verbs.SwitchMatrix`; a model adds its slots, its cards and how it names a crosspoint.

    Args:
        adapter: VISA resource, or an adapter of PyMeasure.
        name: of the instrument on the bench.
        cards: card model by slot; `identify` checks them. None: `identify` takes what it finds.
        kwargs: for PyVISA.

    Raises:
        UsageError: a slot does not exist, or a card is not in the table.
    """

    grounds_open_lines = False
    unsafe_state = "relays may be closed"
    _is_set_up = False
    """whether the settings that this driver relies on were brought to what it needs"""
    _forbidden: frozenset[str] = frozenset()
    """crosspoints that the box does not close"""

    def __init__(
        self, adapter: Adapter | str | int, name: str, *, cards: Mapping[int, str] | None = None, **kwargs: Any
    ) -> None:
        self._take_cards(name, cards)
        super().__init__(adapter, name, **kwargs)

    connect_rule = Instrument.control(
        "print(channel.connectrule)", "channel.connectrule = %d",
        """Control how an exclusive close moves relays (str "at once", "break before make", "make before break").""",
        validator=strict_discrete_set, values={"at once": 0, "break before make": 1, "make before break": 2},
        map_values=True,
    )  # fmt: skip
    connect_sequentially = Instrument.control(
        "print(channel.connectsequential)", "channel.connectsequential = %d",
        """Control whether relays move one at a time (bool).""",
        validator=strict_discrete_set, values={False: 0, True: 1}, map_values=True,
    )  # fmt: skip

    def identify(self) -> Identity:
        """Ask who answers; InstrumentError for another model, or another card than expected."""
        identity = super().identify()
        slots = sorted(self.cards) or list(range(1, self.slots + 1))
        found = dict(zip(slots, self.each(self.run(*map(_identity, slots)), len(slots)), strict=True))
        models = {slot: model_of(idn) for slot, idn in found.items()}
        wrong = [slot for slot in self.cards if models[slot] != self.cards[slot]]
        if wrong:
            slot = wrong[0]
            problem = f"has {models[slot]} in slot {slot}, not {self.cards[slot]}; correct the cards in the bench file"
            raise self.complaint(problem, _identity(slot), found[slot])
        self.cards = {slot: model for slot, model in models.items() if model in self.known_cards}
        return identity

    def relied_on(self) -> tuple[ReliedOn, ...]:
        """Return what the driver relies on, whatever an earlier user left in the box."""
        some = ":".join(next(self._rows(), [""])[:2])
        delays = (
            ReliedOn(
                f"extra delay of slot {slot}",
                f'channel.setdelay("slot{slot}", 2)',
                f'channel.setdelay("slot{slot}", 0)',
            )
            for slot in sorted(self.cards)
        )
        return (
            ReliedOn(
                "running scan", f'scan.create("{some}") scan.scancount = 1e6 scan.background()', END_SCAN,
                f"scan and scan.state() == {SCAN_RUNS} and 1 or 0", 0, "it goes on to move relays; switch the box off",
            ),
            ReliedOn(
                "connection rule", "channel.connectrule = channel.OFF",
                "channel.connectrule = channel.BREAK_BEFORE_MAKE", "channel.connectrule", 1,
            ),
            ReliedOn(
                "moving one relay after another", "channel.connectsequential = channel.ON",
                "channel.connectsequential = channel.OFF", "channel.connectsequential", 0,
            ),
            *delays,
        )  # fmt: skip

    def expect_nothing(self) -> None:
        """Forget all settings; they are set anew before the next relay moves."""
        self._is_set_up = False
        super().expect_nothing()

    def closed(self) -> frozenset[str]:
        """Ask which relays are closed, once nothing in the box moves them by itself.

        Raises:
            InstrumentError: the box keeps a setting that this driver cannot work with.
        """
        self._set_up()
        return _names(self.ask('print(channel.getclose("allslots"))'))

    def _set_up(self) -> None:
        """Bring what an earlier user may have changed to what is relied on; InstrumentError for what cannot be."""
        if self._is_set_up:
            return
        self.require_own_names()
        table = self.relied_on()
        slots = sorted(self.cards)
        asked = [f"print({question})" for question in questions(table, "")]
        printed = self.each(self.run(*commands(table, ""), *asked, *_asked_of(slots)), len(asked) + 2 * len(slots))
        kept = [self.parsed(line, 1)[0] for line in printed[: len(asked)]]
        names = [name for row in self._rows() for name in row]
        problems = [
            *refusals(table, kept),
            *_misleading(names, ",".join(printed[len(asked) : len(asked) + len(slots)])),
        ]
        if problems:
            raise self.complaint("; ".join(problems), reply="\n".join(printed))
        self._forbidden = _names(",".join(printed[len(asked) + len(slots) :]))
        self._is_set_up = True

    def switch(self, opening: Sequence[str], closing: Sequence[str]) -> None:
        """Open, then close, in one script; the box closes nothing unless it has opened everything.

        Each step is over when its relays have settled.

        Raises:
            InstrumentError: a relay does not exist, is forbidden, or did not move.
        """
        if not opening and not closing:
            return
        self._set_up()
        if forbidden := sorted(self._forbidden.intersection(closing)):
            listed = ", ".join(forbidden)
            problem = f"does not close relays {listed}: they are forbidden; wire around them, or free them with"
            raise self.complaint(f'{problem} channel.clearforbidden("{",".join(forbidden)}")')
        seconds = 2 * self.relay_seconds * (len(opening) + len(closing))
        reply = self.line(self.script(*_moving(opening, closing), seconds=seconds))
        closed = _names(reply)
        self._complain_of("stay closed", sorted(closed & (set(opening) - set(closing))), reply)
        self._complain_of("do not close", sorted(set(closing) - closed), reply)

    def self_test(self) -> list[str]:
        """Return errors left in the queue, and crosspoints that the box is forbidden to close."""
        found, slots = super().self_test(), sorted(self.cards)
        replies = self.each(self.run(*(f'print(channel.getforbidden("slot{slot}"))' for slot in slots)), len(slots))
        forbidden = sorted(_names(",".join(replies)))
        return found + ([f"crosspoints {', '.join(forbidden)} are forbidden to close"] if forbidden else [])

    def closures(self) -> Mapping[str, int]:
        """Return how often each crosspoint of the known cards has closed; the box keeps count on the cards."""
        rows = list(self._rows())
        asked = [f'print(channel.getcount("{row[0]}:{row[-1]}"))' for row in rows]
        printed = self.each(self.run(*asked), len(rows))
        counts: dict[str, int] = {}
        for row, reply in zip(rows, printed, strict=True):
            try:
                counts |= zip(row, map(_count, re.split("[,;]", reply)), strict=True)
            except ValueError as error:
                raise self.complaint(
                    f"does not report a count for each of {row[0]} to {row[-1]}", reply=reply
                ) from error
        return counts

    def make_safe(self) -> None:
        """End a scan, open every relay; InstrumentError if one stays closed, a scan goes on, or no answer comes."""
        *scan, reply = self._insist(MAKING_SAFE, *IF_SAFE) or [""]
        self._complain_of("stay closed", sorted(_names(reply)), reply)
        # a box without scans prints nothing
        if scan and number(scan[0].split("\t")[0]) == SCAN_RUNS:
            raise self.complaint("does not end its scan, which goes on to move relays; switch it off", reply=scan[0])

    def _names_to_make_safe(self) -> list[NameTest]:
        return tests_of([*MAKING_SAFE[1:], *IF_SAFE])

    def _names_to_work(self) -> list[NameTest]:
        some = next(self._rows(), [""])[:1]
        slots = sorted(self.cards)
        every = [*lines(self.relied_on(), ""), *_asked_of(slots), *_moving(some, some), *(map(_identity, slots))]
        return [*super()._names_to_work(), *tests_of(every)]

    def _rows(self) -> Iterator[list[str]]:
        for slot, card in self._cards().items():
            for row in range(1, card.rows + 1):
                yield [self._name(slot, row, column) for column in range(1, card.columns + 1)]

    def _complain_of(self, what: str, relays: Sequence[str], reply: str) -> None:
        if relays:
            raise self.complaint(f"relays {', '.join(relays)} {what}; nothing more was moved", reply=reply)


def _identity(slot: int) -> str:
    return f"print(slot[{slot}].idn)"


def _asked_of(slots: Sequence[int]) -> list[str]:
    """Return lines that print the labels of each slot, then its forbidden crosspoints."""
    return [f'print(channel.{each}("slot{slot}"))' for each in ("getlabel", "getforbidden") for slot in slots]


def _moving(opening: Sequence[str], closing: Sequence[str]) -> list[str]:
    """Return a script that opens, then closes relays if all have opened, and prints which are closed."""
    return [
        *(f'channel.open("{names}")' for names in _lists(opening)),
        "local opened = errorqueue.count == 0",
        *(f'opened = opened and channel.getclose("{names}") == nil' for names in _lists(opening)),
        *(f'if opened then channel.close("{names}") end' for names in _lists(closing)),
        'print(channel.getclose("allslots"))',
    ]


def _names(reply: str) -> frozenset[str]:
    """Return the relays of a reply such as "1205;1306" or "1001(1031),1002(1032)"; the pair in brackets comes along."""
    text = re.sub(r"\([^)]*\)", "", reply)
    return frozenset(name.strip() for name in re.split("[,;]", text) if name.strip() not in ("", "nil"))


def _misleading(names: Sequence[str], labels: str) -> list[str]:
    """Return a problem for each label that is the name of another crosspoint: the box takes the label first."""
    own = zip(names, map(str.strip, labels.split(",")), strict=False)
    return [
        f"crosspoint {name} has the label {label}, which is the name of another one; clear it with "
        f'channel.setlabel("{name}", "")'
        for name, label in own
        if label != name and label in names
    ]


def _lists(names: Sequence[str]) -> list[str]:
    return [",".join(names[start : start + LONGEST_LIST]) for start in range(0, len(names), LONGEST_LIST)]


def _count(text: str) -> int:
    return int(number(text))
