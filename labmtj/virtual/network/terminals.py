"""What a virtual instrument knows of the world: its own terminals and the time; and what a server knows of it.

Everything is plain numbers and names, so that an instrument may live in another process than the network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

Crosspoint = tuple[int, int, int]
"""slot, row, column of a relay, each counted from 1 as on the box"""


class Sensed(NamedTuple):
    """What a channel carried on average over an aperture: true values, before any error of its meter."""

    volts: float
    """at the sense terminals"""
    amperes: float
    """out of the channel"""
    limited: bool
    """whether it held its limit instead of its level at any time"""


class Time(Protocol):
    """The clock of the bench. Time passes only when an instrument says so; the array lives through all of it."""

    def now(self) -> float:
        """Return seconds since the bench was built."""
        ...

    def spend(self, seconds: float, purpose: str) -> None:
        """Let time pass with all terminals as they are, booked under a purpose such as "settle".

        Every channel with an open aperture integrates it; then it is booked as "aperture".
        """
        ...


class Channel(Protocol):
    """The output terminals of one source-measure channel; LO is ground."""

    def source_volts(self, volts: float, limit_amperes: float) -> None:
        """Hold a voltage, up to a current."""
        ...

    def source_amperes(self, amperes: float, limit_volts: float) -> None:
        """Drive a current, up to a voltage."""
        ...

    def release(self) -> None:
        """Open the output relay: the terminals float."""
        ...

    def remote_sense(self, *, on: bool) -> None:
        """Sense at the far end of the cable (4-wire), or at the terminals."""
        ...

    def sense(self, seconds: float) -> Sensed:
        """Integrate over an aperture; the time is spent. Zero seconds is an instantaneous look."""
        ...

    def open_aperture(self) -> None:
        """Begin to integrate all time that passes, as other channels may at the same time."""
        ...

    def close_aperture(self) -> Sensed:
        """End the aperture and return the mean over it; if no time has passed, an instantaneous look."""
        ...


class Relays(Protocol):
    """The relays of one matrix, all cards."""

    def operate(self, opened: Iterable[Crosspoint], closed: Iterable[Crosspoint]) -> None:
        """Move relays at once; the caller spends the time. Only real moves count; unknown relays are a KeyError."""
        ...

    def closed(self) -> frozenset[Crosspoint]:
        """Return the relays that were commanded to close (a stuck relay may be elsewhere)."""
        ...

    def closures(self) -> Mapping[Crosspoint, int]:
        """Return how often each relay has closed."""
        ...


@dataclass(frozen=True)
class Box:
    """Everything that a virtual instrument is built from; a unit has `channels`, a matrix has `relays` and `cards`."""

    name: str
    """on the bench"""
    time: Time
    serial: str
    line_hertz: float = 50.0
    seed: int = 0
    noise: bool = True
    """False: a meter without noise, gain and offset error; its resolution stays"""
    channels: Mapping[str, Channel] = field(default_factory=dict)
    """by name, as on the front: "a", "b"; "1", "2" """
    relays: Relays | None = None
    cards: Mapping[int, str] = field(default_factory=dict)
    """card model by slot"""
    language: str = ""
    """that a box with several was left in, such as "TSP"; "" for that of the factory"""


class VirtualInstrument(Protocol):
    """What a server needs to know of an instrument. One message is handled at a time, but `interrupt` may come in.

    Its class is called with a `Box`. A unit's class has `channel_names()`, a matrix's class `geometry(cards)`: rows and
    columns by slot, for the card models by slot. Both are asked before there is a box.
    """

    def handle(self, message: str) -> str | None:
        """Do what a message says (terminator stripped) and return the response line, or None if there is none."""
        ...

    def interrupt(self, message: str) -> bool:
        """Look at a message that arrives while another is handled; True if it was an abort and is dealt with."""
        ...

    def status_byte(self) -> int:
        """Return the status byte, for a serial poll."""
        ...

    def device_clear(self) -> None:
        """Drop pending input and output, stop what runs; settings stay."""
        ...

    def power_cycle(self) -> None:
        """Be as after power-on: outputs off, relays open, default settings."""
        ...

    def close(self) -> None:
        """End helper processes."""
        ...
