"""Describes a set of solutions without an array: how many, how different, how accurate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labmtj.network import forward
from labmtj.network.pairs import conductances, difference
from labmtj.network.solution import Solutions
from labmtj.network.wine import Wine
from labmtj.streams import stream

VARIATION, TMR = 0.1, 1.0
"""spread of ln G, and TMR, of the cells that the accuracy is tried with"""
CHUNK = 500
"""solutions evaluated at once: bounds the memory"""


def accuracy_text(solutions: Solutions, wine: Wine) -> str:
    """Return a few lines: number, sizes, checksum; accuracy at g = 1 as trained, and with conductances that spread.

    Solutions of other layer sizes than the Wine data's are described without an accuracy.
    """
    sizes = f"{solutions.inputs} inputs, {solutions.hidden} hidden neurons, {solutions.outputs} outputs"
    different = len(np.unique(solutions.bits, axis=0))
    lines = [f"{len(solutions)} solutions, {different} of them different: {sizes}", f"sha256 {solutions.checksum()}"]
    if (solutions.inputs, solutions.outputs) != (wine.features.shape[1], len(np.unique(wine.classes))):
        return "\n".join([*lines, "accuracy: not for these sizes; the Wine data have 13 features and 3 classes"])
    ideal, varied = _right(solutions, wine, 0.0), _right(solutions, wine, VARIATION)
    lines.append(f"{'accuracy in percent, g = 1':<40} median  5th perc.     min")
    for name, right, rows in (
        ("148 training samples", ideal, wine.train), ("30 test samples", ideal, wine.test),
        ("all 178", ideal, np.arange(len(wine.classes))),
        (f"148 with {VARIATION:.0%} conductance variation", varied, wine.train),
    ):  # fmt: skip
        percent = 100 * right[:, rows].mean(axis=1)
        lines.append(f"{name:<40} {np.median(percent):6.1f}  {np.percentile(percent, 5):9.1f}  {percent.min():6.1f}")
    return "\n".join(lines)


def _right(solutions: Solutions, wine: Wine, variation: float) -> NDArray[np.bool_]:
    """Return which samples are classified correctly, (solutions, samples), every cell with a deviation of its own."""
    generator, parts = stream(0, "describe"), []
    for start in range(0, len(solutions), CHUNK):
        part = solutions[start : start + CHUNK]
        w1, w2 = (
            difference(conductances(bits, generator.standard_normal(bits.shape), variation, TMR))
            for bits in (part.w1, part.w2)
        )
        predicted = forward.predictions(forward.logits(wine.features, w1, part.b1, w2, part.b2))
        parts.append(predicted == wine.classes)
    return np.concatenate(parts)
