"""One source-measure channel at its terminals: what it holds, and what its meter shows of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from labmtj.virtual.network.converter import Converter
from labmtj.virtual.network.terminals import Channel, Sensed

Quantity = Literal["VOLT", "CURR"]
NO_VALUE = 9.91e37
"""what SCPI instruments send where there is no number"""
OVERFLOW = 9.9e37
"""what they send for a reading beyond the range"""


@dataclass(frozen=True)
class Scales:
    """The ranges of one quantity."""

    full: tuple[float, ...]
    """full scales, rising"""
    reach: float
    """largest level or reading as a fraction of full scale"""

    def holding(self, value: float) -> float | None:
        """Return the full scale of the smallest range that reaches a value, None if none does."""
        fitting = (scale for scale in self.full if abs(value) <= scale * self.reach * (1 + 1e-9))
        return next(fitting, None)


class Span(NamedTuple):
    """The ranges a meter may choose from; both ends the same for a fixed range."""

    lowest: float
    highest: float

    def choose(self, scales: Sequence[float], value: float) -> float:
        """Return the smallest full scale within the span that holds a value, else the largest within."""
        within = [scale for scale in scales if self.lowest <= scale <= self.highest] or [self.highest]
        return next((scale for scale in within if abs(value) <= scale), within[-1])


class Measured(NamedTuple):
    """What the meter shows."""

    volts: float
    amperes: float
    limited: bool
    overflow: bool
    range_volts: float
    range_amperes: float


class Unit:
    """A channel with its converters. It is set to what it holds; it does not know why.

    Args:
        channel: the terminals.
        converter: the errors of this unit's source and meter.
        volts: full scales of the voltmeter.
        amperes: full scales of the ammeter.
    """

    def __init__(
        self, channel: Channel, converter: Converter, volts: Sequence[float], amperes: Sequence[float]
    ) -> None:
        self._channel, self._converter = channel, converter
        self._volts, self._amperes = volts, amperes
        self._held: tuple[str, float, float] | None = None
        self._four_wires: bool | None = None

    def drive(self, quantity: Quantity, level: float, full_scale: float, limit: float) -> None:
        """Hold a level up to a limit of the other quantity, at once."""
        if quantity == "VOLT":
            self._hold("VOLT", self._converter.source_volts(level, full_scale), limit)
        else:
            self._hold("CURR", level, limit)

    def ground(self, limit_amperes: float) -> None:
        """Hold 0 V exactly: what most units do while their output is off."""
        self._hold("VOLT", 0.0, limit_amperes)

    def release(self) -> None:
        """Open the output relay."""
        self._hold("", 0.0, 0.0)

    def _hold(self, quantity: str, level: float, limit: float) -> None:
        if self._held == (quantity, level, limit):
            return  # many settings do not change what is held
        self._held = (quantity, level, limit)
        if quantity == "VOLT":
            self._channel.source_volts(level, limit)
        elif quantity == "CURR":
            self._channel.source_amperes(level, limit)
        else:
            self._channel.release()

    def remote_sense(self, *, on: bool) -> None:
        """Sense with four wires, or two."""
        if on != self._four_wires:
            self._four_wires = on
            self._channel.remote_sense(on=on)

    def limited(self) -> bool:
        """Look whether the limit is in control now."""
        return self._channel.sense(0.0).limited

    def look(self, seconds: float) -> Sensed:
        """Return what the channel truly carries, on average over a time that is spent; 0 for an instant."""
        return self._channel.sense(seconds)

    def open_aperture(self) -> None:
        """Begin to integrate all time that passes."""
        self._channel.open_aperture()

    def close_aperture(self) -> Sensed:
        """Return what the channel truly carried on average since its aperture was opened."""
        return self._channel.close_aperture()

    def show(self, true: Sensed, seconds: float, volts: Span, amperes: Span) -> Measured:
        """Return what the meter makes of it in an aperture of `seconds`, on the ranges that hold it."""
        range_volts = volts.choose(self._volts, true.volts)
        range_amperes = amperes.choose(self._amperes, true.amperes)
        shown_volts, high_volts = self._converter.volts(true.volts, range_volts, seconds)
        shown_amperes, high_amperes = self._converter.amperes(true.amperes, range_amperes, seconds)
        overflow = high_volts or high_amperes
        return Measured(
            OVERFLOW if high_volts else shown_volts, OVERFLOW if high_amperes else shown_amperes,
            true.limited, overflow, range_volts, range_amperes,
        )  # fmt: skip
