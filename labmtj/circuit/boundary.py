"""From what the sources are set to, to what the lines carry: floating lines, source resistance, compliance."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from labmtj.circuit.products import matvec
from labmtj.quantities import BoolArray, FloatArray

LINE_LEAK_SIEMENS = 1e-12
"""Conductance from a floating or current-driven line to ground, so that no part of the network is undetermined."""
_RELATIVE_SLACK = 1e-9
_VOLT_SLACK = 1e-12


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
    amperes = matvec(admittance, volts)
    limited = np.zeros(volts.shape, dtype=bool)
    beyond = (np.abs(amperes) > np.multiply(line_amperes, 1 + _RELATIVE_SLACK)).any(axis=-1)
    if not beyond.any():
        return Settled(volts, amperes, limited)
    volts = np.array(volts)
    for vector in [()] if volts.ndim == 1 else [(number,) for number in np.flatnonzero(beyond)]:
        siemens = np.where(np.isnan(source_volts[vector]), 0.0, source_siemens)

        def solve(
            boundary: FloatArray, into: FloatArray, chosen: FloatArray = source_volts[vector]
        ) -> tuple[FloatArray, FloatArray]:
            lines = Boundary(admittance, boundary).line_volts(chosen, into)
            return lines, matvec(admittance, lines)

        volts[vector], amperes[vector], limited[vector] = limit(solve, source_volts[vector], siemens, line_amperes)
    return Settled(volts, amperes, limited)


def limit(
    solve: Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]],
    source_volts: FloatArray,
    source_siemens: FloatArray,
    line_amperes: ArrayLike,
) -> Settled:
    """Return the lines of one vector with limited sources: an active set, worst offender first.

    One line enters at a time: limiting a row often brings its column below the limit too, and both at once could leave
    the array without any voltage reference.

    Args:
        solve: (source_siemens, forced amperes) to (line volts, line amperes), each (lines,).
        source_volts: (lines,), NaN = floating.
        source_siemens: (lines,), zero where floating.
        line_amperes: limits, one or (lines,).
    """
    bounds = np.broadcast_to(np.asarray(line_amperes, float), source_volts.shape)
    signs = np.zeros(source_volts.shape)
    forced = np.zeros(source_volts.shape)
    volts, amperes = solve(source_siemens, forced)
    for _ in range(4 * len(signs)):
        # A source in compliance that would have to exceed its own set voltage is back in control.
        drop = np.divide(forced, source_siemens, out=np.zeros_like(forced), where=source_siemens > 0)
        released = (signs != 0) & (signs * (volts + drop - source_volts) > _VOLT_SLACK)
        excess = np.where(signs == 0, np.abs(amperes) / bounds, 0.0)
        worst = int(np.argmax(excess))
        if released.any():
            signs[released] = 0.0
        elif excess[worst] > 1 + _RELATIVE_SLACK:
            signs[worst] = np.sign(amperes[worst])
        else:
            break
        forced = np.where(signs != 0, signs * bounds, 0.0)
        volts, amperes = solve(np.where(signs != 0, 0.0, source_siemens), forced)
    return Settled(volts, amperes, signs != 0)
