"""What the channels do to the network: each holds its level or its limit, depending on the others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from typing import Literal, NamedTuple

import numpy as np

from labmtj.circuit import LoadedArray, OperatingPoint
from labmtj.errors import UsageError
from labmtj.quantities import BoolArray, FloatArray
from labmtj.simulated.array import SETTLED_VOLTS, SimulatedArray
from labmtj.virtual.network.routing import SMALLEST_OHMS, Cabling, Relay, most_kept
from labmtj.virtual.network.termination import Termination

_RELATIVE_SLACK = 1e-9
_SLACK = 1e-15
"""volts or amperes: what rounding may add to a limit of zero"""
_MOST_CHANGES = 20
"""of who is limited, per channel; arrays of 4 x 4 cells needed at most 8, see `labmtj.circuit.boundary.limit`"""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a channel is set to. Raises UsageError for a level that is not finite, or a limit below zero."""

    source: Literal["off", "volts", "amperes"] = "off"
    level: float = 0.0
    limit: float = 0.0
    """amperes of a source of volts, volts of a source of amperes"""
    remote: bool = False

    def __post_init__(self) -> None:
        if not (isfinite(self.level) and self.limit >= 0):
            raise UsageError(f"a channel cannot hold {self.level!r} with a limit of {self.limit!r}")


class Solved(NamedTuple):
    """The whole bench at one moment."""

    point: OperatingPoint
    """of the array"""
    channel_volts: FloatArray
    """(channels,) at the sense terminals"""
    channel_amperes: FloatArray
    """(channels,) out of the channel"""
    limited: BoolArray
    """(channels,)"""
    port_volts: FloatArray
    """(1 + ports,) of ground, pads and ends of channels"""
    shares: FloatArray
    """(lines, channels) what each channel gives of an ampere drawn at a pad"""

    @property
    def cell_volts(self) -> FloatArray:
        """Across the junctions, (cells,)."""
        return self.point.cell_volts

    @property
    def line_volts(self) -> FloatArray:
        """At the pads, (lines,)."""
        return self.point.line_volts

    @property
    def line_amperes(self) -> FloatArray:
        """Into the array, (lines,)."""
        return self.point.line_amperes


class Drive:
    """All channels on one cabling with one array.

    Args:
        cabling: passive part of the bench.
        lead_ohms: (channels,) from each channel to its port.
        output_ohms: inner resistance of a channel that holds a voltage.
    """

    def __init__(self, cabling: Cabling, lead_ohms: FloatArray, output_ohms: float) -> None:
        self._cabling, self._lead_ohms = cabling, lead_ohms
        self._output_ohms = max(output_ohms, SMALLEST_OHMS)
        self._termination = lru_cache(most_kept(2, cabling.ports, cabling.ports))(self._new_termination)
        self._loaded: tuple[object, LoadedArray] | None = None

    def _new_termination(self, closed: frozenset[Relay], siemens: tuple[float, ...]) -> Termination:
        routing = self._cabling.routing(closed)
        return Termination(routing.siemens, self._cabling.channel_ports, np.array(siemens))

    def _array_on(self, termination: Termination, array: SimulatedArray) -> LoadedArray:
        """Return the loaded array, the last one if nothing has changed."""
        key = (termination, array, array.revision)
        if self._loaded is None or self._loaded[0] != key:
            self._loaded = (key, LoadedArray(array.ports, termination.nodal_siemens))
        return self._loaded[1]

    def solve(
        self, array: SimulatedArray, closed: frozenset[Relay], settings: tuple[Setting, ...], start: FloatArray | None
    ) -> Solved:
        """Return the solution in which no channel goes beyond its limit.

        As in `labmtj.circuit.boundary.limit`, one channel changes at a time, the worst first.

        Args:
            array: in its present state.
            closed: all relays that are closed.
            settings: of every channel.
            start: cell volts near the solution, or None.
        """
        signs = np.zeros(len(settings))
        answer = self._solve(array, closed, settings, signs, start)
        for _ in range(_MOST_CHANGES * len(settings)):
            wrong = [_violation(*each) for each in zip(settings, signs, *self._judged(answer, settings), strict=True)]
            worst = int(np.argmax(wrong)) if wrong else 0
            if not wrong or wrong[worst] == 0.0:
                break
            own = answer.channel_amperes if settings[worst].source == "volts" else answer.channel_volts
            signs[worst] = 0.0 if signs[worst] else np.sign(own[worst])
            answer = self._solve(array, closed, settings, signs, start)
        return answer

    def _judged(self, answer: Solved, settings: tuple[Setting, ...]) -> tuple[list[float], list[float]]:
        """Return the volts at the terminals, after the inner resistance, and the amperes of every channel."""
        inner = [self._output_ohms if setting.source == "volts" else 0.0 for setting in settings]
        volts = answer.channel_volts + np.array(inner) * answer.channel_amperes
        return volts.tolist(), answer.channel_amperes.tolist()

    def _solve(
        self,
        array: SimulatedArray,
        closed: frozenset[Relay],
        settings: tuple[Setting, ...],
        signs: FloatArray,
        start: FloatArray | None,
    ) -> Solved:
        """Solve with the channels of sign +1 or -1 at their limit, the others at their level."""
        lead_ohms = np.where([setting.remote for setting in settings], 0.0, self._lead_ohms)
        inner_ohms = (lead_ohms + self._output_ohms).tolist()
        held = [_held(*each) for each in zip(settings, signs.tolist(), inner_ohms, strict=True)]
        siemens, volts, amperes = np.array(held, float).reshape(-1, 3).T
        termination = self._termination(closed, tuple(siemens.tolist()))
        point, ports = self._array_on(termination, array).solve(
            termination.into_ports(volts, amperes),
            array.conduction.amperes,
            cell_siemens=array.conduction.differential_siemens,
            start_volts=start,
            tolerance_volts=SETTLED_VOLTS,
        )
        given = termination.channel_amperes(volts, amperes, point.line_amperes)
        sensed = ports[self._cabling.channel_ports] + lead_ohms * given
        shares = termination.shares[: self._cabling.lines]
        return Solved(point, sensed, given, signs != 0, np.concatenate([[0.0], ports]), shares)


def _held(setting: Setting, sign: float, inner_ohms: float) -> tuple[float, float, float]:
    """Return siemens, volts and amperes of the source that a channel is, at its level or (sign +1, -1) its limit."""
    if setting.source == "off":
        return 0.0, 0.0, 0.0
    value = sign * setting.limit if sign else setting.level
    holds_volts = (setting.source == "volts") == (sign == 0.0)
    return (1 / inner_ohms, value, 0.0) if holds_volts else (0.0, 0.0, value)


def _violation(setting: Setting, sign: float, volts: float, amperes: float) -> float:
    """Return by how much a channel breaks its rule, relative to its level or limit; zero = obeyed."""
    if setting.source == "off":
        return 0.0
    level, limited = (volts, amperes) if setting.source == "volts" else (amperes, volts)
    if sign:  # at its limit it must not go beyond its own level
        over, scale = sign * (level - setting.level), abs(setting.level)
    else:
        over, scale = abs(limited) - setting.limit, setting.limit
    return over / max(scale, _SLACK) if over > _RELATIVE_SLACK * scale + _SLACK else 0.0
