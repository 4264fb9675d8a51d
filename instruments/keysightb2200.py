"""Keysight B2200A and B2201A, and E5250A: relay matrices for low leakage; outputs rest on a bias or on ground."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar

from pymeasure.instruments import Instrument
from pymeasure.instruments.validators import strict_discrete_set, strict_range

from instruments.cards import Card
from instruments.relied_on import ReliedOn
from instruments.scpimatrix import SCPIMatrix
from labmtj.errors import UsageError

RELAY_SECONDS = 0.01  # assumed for all cards
ON_OFF = {True: 1, False: 0}
_COMMON = (
    ReliedOn("configuration", ":ROUT:FUNC NCON"),  # set only where it differs, because that opens every relay
    # by the other rule a new route opens the ones that it touches
    ReliedOn("connection rule", ":ROUT:CONN:RULE 0,SROU", ":ROUT:CONN:RULE 0,FREE"),
    ReliedOn("connection sequence", ":ROUT:CONN:SEQ 0,MBBR", ":ROUT:CONN:SEQ 0,BBM"),
    # each mode connects by itself what was not closed
    ReliedOn("bias mode", ":ROUT:BIAS 0,ON", ":ROUT:BIAS 0,OFF"),
    ReliedOn("service request mask", "*SRE 36", "*SRE 0"),
)
_GROUNDING = (
    ReliedOn("ground mode", ":ROUT:BIAS 0,OFF;:ROUT:AGND 0,ON", ":ROUT:AGND 0,OFF"),
    ReliedOn("Kelvin pairs", ":ROUT:COUP:PORT 0,'1,3';:ROUT:COUP 0,ON", ":ROUT:COUP 0,OFF"),
)


class KeysightB2201A(SCPIMatrix):
    """Represents the Keysight B2201A switching matrix (14 inputs by 12 outputs per card) in auto configuration.

    Rows are inputs, columns are outputs. In auto configuration all cards are one matrix, card 0, and the outputs of all
    cards are counted through: input 2 to output 5 is "00205".

    Args:
        ground_mode: True: every output without a closed relay lies on the ground input. It is switched on when
            relays are first asked for or moved, not by connecting.
        ground_port: the ground input; while ground mode is on it cannot be closed by hand.
    """

    models = ("B2201A",)
    slots = 4
    known_cards: ClassVar = {"B2210A": Card(14, 12, RELAY_SECONDS), "B2211A": Card(14, 12, RELAY_SECONDS)}
    closed_query = ":ROUT:CLOS:CARD? 0"
    open_all = ":ROUT:OPEN:CARD ALL"
    has_ground_mode = True

    def __init__(
        self, adapter: Any, name: str = "Keysight B2201A", *, ground_mode: bool = False, ground_port: int = 12,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        if ground_mode and not self.has_ground_mode:
            raise UsageError(f"{name} has no ground mode; take ground_mode out of its options")
        self._ground_mode, self._ground_port = ground_mode, ground_port
        super().__init__(adapter, name, **kwargs)

    connection_rule = Instrument.control(
        ":ROUT:CONN:RULE? 0", ":ROUT:CONN:RULE 0,%s",
        """Control what may be closed together (str): "FREE", or "SROU" for one route per input and output.""",
        validator=strict_discrete_set, values=["FREE", "SROU"], cast=str, check_set_errors=True,
    )  # fmt: skip
    bias_port = Instrument.control(
        ":ROUT:BIAS:PORT? 0", ":ROUT:BIAS:PORT 0,%d",
        """Control the input that bias mode connects (int strictly from 1 to 14).""",
        validator=strict_range, values=[1, 14], cast=int, check_set_errors=True,
    )  # fmt: skip
    bias_enabled = Instrument.control(
        ":ROUT:BIAS? 0", ":ROUT:BIAS 0,%d",
        """Control whether every bias-enabled output without a closed relay is tied to the bias port (bool).

        The box refuses it while ground mode is on.
        """,
        validator=strict_discrete_set, values=ON_OFF, map_values=True, check_set_errors=True,
    )  # fmt: skip
    ground_port = Instrument.control(
        ":ROUT:AGND:PORT? 0", ":ROUT:AGND:PORT 0,%d",
        """Control the input that ground mode connects (int strictly from 1 to 14).""",
        validator=strict_range, values=[1, 14], cast=int, check_set_errors=True,
    )  # fmt: skip
    ground_enabled = Instrument.control(
        ":ROUT:AGND? 0", ":ROUT:AGND 0,%d",
        """Control whether every ground-enabled output without a closed relay is tied to the ground port (bool).""",
        validator=strict_discrete_set, values=ON_OFF, map_values=True, check_set_errors=True,
    )  # fmt: skip

    def enable_bias(self, columns: list[int] | None = None) -> None:
        """Let outputs take part in bias mode: all of them, or only those at these columns of auto configuration."""
        if columns is None:
            self.exchange(":ROUT:BIAS:CHAN:ENAB:CARD 0")
            return
        others = [column for column in range(1, self._outputs() + 1) if column not in columns]
        for verb, chosen in (("ENAB", columns), ("DIS", others)):
            if chosen:
                self.exchange(f":ROUT:BIAS:CHAN:{verb} (@{','.join(f'001{column:02d}' for column in chosen)})")

    @property
    def grounds_open_lines(self) -> bool:
        """Whether ground mode was asked for."""
        return self._ground_mode

    def _outputs(self) -> int:
        return sum(card.columns for card in self._cards().values())

    def _name(self, slot: int, row: int, column: int) -> str:
        if self._ground_mode and row == self._ground_port:
            raise UsageError(f"{self.name}: input {row} is its ground; ground mode closes it by itself")
        before = sum(card.columns for other, card in self._cards().items() if other < slot)
        return f"0{row:02d}{before + column:02d}"

    def relied_on(self) -> tuple[ReliedOn, ...]:
        """Return what the driver relies on; ground mode, where it was asked for, comes after."""
        return (*_COMMON, *(_GROUNDING if self.has_ground_mode else ()))

    def _set_up(self) -> list[str]:
        if not self._is_set_up:
            if self.exchange(":ROUT:FUNC?")[0].upper() != "ACON":
                self.exchange(":ROUT:FUNC ACON")
            self.take_over(self.relied_on())
            if self._ground_mode:
                self.exchange(
                    f":ROUT:AGND:PORT 0,{self._ground_port}", ":ROUT:AGND:CHAN:ENAB:CARD 0", ":ROUT:AGND 0,ON"
                )  # fmt: skip
            self._is_set_up = True
        return [":ROUT:AGND? 0", ":ROUT:AGND:PORT? 0"] if self._ground_mode else []

    def _check_set_up(self, replies: Sequence[str]) -> None:
        if replies and [self.number(reply) for reply in replies] != [1, self._ground_port]:
            problem = f"has no ground mode on input {self._ground_port} any more"
            raise self.forgotten(problem, self._sent, ";".join(replies))

    def _listed(self, reply: str) -> frozenset[str]:
        names = [entry.zfill(5) for entry in self._entries(reply)]  # a leading zero may be missing
        for name in names:
            if not re.fullmatch(r"0\d{4}", name):
                raise self.taint(f"answered {name!r}, which is not a crosspoint of card 0", reply)
        # what ground mode closed by itself is not ours
        return frozenset(name for name in names if not (self._ground_mode and int(name[1:3]) == self._ground_port))


class KeysightB2200A(KeysightB2201A):
    """Represents the Keysight B2200A fA leakage switching matrix, the same with less leakage."""

    models = ("B2200A",)

    def __init__(self, adapter: Any, name: str = "Keysight B2200A", **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)


class KeysightE5250A(KeysightB2201A):
    """Represents the Keysight E5250A switch mainframe with matrix cards; it has no ground mode."""

    models = ("E5250A",)
    known_cards: ClassVar = {"E5252A": Card(10, 12, RELAY_SECONDS)}
    has_ground_mode = False  # from memory, unverified

    def __init__(self, adapter: Any, name: str = "Keysight E5250A", **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)
