"""A batch as a sequence of steps, each on one routing: in the order given, or grouped by routing if order is free."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from labmtj.bench.routing import Buses, Pattern, Router
from labmtj.quantities import Bias, FloatArray
from labmtj.safety import most_across


@dataclass(frozen=True, eq=False, slots=True)
class Step:
    """What is done without moving a relay: some biases of the batch, some lines read under each."""

    buses: Buses
    biases: tuple[int, ...]
    """their numbers in the batch"""
    read: tuple[int, ...]
    """line numbers"""


def steps_of(
    router: Router, line_volts: FloatArray, read: Sequence[int], present: Buses, *, ordered: bool
) -> list[Step]:
    """Return the steps that give a batch (batch, lines) and read the lines under every bias; few relays move.

    Every bias must be possible, see `Router.refusal`.
    """
    patterns = [router.pattern(volts) for volts in line_volts]
    steps: list[Step] = []
    for pattern, biases in _runs(router, patterns, read, ordered=ordered):
        left = router.groups(pattern, read)
        while left:
            group = min(left, key=lambda group: -_lying_ready(router, group, present))
            left.remove(group)
            present = router.route(pattern, group, present)
            steps.append(Step(present, biases, group))
    return steps


def largest_across(bias: Bias) -> float:
    """Return the largest voltage between a row and a column of a batch: whether its order may matter."""
    return float(most_across(bias.line_volts, bias.shape).max())


def _runs(
    router: Router, patterns: list[Pattern], read: Sequence[int], *, ordered: bool
) -> Iterator[tuple[Pattern, tuple[int, ...]]]:
    """Iterate patterns with the biases that share them: all of the batch if order is free, else neighbours.

    Where the lines are read in several groups, an ordered batch goes bias by bias: each is read whole before the next.
    """
    numbers = range(len(patterns)) if ordered else sorted(range(len(patterns)), key=lambda number: patterns[number])
    for pattern, found in groupby(numbers, key=lambda number: patterns[number]):
        biases = tuple(found)
        if not ordered or len(router.groups(pattern, read)) == 1:
            yield pattern, biases
        else:
            yield from ((pattern, (bias,)) for bias in biases)


def _lying_ready(router: Router, group: tuple[int, ...], present: Buses) -> int:
    """Return how many lines of a group lie on a channel already."""
    return int(np.isin(present[list(group)], router.driving).sum()) if group else 0
