"""From what the sources are set to, to what the lines carry: floating lines, source resistance, compliance.

Derived here: Kirchhoff's current law at every line that is not stiff, Y v + g (v - v_source) = i_forced.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from labmtj.circuit.products import matvec
from labmtj.quantities import BoolArray, FloatArray

LINE_LEAK_SIEMENS = 1e-12
"""Conductance from a floating or current-driven line to ground, so that no part of the network is undetermined."""
_RELATIVE_SLACK = 1e-9
_VOLT_SLACK = 1e-12
_MOST_CHANGES = 20


class Boundary:
    """How every line is terminated, for one network of a given port admittance.

    Args:
        admittance: (lines, lines) siemens, currents into the array per line volt.
        source_siemens: (lines,) conductance of each source: infinite = stiff, zero = floating or current source.
    """

    __slots__ = ("admittance", "impedance", "siemens", "stiff")

    def __init__(self, admittance: FloatArray, source_siemens: FloatArray) -> None:
        self.admittance = admittance
        self.stiff = np.isinf(source_siemens)
        self.siemens = np.where(self.stiff, 0.0, source_siemens)
        soft = np.flatnonzero(~self.stiff)
        loaded = admittance[np.ix_(soft, soft)]
        loaded.ravel()[:: len(soft) + 1] += np.maximum(self.siemens[soft], LINE_LEAK_SIEMENS)
        self.impedance = np.zeros_like(admittance)
        """(lines, lines) ohms: volts of the lines that are not stiff per ampere into them; zero for the stiff"""
        self.impedance[np.ix_(soft, soft)] = np.linalg.inv(loaded)

    def line_volts(self, source_volts: FloatArray, into_amperes: FloatArray | float = 0.0) -> FloatArray:
        """Return the line voltages, shape of `source_volts`: (lines,) or (batch, lines); NaN is ignored where floating.

        Args:
            source_volts: what the sources are set to.
            into_amperes: current forced into each line beyond what its source gives; ignored on stiff lines.
        """
        set_volts = np.where(self.stiff | (self.siemens > 0), source_volts, 0.0)
        stiff_volts = np.where(self.stiff, set_volts, 0.0)
        drive = self.siemens * set_volts + into_amperes - matvec(self.admittance, stiff_volts)
        return stiff_volts + matvec(self.impedance, drive)


class Settled(NamedTuple):
    """The lines once the sources have settled; shapes are those of the source voltages."""

    line_volts: FloatArray
    line_amperes: FloatArray
    """into the array"""
    limited: BoolArray
    """True where the source is in compliance: it holds its current limit, not its voltage"""


def line_volts(admittance: FloatArray, source_volts: FloatArray, source_siemens: ArrayLike = np.inf) -> FloatArray:
    """Return the voltage of every line, (lines,) or (batch, lines) as `source_volts`, where NaN is a floating line.

    If stiff sources drive all lines, the voltages come back as they are. If nothing drives any line, all are zero.

    Args:
        admittance: (lines, lines) siemens.
        source_volts: volts, NaN = floating.
        source_siemens: conductance of the sources, one for all or (lines,); infinite = stiff.
    """
    floating = np.isnan(source_volts)
    if not floating.any() and np.isinf(source_siemens).all():
        return source_volts
    if source_volts.ndim == 1:
        return Boundary(admittance, np.where(floating, 0.0, source_siemens)).line_volts(source_volts)
    volts = np.empty_like(source_volts)
    patterns, members = np.unique(floating, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        chosen = members.ravel() == number
        boundary = Boundary(admittance, np.where(pattern, 0.0, source_siemens))
        volts[chosen] = boundary.line_volts(source_volts[chosen])
    return volts


def settle(
    admittance: FloatArray,
    source_volts: FloatArray,
    *,
    source_siemens: ArrayLike = np.inf,
    line_amperes: ArrayLike = np.inf,
) -> Settled:
    """Return voltages and currents of all lines, with every source limited to `line_amperes` (one, or (lines,)).

    Arguments are those of `line_volts`. A source beyond its limit becomes a current source; nothing is raised.
    """
    volts = line_volts(admittance, source_volts, source_siemens)
    settled = Settled(volts, matvec(admittance, volts), np.zeros(volts.shape, dtype=bool))
    over = beyond(settled.line_amperes, line_amperes).any(axis=-1)
    if not over.any():
        return settled
    settled = settled._replace(line_volts=volts.copy())
    vectors: list[tuple[int, ...]] = (
        [()] if volts.ndim == 1 else [(number,) for number in np.flatnonzero(over).tolist()]
    )
    for vector in vectors:
        chosen = source_volts[vector]

        def solve(siemens: FloatArray, forced: FloatArray, chosen: FloatArray = chosen) -> Settled:
            lines = Boundary(admittance, siemens).line_volts(chosen, forced)
            return Settled(lines, matvec(admittance, lines), np.zeros(lines.shape, dtype=bool))

        signs, answer = limit(solve, chosen, np.where(np.isnan(chosen), 0.0, source_siemens), line_amperes)
        for whole, piece in zip(settled, answer._replace(limited=signs != 0), strict=True):
            whole[vector] = piece
    return settled


def beyond(amperes: FloatArray, line_amperes: ArrayLike) -> BoolArray:
    """Return where the size of `amperes` exceeds the limits by more than rounding, shape of `amperes`."""
    exceeded: BoolArray = np.abs(amperes) > np.multiply(line_amperes, 1 + _RELATIVE_SLACK)
    return exceeded


class Lines(Protocol):
    """Any answer that holds voltages and currents of the lines of one vector, (lines,)."""

    @property
    def line_volts(self) -> FloatArray:
        """Volts."""

    @property
    def line_amperes(self) -> FloatArray:
        """Amperes into the array."""


Answer = TypeVar("Answer", bound=Lines)


def limit(
    solve: Callable[[FloatArray, FloatArray], Answer],
    source_volts: FloatArray,
    source_siemens: FloatArray,
    line_amperes: ArrayLike,
) -> tuple[FloatArray, Answer]:
    """Return which sources of one vector are in compliance (sign of their current, zero for the others) and the answer.

    One line changes at a time, the worst first: limiting a row often brings its column below the limit too, and both at
    once could leave the array without any voltage reference. No proof says that this ends, so the number of changes is
    bounded; random linear arrays (8e4 of up to 4 x 4 cells, 100 ohm to 1 Mohm, limits of 1 uA to 10 mA) needed at most
    8 per line.

    Args:
        solve: from the conductance of each source and the amperes forced into each line, (lines,) each, to an answer.
        source_volts: (lines,), NaN = floating.
        source_siemens: (lines,), zero where floating.
        line_amperes: limits, one or (lines,).
    """
    bounds = np.broadcast_to(np.asarray(line_amperes, float), source_volts.shape)
    signs = np.zeros(source_volts.shape)
    answer = solve(source_siemens, signs)
    for _ in range(_MOST_CHANGES * len(signs)):
        violation = _violation(signs, answer, source_volts, source_siemens, bounds)
        line = int(np.argmax(violation))
        if violation[line] == 0:
            break
        signs[line] = 0.0 if signs[line] else np.sign(answer.line_amperes[line])
        answer = solve(np.where(signs != 0, 0.0, source_siemens), np.where(signs != 0, signs * bounds, 0.0))
    return signs, answer


def _violation(
    signs: FloatArray, answer: Lines, source_volts: FloatArray, source_siemens: FloatArray, bounds: FloatArray
) -> FloatArray:
    """Return by how much each line breaks its rule, relative to its limit or to the largest voltage; zero = obeyed."""
    held = signs != 0
    excess = np.where(~held & beyond(answer.line_amperes, bounds), np.abs(answer.line_amperes) / bounds - 1.0, 0.0)
    # A source in compliance that would have to go beyond its own set voltage is back in control.
    drop = np.divide(bounds, source_siemens, out=np.zeros_like(signs), where=held & (source_siemens > 0))
    overshoot = np.where(held, signs * (answer.line_volts - source_volts) + drop, 0.0)
    full_scale = np.abs(np.nan_to_num(source_volts)).max()
    return excess + np.where(overshoot > _VOLT_SLACK, overshoot / max(full_scale, _VOLT_SLACK), 0.0)
