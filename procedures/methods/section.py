"""What report and terminal say of ways compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from labmtj.report.blocks import Block
from labmtj.report.sections import Finding, Section
from procedures.common.perceptron.samples import TEST, samples
from procedures.methods.comparison import ROOT, TUNINGS, Comparison, comparisons, method_lines


class MethodsSection(Section):
    """What is said of the ways to use what is known of chips."""

    rank: ClassVar[int] = 10
    places: ClassVar[Mapping[str, str]] = {f"{ROOT}/*": "gain"}

    def finding(self) -> Finding | None:
        """Return the best way on each device size."""
        found = comparisons(self.contents)
        if not found:
            return None
        of = f"{samples(self.contents)[TEST]}, one gain per solution (95 % interval)"
        return f"Best way, accuracy gained over {found[0].baseline}, {of}", [_best_way(each) for each in found]

    def lines(self) -> list[str]:
        """Return the tables."""
        return [f" {line}" if line else "" for line in method_lines(self.contents)]

    def result(self) -> list[Block]:
        """Return a table and a figure per device size."""
        from procedures.methods.figures import methods_blocks

        return methods_blocks(self.contents)


def _best_way(found: Comparison) -> str:
    others = [number for number, name in enumerate(found.names) if name != found.baseline]
    gains = 100 * found.gain[others, found.tunings.index(next(iter(TUNINGS))), found.splits.index(TEST)]
    best = int(np.argmax(gains[:, 0]))
    mean, low, high = gains[best].tolist()
    bounds = "" if np.isnan(low) else f" ({low:.2f} to {high:.2f})"
    return f"{found.family} {found.names[others[best]]} {mean:+.2f} points{bounds}"
