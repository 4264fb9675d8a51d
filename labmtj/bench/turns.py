"""In which order several units take part in a pulse, and whether the last of them can time it for all: pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from labmtj.bench.sequence import Step, largest_across
from labmtj.quantities import Bias, FloatArray
from labmtj.safety import ROUNDING_VOLTS

UnitOfLine = Sequence[str | None]
"""(lines,) the unit that holds each line, None on ground and for a floating line"""


class Turns(NamedTuple):
    """Who steps when: up in this order, down in the reverse one."""

    units: tuple[str, ...]
    """those that drive something, the one that puts least across the cells first"""
    last_times: bool
    """whether the last gives its own pulse while the others hold: they alone disturb no cell, however long they hold"""


def turns_of(line_volts: FloatArray, unit_of_line: UnitOfLine, shape: tuple[int, int], disturb_volts: float) -> Turns:
    """Return the turns for biases (biases, lines) that are given together."""
    owners = np.array([name or "" for name in unit_of_line])
    units = dict.fromkeys(owners[(np.nan_to_num(line_volts) != 0).any(axis=0)].tolist())

    def across(names: Sequence[str]) -> float:
        """Return the largest voltage between a row and a column while only these units are at their levels."""
        at_level = np.isnan(line_volts) | np.isin(owners, names)
        return largest_across(Bias.from_lines(np.where(at_level, line_volts, 0.0), shape))

    order = tuple(sorted(units, key=lambda unit: across([unit]))) if len(units) > 1 else tuple(units)
    return Turns(order, len(order) == 1 or across(order[:-1]) <= disturb_volts + ROUNDING_VOLTS)


def parts_of(step: Step, bias: Bias, unit_of_line: UnitOfLine, disturb_volts: float) -> Iterator[tuple[Step, Turns]]:
    """Iterate what is given in one go: a whole step that one unit can give alone, else bias by bias."""
    whole = turns_of(bias.line_volts[list(step.biases)], unit_of_line, bias.shape, disturb_volts)
    if len(whole.units) <= 1:
        yield step, whole
        return
    for number in step.biases:
        turns = turns_of(bias.line_volts[[number]], unit_of_line, bias.shape, disturb_volts)
        yield Step(step.buses, (number,), step.read), turns
