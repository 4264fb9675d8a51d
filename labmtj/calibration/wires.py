"""Wire, line and contact resistance from reads of all ports; what reads of columns alone cannot tell stays assumed.

With one row driven and the columns read, wires and cells cannot be told apart at any number of reads: many wires explain
the data as well, each with other cells. Only the currents of the lines that are not driven tell, row to row and column to
column, which are some thirty times smaller.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from labmtj.calibration.observed import Observed
from labmtj.calibration.states import Decoded
from labmtj.junction import WireDescription


@dataclass(frozen=True, eq=False)
class FittedWires:
    """The wires of an array file, and why they are what they are."""

    description: WireDescription
    fitted: bool
    told: str
    """one sentence: the rank and the posterior, or why nothing was fitted and what would tell it"""

    def drawn(self, generator: np.random.Generator) -> WireDescription:  # noqa: ARG002 - nothing is known but one value
        """Return wires drawn from what the data leave open."""
        return self.description


def fit_wires(observed: Observed, decoded: Decoded) -> FittedWires:  # noqa: ARG001
    """Return the wires that the reads of all ports tell, or those that were assumed."""
    told = (
        "wires: assumed, as the array file has them; reads of columns alone cannot tell them from the cells. A run with "
        "reads of all ports does"
    )
    return FittedWires(observed.assumed.wires, fitted=False, told=told)
