"""What is known of the cells of one chip: whether each is fit for use, by what evidence, since when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from labmtj.brief import brief
from labmtj.errors import UsageError
from labmtj.quantities import BoolArray
from labmtj.results import Quantity


class Health(IntEnum):
    """Whether a cell is fit for use."""

    USABLE = 0
    STUCK_P = 1
    STUCK_AP = 2
    SHORT = 3
    OPEN = 4
    NOISY = 5
    """works, and jumps: a telegraph cell, or one far noisier than the others"""
    UNKNOWN = 6
    """not looked at, or the evidence contradicts itself"""
    OVERSTRESSED = 7
    """got more than the limits allow, and has not been looked at since"""


_MAP = ("row", "column")
BROKEN = (Health.STUCK_P, Health.STUCK_AP, Health.SHORT, Health.OPEN)


@brief
@dataclass(frozen=True, eq=False)
class HealthMap:
    """The health of every cell of a chip, with the evidence for it.

    Raises:
        UsageError: if shapes or lengths do not match.
    """

    chip_id: str
    states: Annotated[NDArray[np.uint8], Quantity("1", "health of the cell", _MAP, Health, "state")]
    """(rows, columns), a `Health` each"""
    evidence: tuple[str, ...]
    """texts that `why` points into, such as "reference maps: always reads as P" """
    why: Annotated[NDArray[np.intp], Quantity("1", "number of the evidence that decided; -1 for none", _MAP)]
    """(rows, columns), which evidence decided; -1 for none"""
    dated: str
    """UTC, ISO 8601, of the last evidence; "" if that is not known here"""

    def __post_init__(self) -> None:
        if self.states.ndim != 2 or self.states.shape != self.why.shape:
            raise UsageError(f"a health map needs two maps of one shape; got {self.states.shape}, {self.why.shape}")
        if self.why.size and not -1 <= self.why.min() <= self.why.max() < max(1, len(self.evidence)):
            raise UsageError(f"a health map of chip {self.chip_id} points to evidence that it does not have")

    @classmethod
    def unknown(cls, chip_id: str, shape: tuple[int, int]) -> HealthMap:
        """Return the map of a chip that no run has examined."""
        return cls(chip_id, np.full(shape, Health.UNKNOWN, np.uint8), (), np.full(shape, -1, np.intp), "")

    @classmethod
    def overstressed(cls, cells: BoolArray, text: str) -> HealthMap:
        """Return the map that says of some cells (rows, columns) that they got too much, and nothing of the others."""
        states = np.full(cells.shape, Health.OVERSTRESSED, np.uint8)
        return cls.unknown("", cells.shape).with_evidence(states, cells, text)

    @property
    def usable(self) -> BoolArray:
        """Cells that hold what is written, (rows, columns)."""
        return np.asarray(self.states == Health.USABLE, bool)

    def of(self, *kinds: Health) -> BoolArray:
        """Return which cells are of any of these kinds, (rows, columns)."""
        return np.isin(self.states, kinds)

    def with_evidence(self, states: NDArray[np.uint8], where: BoolArray, text: str) -> HealthMap:
        """Return the map with the newer states at the cells `where`, for the reason given in `text`."""
        known: Sequence[str] = (*self.evidence, text)
        return HealthMap(
            self.chip_id,
            np.where(where, states, self.states).astype(np.uint8),
            tuple(known),
            np.where(where, len(known) - 1, self.why),
            self.dated,
        )

    @property
    def texts(self) -> Annotated[list[str], Quantity("1", "what was seen, and when", ("number",), name="evidence")]:
        """The evidence, or one empty text."""
        return list(self.evidence) or [""]

    def updated(self, newer: HealthMap) -> HealthMap:
        """Return the map with the results of a later check: cells that it has no evidence for stay as they are.

        No verdict is replaced by a weaker one: a cell known to jump stays NOISY where it is found to switch, because
        a few reads do not see every jump; a stuck or broken cell stays so where it is found to be NOISY.
        """
        newly = newer.why >= 0
        newly &= ~((self.states == Health.NOISY) & (newer.states == Health.USABLE))
        newly &= ~((newer.states == Health.NOISY) & self.of(*BROKEN))
        why = np.where(newly, newer.why + len(self.evidence), self.why)
        every = (*self.evidence, *newer.evidence)
        used = np.unique(why[why >= 0])  # what no cell rests on any more is left out
        return HealthMap(
            self.chip_id, np.where(newly, newer.states, self.states).astype(np.uint8),
            tuple(every[number] for number in used.tolist()), np.where(why >= 0, np.searchsorted(used, why), -1),
            newer.dated or self.dated,
        )  # fmt: skip
