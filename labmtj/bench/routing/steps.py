"""A batch as steps, each on one routing, ordered or grouped by routing; and which unit of several times a pulse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import numpy as np

from labmtj.bench.routing.routes import Buses, Pattern, Router
from labmtj.quantities import Bias, FloatArray
from labmtj.safety import ROUNDING_VOLTS, most_across


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


UnitOfLine = Sequence[str | None]
"""(lines,) the unit that holds each line, None on ground and for a floating line"""


class StepOrder(NamedTuple):
    """The order in which units step: up in this order, down in the reverse one."""

    units: tuple[str, ...]
    """those that drive something, the one that puts least across the cells first"""
    last_unit_is_timer: bool
    """whether the last gives its own pulse while the others hold: they alone disturb no cell, however long they hold"""


def step_order_of(
    line_volts: FloatArray, unit_of_line: UnitOfLine, shape: tuple[int, int], disturb_volts: float
) -> StepOrder:
    """Return the turns for biases (biases, lines) that are given together."""
    owners = np.array([name or "" for name in unit_of_line])
    units = dict.fromkeys(owners[(np.nan_to_num(line_volts) != 0).any(axis=0)].tolist())

    def across(names: Sequence[str]) -> float:
        """Return the largest voltage between a row and a column while only these units are at their levels."""
        at_level = np.isnan(line_volts) | np.isin(owners, names)
        return largest_across(Bias.from_lines(np.where(at_level, line_volts, 0.0), shape))

    order = tuple(sorted(units, key=lambda unit: across([unit]))) if len(units) > 1 else tuple(units)
    return StepOrder(order, len(order) == 1 or across(order[:-1]) <= disturb_volts + ROUNDING_VOLTS)


def parts_of(
    step: Step, bias: Bias, unit_of_line: UnitOfLine, disturb_volts: float
) -> Iterator[tuple[Step, StepOrder]]:
    """Iterate what is applied without a break: a whole step that one unit can give alone, else bias by bias."""
    whole = step_order_of(bias.line_volts[list(step.biases)], unit_of_line, bias.shape, disturb_volts)
    if len(whole.units) <= 1:
        yield step, whole
        return
    for number in step.biases:
        turns = step_order_of(bias.line_volts[[number]], unit_of_line, bias.shape, disturb_volts)
        yield Step(step.buses, (number,), step.read), turns
