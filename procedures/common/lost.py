"""Fractions of cells that lost their state, of records of any age."""

from __future__ import annotations

import numpy as np

from labmtj.fitting.proportions import Proportion, one_trial_of_each
from labmtj.report.contents import Group
from labmtj.report.digits import percent


def lost_of(of: Group) -> Proportion:
    """Return the fraction of the cells lost, with its 95 % interval for their family.

    Older records hold a probability, or a rate, that takes the cells for alike: the fraction is worked out from their
    counts instead.
    """
    names = ("lost", "lost_low", "lost_high")
    if all(name in of for name in names):
        value, low, high = (of[name] for name in names)
        return Proportion(value, low, high)
    return one_trial_of_each(of["flipped"], of["cells"])


def exposures_of(of: Group) -> float:
    """Return how many half-selects each victim got."""
    if "exposures" in of.facts:
        return float(of.facts["exposures"])
    return float(np.max(of["exposures"]))


def fraction_text(lost: Proportion, place: tuple[int, ...]) -> str:
    """Return one of the fractions as text: with its interval, or as an upper limit where none was lost."""
    value, low, high = (float(part[place]) for part in (lost.value, lost.low, lost.high))
    if value == 0:
        return f"below {_text(high)} %"
    return f"{_text(value)} % ({_text(low)} to {_text(high)})"


def _text(fraction: float) -> str:
    digits = 1 if fraction >= 0.1 else 2 if fraction >= 0.01 else 3
    return percent(fraction, digits)
