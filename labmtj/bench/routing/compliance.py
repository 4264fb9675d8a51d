"""How much current a channel may give to the lines it holds: what they need, and never more than they survive together.

What it promises: a line that has a channel of its own carries no more than `limits.line_amperes`, whatever happens on
the chip. What it does not: lines that share a channel share its compliance, so a shorted cell on one of N lines can
draw what the others leave of it, at most N x `limits.line_amperes`. Nothing between channel and pads separates the
lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labmtj.quantities import FloatArray, Refusal

_MARGIN = 1.5
"""of the compliance over the current expected of the lines that share a channel"""


@dataclass(frozen=True)
class Compliance:
    """The rule of a bench."""

    shape: tuple[int, int]
    line_amperes: float
    """what one line survives"""
    cell_siemens: float
    """nominal, in P"""

    def amperes(self, on: Sequence[int], line_volts: FloatArray) -> float:
        """Return the compliance of a channel that holds the lines `on` under biases (biases, lines), in amperes.

        It is `line_amperes` for a line alone. For several it is doubled (a change takes messages) until it holds 1.5
        times what nominal cells in P would draw together, up to `line_amperes` for each of them.
        """
        if len(on) <= 1:
            return self.line_amperes
        needed = _MARGIN * self.expected(on, line_volts) / self.line_amperes
        doubled = 2 ** np.ceil(np.log2(max(1.0, needed)))
        return float(self.line_amperes * min(doubled, len(on)))

    def expected(self, on: Sequence[int], line_volts: FloatArray) -> float:
        """Return what nominal cells in P would draw together through the lines `on`, the most of all biases."""
        rows, columns = line_volts[:, : self.shape[0]], line_volts[:, self.shape[0] :]
        across = [line_volts[:, [line]] - (columns if line < self.shape[0] else rows) for line in on]
        return float(np.nansum(np.abs(across), axis=(0, 2)).max()) * self.cell_siemens

    def refusal(self, channel: object, on: Sequence[int], line_volts: FloatArray) -> Refusal | None:
        """Say why a channel may not give the current that the lines on it need, or None.

        A line alone is not refused: its source holds it at its limit, and flags what it did.
        """
        if len(on) <= 1:
            return None
        expected, most = self.expected(on, line_volts), len(on) * self.line_amperes
        if expected <= most:
            return None
        return Refusal(
            f"the {len(on)} lines on channel {channel} would draw {expected:.3g} A together, all cells in P; the limit "
            f"is {most:.3g} A, {self.line_amperes:g} A for each (limits.line_amperes)",
            "lower the voltage, select fewer lines at once, or raise limits.line_amperes if the lines survive it",
        )
