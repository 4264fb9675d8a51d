"""Is the array under the probes? Every line is driven alone, at a voltage that disturbs nothing; recorded."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labmtj.bench.files.laboratory import LaboratoryFile
from labmtj.brief import brief
from labmtj.quantities import Bias, Flag, FloatArray, Lines, ReadSettings
from labmtj.safety import line_name
from labmtj.schema import Column, Table, Variable
from labmtj.verbs import Crossbar


@dataclass(frozen=True)
class Expected:
    """What a cell and a line may carry."""

    read_volts: float
    cell_siemens: tuple[float, float]
    """nominal, in the states that conduct least and most"""
    lowest_fraction: float
    highest_factor: float
    aperture_seconds: float = 0.02

    @classmethod
    def of(cls, file: LaboratoryFile) -> Expected:
        """Return what follows from a bench file."""
        siemens, contact = 1 / file.chip.array.nominal_ohms, file.contact
        ends = float(siemens.min()), float(siemens.max())
        return cls(contact.read_volts, ends, contact.lowest_fraction, contact.highest_factor)

    def least_amperes(self, cells: int) -> float:
        """Return the current below which fewer than `cells` cells have contact."""
        return self.lowest_fraction * cells * self.cell_siemens[0] * self.read_volts

    def most_amperes(self, cells: int) -> float:
        """Return the current above which something other than `cells` cells conducts."""
        return self.highest_factor * cells * self.cell_siemens[1] * self.read_volts


@brief
@dataclass(frozen=True, eq=False)
class Contact:
    """What the contact check found."""

    shape: tuple[int, int]
    utc_seconds: float
    """when it began, since 1970"""
    amperes: FloatArray
    """(lines,) into each line alone at the read voltage, all others at 0 V; NaN where a line cannot be driven"""
    open: NDArray[np.bool_]
    """(lines,) carries too little"""
    shorted: NDArray[np.bool_]
    """(lines,) carries too much, or more than the source gives: a shorted cell, or another line"""

    @property
    def lost(self) -> str:
        """Which lines all lack contact, "line", "row" or "column" (probes up, or no chip), else ""."""
        driven = ~np.isnan(self.amperes)
        sides = {"row": slice(self.shape[0]), "column": slice(self.shape[0], None)}
        dead = [name for name, side in sides.items() if driven[side].any() and self.open[side][driven[side]].all()]
        return "line" if len(dead) == len(sides) else dead[0] if dead else ""

    @property
    def outside(self) -> str:
        """The lines that the bench cannot drive, in words, or ""."""
        undriven = np.isnan(self.amperes)
        rows, columns = undriven[: self.shape[0]], undriven[self.shape[0] :]
        names = [line_name(line, self.shape) for line in np.flatnonzero(undriven).tolist()]
        cells = int(np.logical_or.outer(rows, columns).sum())
        return f"{', '.join(names)} cannot be driven: {cells} of {rows.size * columns.size} cells" if names else ""

    def findings(self) -> list[str]:
        """Return every line that is open or shorted, with its current."""
        return [
            f"{line_name(line, self.shape)} {'is open' if self.open[line] else 'carries too much'} "
            f"({self.amperes[line]:.3g} A)"
            for line in np.flatnonzero(self.open | self.shorted).tolist()
        ]

    def __str__(self) -> str:
        return "; ".join(self.findings()) or "all lines have contact"


def contact_check(crossbar: Crossbar, expected: Expected) -> Contact:
    """Drive every line alone and read its current: after each touch-down, on any crossbar.

    A line that is open takes all its cells with it; a run goes on without them, until `Contact.lost`.
    """
    utc_seconds, lines = time.time(), range(sum(crossbar.shape))
    found = [_line_amperes(crossbar, expected, line) for line in lines]
    amperes, beyond = np.array([each for each, _ in found]), np.array([each for _, each in found])
    rows, columns = crossbar.shape
    cells = np.where(np.arange(len(lines)) < rows, columns, rows)
    return Contact(
        crossbar.shape, utc_seconds, amperes,
        ~beyond & (amperes < expected.least_amperes(1) * cells),
        beyond | (amperes > expected.most_amperes(1) * cells),
    )  # fmt: skip


def _line_amperes(crossbar: Crossbar, expected: Expected, line: int) -> tuple[float, bool]:
    """Return the current into one line and whether it was beyond what the source gives; NaN if it cannot be driven."""
    rows, lines = crossbar.shape[0], sum(crossbar.shape)
    bias = Bias.from_lines(np.where(np.arange(lines) == line, expected.read_volts, 0.0), crossbar.shape)
    if crossbar.refusal(bias) is not None:
        return float("nan"), False
    which = Lines(rows=(line,)) if line < rows else Lines(columns=(line - rows,))
    currents = crossbar.measure(bias, which, ReadSettings(expected.aperture_seconds))
    beyond = bool((currents.flags & (Flag.COMPLIANCE | Flag.OVERFLOW)).any())
    return -float(currents.amperes[0, 0]), beyond


PATH = "bench/contact"


def contact_table(shape: tuple[int, int]) -> Table:
    """Return the schema for an array of (rows, columns) lines."""
    names = np.array([line_name(line, shape) for line in range(sum(shape))])
    columns = {
        "utc_seconds": Column("f8", "seconds since 1970-01-01", "when the check began, UTC"),
        "amperes": Column("f8", "A", "current into the line alone, all others at 0 V; NaN = not driven", ("line",)),
        "open": Column("bool", "1", "whether the line carried too little", ("line",)),
        "shorted": Column("bool", "1", "whether the line carried too much", ("line",)),
    }
    lines = {"line": Variable(names, "1", "line of the array", ("line",))}
    return Table(PATH, "check", columns, coordinates=lines, signal="amperes")


def contact_row(contact: Contact) -> dict[str, ArrayLike]:
    """Return a check as one row of the table."""
    values = {name: getattr(contact, name)[np.newaxis] for name in ("amperes", "open", "shorted")}
    return {"utc_seconds": np.array([contact.utc_seconds]), **values}
