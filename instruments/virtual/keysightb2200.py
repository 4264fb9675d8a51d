"""Keysight B2200A and B2201A switch mainframes as they answer on the wire, and their ancestor E5250A.

Besides the relays that one closes there are implied ones: in bias mode (and in ground mode, not on the E5250A) every
enabled output that is connected to nothing is connected to the bias (ground) input. Page numbers are those of the
B2200 user's guide; what has none is from memory, unverified.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from instruments.virtual.seriesb2200.cards import OUTPUTS, CardSetting, Ports
from instruments.virtual.seriesb2200.connections import Connecting
from labmtj.virtual.network.terminals import Crosspoint
from labmtj.virtual.scpi.errors import SCPIError
from labmtj.virtual.scpi.table import Call, Setting, after, check, command, one
from labmtj.virtual.scpi.values import Switch, Whole, Word, digits

ERRORS = {-221: "Settings conflict"}


def _port_mode(name: str, node: str, port: int, inputs: int) -> tuple[Setting, ...]:
    return (
        CardSetting(name, f"[:ROUTe]:{node}[:STATe]", Switch(), default=False),
        CardSetting(f"{name} port", f"[:ROUTe]:{node}:PORT", Whole(-1, inputs), port),
    )


class KeysightE5250A(Connecting):
    """Ten inputs, bias mode.

    Args:
        box: with relays, and the card model of each slot.
    """

    inputs: ClassVar[int] = 10
    known_cards: ClassVar[tuple[str, ...]] = ("E5252A",)
    name_plate: ClassVar[str] = "HEWLETT-PACKARD,E5250A,0,A.02.00"
    names_in = "instruments.virtual.seriesb2200"
    suffixes = frozenset(range(5))
    error_texts = ERRORS
    queue_depth = 30
    settings = (
        CardSetting("rule", "[:ROUTe]:CONNection:RULE", Word("FREE|SROUte"), "FREE"),
        CardSetting("sequence", "[:ROUTe]:CONNection:SEQuence", Word("NSEQ|BBM|MBBR"), "BBM"),
        *_port_mode("bias", "BIAS", 10, 10),
    )

    def identity(self) -> str:
        """Return the answer to `*IDN?` (5-7)."""
        return self.name_plate

    def error_reply(self, code: int, text: str) -> str:
        """Return an error with its sign, also for none."""
        return f'{code:+d},"{text}"'

    # Configuration and modes

    @command("[:ROUTe]:FUNCtion")
    def _configure(self, call: Call) -> None:
        auto = Word("ACONfig|NCONfig").read(call.arguments, "ACON") == "ACON"
        self.reset()
        self.auto = auto

    @command("[:ROUTe]:FUNCtion?")
    def _configuration(self) -> str:
        return "ACON" if self.auto else "NCON"

    @check("bias")
    def _check_bias(self, _name: str, channel: int, on: bool) -> bool:  # noqa: FBT001 (called by position)
        if on and self.values[channel].get("ground"):
            raise SCPIError(-221)
        return on

    @check("bias port")
    def check_port(self, _name: str, _channel: int, port: int) -> int:
        """Refuse an input that there is not; -1 is none."""
        if port == 0:
            raise SCPIError(-222)
        return port

    @after("bias", "bias port")
    def mode_changed(self, _name: str, _channel: int) -> None:
        """Move what a mode has changed."""
        self.update()

    @command("[:ROUTe]:BIAS:CHANnel:ENABle[:LIST]")
    def _bias_enable(self, call: Call) -> None:
        self.enable("bias", self.crosspoints(call), on=True)

    @command("[:ROUTe]:BIAS:CHANnel:DISable[:LIST]")
    def _bias_disable(self, call: Call) -> None:
        self.enable("bias", self.crosspoints(call), on=False)

    @command("[:ROUTe]:BIAS:CHANnel:ENABle:CARD")
    def _bias_enable_card(self, call: Call) -> None:
        self.enable("bias", self.all_of(call), on=True)

    @command("[:ROUTe]:BIAS:CHANnel:DISable:CARD")
    def _bias_disable_card(self, call: Call) -> None:
        self.enable("bias", self.all_of(call), on=False)

    @command("[:ROUTe]:BIAS:CHANnel:ENABle[:LIST]?")
    def _bias_enabled(self, call: Call) -> str:
        return self.are_enabled("bias", call)

    @command("[:ROUTe]:BIAS:CHANnel:ENABle:CARD?")
    def _bias_enabled_card(self, call: Call) -> str:
        return self.show(self.of_card(self.cards_named(one(call))[0], self.enabled["bias"]))

    def enable(self, mode: str, crosspoints: Sequence[Crosspoint], *, on: bool) -> None:
        """Let a mode have outputs, or not."""
        outputs = {(slot, 1, output) for slot, _, output in crosspoints}
        self.enabled[mode] = self.enabled[mode] | outputs if on else self.enabled[mode] - outputs
        self.update()

    def are_enabled(self, mode: str, call: Call) -> str:
        """Return which outputs a mode may have, as it is sent."""
        enabled = {(slot, output) for slot, _, output in self.enabled[mode]}
        return ",".join("1" if (slot, out) in enabled else "0" for slot, _, out in self.crosspoints(call))

    # The rest

    @command(":SYSTem:CDEScription?")
    def _card_description(self, call: Call) -> str:
        text = one(call)
        slot = int(text) if digits(text, 1) else 0
        return f'"{self.box.cards.get(slot, "No Card")}"'

    @command(":SYSTem:CTYPe?")
    def _card_type(self, call: Call) -> str:
        text = one(call)
        return self.box.cards.get(int(text) if digits(text, 1) else 0, "NONE")

    @command(":SYSTem:CPON")
    def _card_power_on(self, call: Call) -> None:
        self._open_card(call)

    @command("[:ROUTe]:SYMBol:CHANnel", "[:ROUTe]:SYMBol:PORT", ":DISPlay", ":DIAGnostic:TEST:CARD:CLEar")
    def _accepted(self, _call: Call) -> None:
        """Show nothing: there is no panel."""


class KeysightB2200A(KeysightE5250A):
    """Fourteen inputs, ground mode, Kelvin pairs; femtoampere cards."""

    inputs = 14
    known_cards = ("B2210A", "B2211A")
    manual_of = "Keysight B2200A"
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
        return self.check_port(name, channel, port)

    @after("ground", "ground port")
    def _ground_changed(self, name: str, channel: int) -> None:
        self.mode_changed(name, channel)

    @command("[:ROUTe]:AGND:CHANnel:ENABle[:LIST]")
    def _ground_enable(self, call: Call) -> None:
        self.enable("ground", self.crosspoints(call), on=True)

    @command("[:ROUTe]:AGND:CHANnel:DISable[:LIST]")
    def _ground_disable(self, call: Call) -> None:
        self.enable("ground", self.crosspoints(call), on=False)

    @command("[:ROUTe]:AGND:CHANnel:ENABle:CARD")
    def _ground_enable_card(self, call: Call) -> None:
        self.enable("ground", self.all_of(call), on=True)

    @command("[:ROUTe]:AGND:CHANnel:DISable:CARD")
    def _ground_disable_card(self, call: Call) -> None:
        self.enable("ground", self.all_of(call), on=False)

    @command("[:ROUTe]:AGND:CHANnel:ENABle[:LIST]?")
    def _ground_enabled(self, call: Call) -> str:
        return self.are_enabled("ground", call)

    @command("[:ROUTe]:AGND:CHANnel:ENABle:CARD?")
    def _ground_enabled_card(self, call: Call) -> str:
        return self.show(self.of_card(self.cards_named(one(call))[0], self.enabled["ground"]))

    @command("[:ROUTe]:COUPle:PORT:DETect")
    def _detect_pairs(self, _call: Call) -> None:
        """Find no pairs: no Kelvin cable is plugged in."""

    def with_partners(self, crosspoints: Sequence[Crosspoint]) -> set[Crosspoint]:
        """Return the crosspoints and, of Kelvin pairs, the even input on the next output."""
        found = set(crosspoints)
        for slot, port, output in crosspoints:
            state = self.state(slot)
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
