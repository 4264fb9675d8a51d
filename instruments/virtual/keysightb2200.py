"""Keysight B2200A and B2201A switch mainframes as they answer on the wire, and their ancestor E5250A.

Besides the relays that one closes there are implied ones: in bias mode (and in ground mode, not on the E5250A) every
enabled output that is connected to nothing is connected to the bias (ground) input. Page numbers are those of the
B2200 user's guide; what has none is from memory, unverified.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from labmtj.errors import UsageError
from labmtj.virtual.matrix import SCPIMatrix
from labmtj.virtual.scpi_engine import SCPIEngine
from labmtj.virtual.scpi_errors import SCPIError
from labmtj.virtual.scpi_table import Call, Setting, after, check, command, one
from labmtj.virtual.scpi_values import Switch, Whole, Word, channel_list, digits, number, only, quoted, spelling
from labmtj.virtual.terminals import Box, Crosspoint

OUTPUTS = 12
"""of a card"""
RELAY_SECONDS = 10e-3
"""of a command that moves relays (an assumption)"""
AUTO = 0
"""the number of all cards together, in the auto configuration"""

ERRORS = {-221: "Settings conflict"}


@dataclass(frozen=True)
class CardSetting(Setting):
    """A setting with a value per card, whose number comes first: `:BIAS 0,ON`, `:BIAS? 0`."""

    def addressed(self, box: SCPIEngine, call: Call) -> tuple[Sequence[int], tuple[str, ...]]:
        """Return the cards and what follows their number."""
        assert isinstance(box, KeysightE5250A)
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


def _port_mode(name: str, node: str, port: int, inputs: int) -> tuple[Setting, ...]:
    return (
        CardSetting(name, f"[:ROUTe]:{node}[:STATe]", Switch(), default=False),
        CardSetting(f"{name} port", f"[:ROUTe]:{node}:PORT", Whole(-1, inputs), port),
    )


class KeysightE5250A(SCPIMatrix):
    """Ten inputs, bias mode.

    Args:
        box: with relays, and the card model of each slot.
    """

    inputs: ClassVar[int] = 10
    known_cards: ClassVar[tuple[str, ...]] = ("E5252A",)
    name_plate: ClassVar[str] = "HEWLETT-PACKARD,E5250A,0,A.02.00"
    suffixes = frozenset(range(5))
    error_texts = ERRORS
    queue_depth = 30
    modes: ClassVar[tuple[str, ...]] = ("bias",)
    settings = (
        CardSetting("rule", "[:ROUTe]:CONNection:RULE", Word("FREE|SROUte"), "FREE"),
        CardSetting("sequence", "[:ROUTe]:CONNection:SEQuence", Word("NSEQ|BBM|MBBR"), "BBM"),
        *_port_mode("bias", "BIAS", 10, 10),
    )

    def __init__(self, box: Box) -> None:
        self._slots = sorted(box.cards)
        self._auto = True
        self._connected: set[Crosspoint] = set()
        self._enabled: dict[str, set[Crosspoint]] = {}
        super().__init__(box)

    @classmethod
    def geometry(cls, cards: Mapping[int, str]) -> dict[int, tuple[int, int]]:
        """Return inputs and outputs by slot; UsageError for a card that it does not know."""
        if unknown := [card for card in cards.values() if card not in cls.known_cards]:
            raise UsageError(f"{unknown[0]!r} is no card of a virtual {cls.__name__}: {', '.join(cls.known_cards)}")
        return dict.fromkeys(cards, (cls.inputs, OUTPUTS))

    def identity(self) -> str:
        """Return the answer to `*IDN?` (5-7)."""
        return self.name_plate

    def error_reply(self, code: int, text: str) -> str:
        """Return an error with its sign, also for none."""
        return f'{code:+d},"{text}"'

    def reset(self) -> None:
        """Open everything, all modes off, every output enabled."""
        self._connected = set()
        self._enabled = {mode: {(slot, 1, out) for slot in self._slots for out in self._outputs} for mode in self.modes}
        self._auto = True
        super().reset()

    _outputs = range(1, OUTPUTS + 1)

    # Names

    def cards_named(self, text: str) -> tuple[int, ...]:
        """Return the card numbers that a parameter means: 0 in the auto configuration, else 1 to 4, or ALL."""
        known = (AUTO,) if self._auto else tuple(self._slots)
        if spelling("ALL", text):
            return known
        if not digits(text, 3) or int(text) not in known:
            raise SCPIError(-222)
        return (int(text),)

    def _slot_and_output(self, card: int, output: int) -> tuple[int, int]:
        if self._auto:
            place, output = divmod(output - 1, OUTPUTS)
            if card != AUTO or not 0 <= place < len(self._slots):
                raise SCPIError(-222)
            return self._slots[place], output + 1
        if card not in self._slots or output not in self._outputs:
            raise SCPIError(-222)
        return card, output

    def _crosspoint(self, word: int) -> Crosspoint:
        card, port, output = word // 10000, word // 100 % 100, word % 100
        if not 1 <= port <= self.inputs:
            raise SCPIError(-222)
        slot, output = self._slot_and_output(card, output)
        return slot, port, output

    def _crosspoints(self, call: Call) -> list[Crosspoint]:
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
            for slot in self._slots:
                for output in self._outputs:
                    if self._numbers(first) <= self._numbers((slot, port, output)) <= self._numbers(last):
                        yield slot, port, output

    def _numbers(self, crosspoint: Crosspoint) -> tuple[int, int, int]:
        slot, port, output = crosspoint
        return (AUTO, port, self._slots.index(slot) * OUTPUTS + output) if self._auto else (slot, port, output)

    def _show(self, crosspoints: set[Crosspoint]) -> str:
        words = sorted(self._numbers(each) for each in crosspoints)
        return "(@" + ",".join(f"{card:d}{port:02d}{output:02d}" for card, port, output in words) + ")"

    def _of(self, card: int, crosspoints: set[Crosspoint]) -> set[Crosspoint]:
        return {each for each in crosspoints if card in (AUTO, each[0])}

    def _state(self, slot: int) -> dict[str, Any]:
        return self.values[AUTO if self._auto else slot]

    # Relays

    def _implied(self) -> set[Crosspoint]:
        """Return the connections of the outputs that have none of their own (5-33)."""
        taken = {(slot, output) for slot, _, output in self._connected}
        return {
            (slot, self._state(slot)[f"{mode} port"], output)
            for mode in self.modes
            for slot, _, output in self._enabled[mode]
            if (slot, output) not in taken and self._state(slot)[mode] and self._state(slot)[f"{mode} port"] > 0
        }

    def relay_seconds(self, moved: Iterable[Crosspoint]) -> float:  # noqa: ARG002
        """Return the time of one step."""
        return RELAY_SECONDS

    def _update(self) -> None:
        wanted, present = self._connected | self._implied(), self.relays.closed()
        going, coming = frozenset(present - wanted), frozenset(wanted - present)
        nothing: frozenset[Crosspoint] = frozenset()
        steps = {
            "BBM": [(going, nothing), (nothing, coming)],
            "MBBR": [(nothing, coming), (going, nothing)],
            "NSEQ": [(going, coming)],
        }[self._state(self._slots[0])["sequence"] if self._slots else "BBM"]
        moving = [step for step in steps if step[0] or step[1]]
        for opened, closed in moving:
            self.relays.operate(sorted(opened), sorted(closed))
            self.box.time.spend(RELAY_SECONDS / len(moving), "relay")

    def _with_partners(self, crosspoints: Sequence[Crosspoint]) -> set[Crosspoint]:
        """Return the crosspoints, and those that move along with them."""
        return set(crosspoints)

    def _check_ports(self, crosspoints: Sequence[Crosspoint]) -> None:
        """Refuse an input that belongs to a mode that is on (5-33)."""
        for slot, port, _ in crosspoints:
            state = self._state(slot)
            if any(state[mode] and state[f"{mode} port"] == port for mode in self.modes):
                raise SCPIError(-221)

    @command("[:ROUTe]:CLOSe[:LIST]")
    def _close(self, call: Call) -> None:
        crosspoints = self._crosspoints(call)
        self._check_ports(crosspoints)
        pairs = [self._with_partners([each]) for each in crosspoints]
        for each, pair in zip(crosspoints, pairs, strict=True):
            if self._state(each[0])["rule"] == "SROU":  # a new connection frees the old ones of both its ports
                self._connected = {old for old in self._connected if not any(_share(old, new) for new in pair)}
            self._connected |= pair
        self._update()

    @command("[:ROUTe]:OPEN[:LIST]")
    def _open(self, call: Call) -> None:
        crosspoints = self._crosspoints(call)
        self._check_ports(crosspoints)
        self._connected -= self._with_partners(crosspoints)
        self._update()

    @command("[:ROUTe]:OPEN:CARD")
    def _open_card(self, call: Call) -> None:
        for card in self.cards_named(one(call)):
            self._connected -= self._of(card, self._connected)
        self._update()

    @command("[:ROUTe]:CLOSe[:LIST]?")
    def _are_closed(self, call: Call) -> str:
        return ",".join("1" if each in self._connected else "0" for each in self._crosspoints(call))

    @command("[:ROUTe]:OPEN[:LIST]?")
    def _are_open(self, call: Call) -> str:
        return ",".join("0" if each in self._connected else "1" for each in self._crosspoints(call))

    @command("[:ROUTe]:CLOSe:CARD?")
    def _closed_of_card(self, call: Call) -> str:
        return self._show(self._of(self.cards_named(one(call))[0], self._connected))

    # Configuration and modes

    @command("[:ROUTe]:FUNCtion")
    def _configure(self, call: Call) -> None:
        auto = Word("ACONfig|NCONfig").read(call.arguments, "ACON") == "ACON"
        self.reset()
        self._auto = auto

    @command("[:ROUTe]:FUNCtion?")
    def _configuration(self) -> str:
        return "ACON" if self._auto else "NCON"

    @check("bias")
    def _check_bias(self, _name: str, channel: int, on: bool) -> bool:  # noqa: FBT001 (called by position)
        if on and self.values[channel].get("ground"):
            raise SCPIError(-221)
        return on

    @check("bias port")
    def _check_port(self, _name: str, _channel: int, port: int) -> int:
        if port == 0:
            raise SCPIError(-222)
        return port

    @after("bias", "bias port")
    def _mode_changed(self, _name: str, _channel: int) -> None:
        self._update()

    @command("[:ROUTe]:BIAS:CHANnel:ENABle[:LIST]")
    def _bias_enable(self, call: Call) -> None:
        self._enable("bias", self._crosspoints(call), on=True)

    @command("[:ROUTe]:BIAS:CHANnel:DISable[:LIST]")
    def _bias_disable(self, call: Call) -> None:
        self._enable("bias", self._crosspoints(call), on=False)

    @command("[:ROUTe]:BIAS:CHANnel:ENABle:CARD")
    def _bias_enable_card(self, call: Call) -> None:
        self._enable("bias", self._all_of(call), on=True)

    @command("[:ROUTe]:BIAS:CHANnel:DISable:CARD")
    def _bias_disable_card(self, call: Call) -> None:
        self._enable("bias", self._all_of(call), on=False)

    @command("[:ROUTe]:BIAS:CHANnel:ENABle[:LIST]?")
    def _bias_enabled(self, call: Call) -> str:
        return self._are_enabled("bias", call)

    @command("[:ROUTe]:BIAS:CHANnel:ENABle:CARD?")
    def _bias_enabled_card(self, call: Call) -> str:
        return self._show(self._of(self.cards_named(one(call))[0], self._enabled["bias"]))

    def _all_of(self, call: Call) -> list[Crosspoint]:
        cards = self.cards_named(one(call))
        return [(slot, 1, out) for slot in self._slots for out in self._outputs if AUTO in cards or slot in cards]

    def _enable(self, mode: str, crosspoints: Sequence[Crosspoint], *, on: bool) -> None:
        outputs = {(slot, 1, output) for slot, _, output in crosspoints}
        self._enabled[mode] = self._enabled[mode] | outputs if on else self._enabled[mode] - outputs
        self._update()

    def _are_enabled(self, mode: str, call: Call) -> str:
        enabled = {(slot, output) for slot, _, output in self._enabled[mode]}
        return ",".join("1" if (slot, out) in enabled else "0" for slot, _, out in self._crosspoints(call))

    # The rest

    @command(":SYSTem:CDEScription?")
    def _card_description(self, call: Call) -> str:
        text = one(call)
        slot = int(text) if digits(text, 1) else 0
        return f'"{self.box.cards.get(slot, "No Card")}"'

    @command(":SYSTem:CPON")
    def _card_power_on(self, call: Call) -> None:
        self._open_card(call)

    @command("[:ROUTe]:SYMBol:CHANnel", "[:ROUTe]:SYMBol:PORT", ":DISPlay", ":DIAGnostic:TEST:CARD:CLEar")
    def _accepted(self, _call: Call) -> None:
        """Show nothing: there is no panel."""


def _share(old: Crosspoint, new: Crosspoint) -> bool:
    return old != new and (old[1] == new[1] or (old[0], old[2]) == (new[0], new[2]))


class KeysightB2200A(KeysightE5250A):
    """Fourteen inputs, ground mode, Kelvin pairs; femtoampere cards."""

    inputs = 14
    known_cards = ("B2210A", "B2211A")
    name_plate = "AGILENT,B2200A,0,A.01.00"
    modes = ("bias", "ground")
    settings = (
        *KeysightE5250A.settings[:2],
        *_port_mode("bias", "BIAS", 10, 14),
        *_port_mode("ground", "AGND", 12, 14),
        CardSetting("unused", "[:ROUTe]:AGND:UNUSED", Ports(frozenset(range(1, 15))), ()),
        CardSetting("couple", "[:ROUTe]:COUPle[:STATe]", Switch(), default=False),
        CardSetting("couple ports", "[:ROUTe]:COUPle:PORT", Ports(frozenset(range(1, 14, 2))), ()),
    )

    @check("ground")
    def _check_ground(self, _name: str, channel: int, on: bool) -> bool:  # noqa: FBT001 (called by position)
        if on and self.values[channel]["bias"]:
            raise SCPIError(-221)
        return on

    @check("ground port")
    def _check_ground_port(self, name: str, channel: int, port: int) -> int:
        return self._check_port(name, channel, port)

    @after("ground", "ground port")
    def _ground_changed(self, name: str, channel: int) -> None:
        self._mode_changed(name, channel)

    @command("[:ROUTe]:AGND:CHANnel:ENABle[:LIST]")
    def _ground_enable(self, call: Call) -> None:
        self._enable("ground", self._crosspoints(call), on=True)

    @command("[:ROUTe]:AGND:CHANnel:DISable[:LIST]")
    def _ground_disable(self, call: Call) -> None:
        self._enable("ground", self._crosspoints(call), on=False)

    @command("[:ROUTe]:AGND:CHANnel:ENABle:CARD")
    def _ground_enable_card(self, call: Call) -> None:
        self._enable("ground", self._all_of(call), on=True)

    @command("[:ROUTe]:AGND:CHANnel:DISable:CARD")
    def _ground_disable_card(self, call: Call) -> None:
        self._enable("ground", self._all_of(call), on=False)

    @command("[:ROUTe]:AGND:CHANnel:ENABle[:LIST]?")
    def _ground_enabled(self, call: Call) -> str:
        return self._are_enabled("ground", call)

    @command("[:ROUTe]:AGND:CHANnel:ENABle:CARD?")
    def _ground_enabled_card(self, call: Call) -> str:
        return self._show(self._of(self.cards_named(one(call))[0], self._enabled["ground"]))

    @command("[:ROUTe]:COUPle:PORT:DETect")
    def _detect_pairs(self, _call: Call) -> None:
        """Find no pairs: no Kelvin cable is plugged in."""

    def _with_partners(self, crosspoints: Sequence[Crosspoint]) -> set[Crosspoint]:
        """Return the crosspoints and, of Kelvin pairs, the even input on the next output."""
        found = set(crosspoints)
        for slot, port, output in crosspoints:
            state = self._state(slot)
            if state["couple"] and port in state["couple ports"]:
                if output == OUTPUTS:
                    raise SCPIError(-222)
                found.add((slot, port + 1, output + 1))
            elif state["couple"] and port - 1 in state["couple ports"]:
                raise SCPIError(-221)
        return found


class KeysightB2201A(KeysightB2200A):
    """The same with low-leakage cards."""

    name_plate = "AGILENT,B2201A,0,A.01.00"
