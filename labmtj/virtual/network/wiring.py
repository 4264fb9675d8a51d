"""What is connected to what on a bench: channels to buses or lines, lines to columns of matrices or to ground."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from labmtj.errors import UsageError
from labmtj.virtual.network.terminals import Crosspoint


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a matrix: the same row of all its cards is one node, joined by the backplane."""

    matrix: str
    row: int
    """counted from 1 as on the box"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of one card of a matrix."""

    matrix: str
    slot: int
    column: int
    """counted from 1 as on the box"""


@dataclass(frozen=True, slots=True)
class Line:
    """A pad of the array, zero-based: rows first, then columns."""

    number: int


@dataclass(frozen=True, slots=True)
class Ground:
    """The common LO of all channels."""


Node = Row | Column | Line | Ground
ChannelName = tuple[str, str]
"""instrument, channel"""


@dataclass(frozen=True, slots=True)
class Wire:
    """A cable to a node."""

    end: Node
    ohms: float = 0.0


@dataclass(frozen=True, slots=True)
class Link:
    """A cable between two nodes, such as a bus that is wired to ground, or a row of two matrices."""

    begin: Node
    end: Node
    ohms: float = 0.0


@dataclass(frozen=True)
class MatrixPlan:
    """The cards of a matrix and what its relays are."""

    cards: Mapping[int, tuple[int, int]]
    """rows and columns by slot"""
    contact_ohms: float = 0.5
    leakage_siemens: float = 0.0
    """of an open relay"""

    def crosspoints(self) -> Iterator[Crosspoint]:
        """Yield all relays."""
        for slot, (rows, columns) in self.cards.items():
            for row in range(1, rows + 1):
                yield from ((slot, row, column) for column in range(1, columns + 1))


@dataclass(frozen=True)
class Wiring:
    """A whole bench. Raises UsageError for what does not exist, two lines on one column, and a negative resistance."""

    lines: Sequence[Wire | None]
    """from each pad of the array; None = no cable, or that of a channel"""
    channels: Mapping[ChannelName, Wire | None] = field(default_factory=dict)
    """from each channel to the bus or pad that it drives; a channel with remote sense regulates there"""
    matrices: Mapping[str, MatrixPlan] = field(default_factory=dict)
    links: Sequence[Link] = ()
    output_ohms: float = 1e-3
    """inner resistance of a channel that holds a voltage"""

    def __post_init__(self) -> None:
        for owner, wire in [*self._line_wires(), *self._channel_wires()]:
            self._check(owner, wire.end, wire.ohms)
            if owner.startswith("channel") and isinstance(wire.end, Ground):
                raise UsageError(f"{owner} is wired to ground, which shorts it; wire it to a row or a line")
        for link in self.links:
            self._check(f"link from {link.begin}", link.end, link.ohms)
            self._check(f"link to {link.end}", link.begin, link.ohms)
        ends = Counter(wire.end for _, wire in self._line_wires() if isinstance(wire.end, Column))
        for end, count in ends.items():
            if count > 1:
                raise UsageError(f"{count} lines are wired to column {end.column} of slot {end.slot} of {end.matrix!r}")
        for name, plan in self.matrices.items():
            if plan.contact_ohms < 0 or plan.leakage_siemens < 0:
                raise UsageError(f"matrix {name!r}: contact_ohms and leakage_siemens must be zero or more")

    def _line_wires(self) -> list[tuple[str, Wire]]:
        return [(f"line {number}", wire) for number, wire in enumerate(self.lines) if wire is not None]

    def _channel_wires(self) -> list[tuple[str, Wire]]:
        return [(f"channel {'.'.join(name)}", wire) for name, wire in self.channels.items() if wire is not None]

    def _check(self, owner: str, end: Node, ohms: float) -> None:
        if not 0 <= ohms < float("inf"):
            raise UsageError(f"{owner}: {ohms!r} ohm is not the resistance of a cable; give zero or more")
        if not self._exists(end):
            raise UsageError(f"{owner} is wired to {end}, which does not exist; see the cards of the matrix")

    def _exists(self, node: Node) -> bool:
        match node:
            case Row(matrix, row):
                return matrix in self.matrices and any(
                    1 <= row <= rows for rows, _ in self.matrices[matrix].cards.values()
                )
            case Column(matrix, slot, column):
                return matrix in self.matrices and 1 <= column <= self.matrices[matrix].cards.get(slot, (0, 0))[1]
            case Line(number):
                return 0 <= number < len(self.lines)
            case Ground():
                return True
