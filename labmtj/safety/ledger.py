"""A ledger: how often each of many things was used, against a budget that a warning precedes."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from labmtj.errors import LimitExceeded, UsageError
from labmtj.safety.ledgerfile import Counts, note_most

WARN_FRACTION = 0.8
"""of the budget (a requirement)"""
_LOG = logging.getLogger(__name__)


def cell_names(shape: tuple[int, int]) -> list[str]:
    """Return "(row, column)" of every cell, in the order of the ledger."""
    return [f"({row}, {column})" for row in range(shape[0]) for column in range(shape[1])]


class Ledger:
    """Counts that only grow.

    Args:
        names: of the things counted.
        budget: what each of them may reach.
        what: what is counted, such as "pulses on a cell of chip A7".
        limit: the key of the limit, for messages.
        counts: (things,), changed in place, such as a file that is mapped to memory; default zeros.
        over_budget: go on beyond the budget, as the user asked.
    """

    def __init__(
        self,
        names: Sequence[str],
        budget: int,
        *,
        what: str,
        limit: str,
        counts: Counts | None = None,
        over_budget: bool = False,
    ) -> None:
        self.names, self.budget, self.what, self.limit, self.over_budget = names, budget, what, limit, over_budget
        self._kept = np.zeros(len(names), np.int64) if counts is None else counts
        self.counts: Counts = np.asarray(self._kept)  # the same numbers: a memmap is slow to calculate with
        self.warning = ""
        """what there is to say about the budget, once it is nearly used up"""

    @property
    def most(self) -> int:
        """The largest count."""
        return int(self.counts.max(initial=0))

    def near(self, adding: int) -> bool:
        """Say whether `adding` more of anything would come near the budget."""
        return self.most + adding > WARN_FRACTION * self.budget

    def check(self, adding: Counts) -> None:
        """Raise LimitExceeded if `adding` (things,) exceeds the budget; warn once if it comes near it."""
        after = self.counts + adding
        worst = int(after.argmax())
        if after[worst] <= WARN_FRACTION * self.budget:
            return
        beyond = np.flatnonzero((after > self.budget) & (adding > 0))
        if len(beyond) and not self.over_budget:
            raise LimitExceeded(self._refusal(int(beyond[after[beyond].argmax()]), adding))
        if not self.warning:
            self.warning = (
                f"{self.names[worst]} reaches {after[worst]} {self.what}; the budget is {self.budget} ({self.limit})"
            )
            _LOG.warning("%s", self.warning)

    def _refusal(self, worst: int, adding: Counts) -> str:
        return (
            f"{self.names[worst]} has had {self.counts[worst]} {self.what}, and {adding[worst]} more exceed the budget "
            f"of {self.budget} ({self.limit}). Nothing was applied: replace it, or go on with the option "
            "--over-budget of run, resume and pulse, which is recorded"
        )

    def add(self, adding: Counts) -> None:
        """Count; without a check."""
        self.counts += adding

    def take_over(self, counted: Mapping[str, int]) -> None:
        """Raise counts to those of a counter that saw more, such as the box itself."""
        for number, name in enumerate(self.names):
            self.counts[number] = max(self.counts[number], counted.get(name, 0))

    def text(self) -> str:
        """Return one line: the largest count and the rest of the budget."""
        worst = int(self.counts.argmax())
        used = self.counts[worst] / self.budget
        name = f", at {self.names[worst]}" if self.counts[worst] else ""
        return f"{self.what}: at most {self.counts[worst]}{name}: {used:.1%} of {self.budget:,}"

    @property
    def kept(self) -> bool:
        """Whether the counts lie in a file, and outlive the run."""
        return isinstance(self._kept, np.memmap)

    def restore(self, counts: Counts) -> None:
        """Go back to the counts of a snapshot; UsageError if they are of other things.

        Kept counts go on: where the snapshot has more, the file was deleted or replaced meanwhile, and they are raised.
        """
        if np.shape(counts) != self.counts.shape:
            raise UsageError(f"{len(self.counts)} counts of {self.what} are not {len(counts)}, as in the snapshot")
        if self.kept and (np.asarray(counts) > self.counts).any():
            _LOG.warning("%s: the run has counted more than its ledger shows; its counts are used", self.what)
        self.counts[:] = np.maximum(self.counts, counts) if self.kept else counts

    def sync(self) -> None:
        """Return when a power cut would not lose the counts; they survive the death of the process in any case."""
        if isinstance(self._kept, np.memmap):
            self._kept.flush()
            if self._kept.filename is not None:
                note_most(Path(self._kept.filename), self.most)
