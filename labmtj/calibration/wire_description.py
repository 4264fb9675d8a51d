"""Pieces of wire as an array file writes them: one number per kind where all lines are alike, else one per line."""

from __future__ import annotations

from typing import Any

import numpy as np

from labmtj.arrays import WireDescription
from labmtj.fitting.wire_model import WIRES, split
from labmtj.quantities import FloatArray

ALIKE = 1e-9
"""ohms: pieces that differ by less are one number"""


def described(pieces: FloatArray, root: FloatArray, before: WireDescription, shape: tuple[int, int]) -> WireDescription:
    """Return the section of an array file.

    Args:
        pieces: (pieces,) ohms.
        root: (pieces, n) of their covariance.
        before: whose provenance and source stand; what is assumed there stays as it is.
        shape: of the array.
    """
    changed = {}
    for name, ohms, roots in zip(WIRES, split(pieces, shape), split(root, shape), strict=True):
        old = getattr(before, name)
        if old.provenance not in ("fitted", "misfit", "not identified") or not ohms.size:
            continue
        lines = ohms.reshape(len(ohms), -1)
        by_line = roots.reshape(*lines.shape, -1).mean(axis=1)
        found: dict[str, Any] = {
            "value": _rounded(float(np.mean(lines))), "by_line": None, "standard_errors_by_line": None,
            "standard_error": float(f"{np.linalg.norm(by_line.mean(axis=0)):.3g}"),
        }  # fmt: skip
        if np.ptp(lines) > ALIKE:
            found["by_line"] = [
                _rounded(float(line[0])) if np.ptp(line) < ALIKE else [_rounded(each) for each in line.tolist()]
                for line in lines
            ]
            found["standard_errors_by_line"] = [float(f"{np.linalg.norm(each):.3g}") for each in by_line]
        changed[name] = old.model_copy(update=found)
    return before.model_copy(update=changed)


def _rounded(ohms: float) -> float:
    return float(f"{max(ohms, 0.0):.6g}")
