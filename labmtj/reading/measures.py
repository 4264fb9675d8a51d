"""What of a run can be laid beside another: values by name, with what each value belongs to."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labmtj.brief import brief
from labmtj.quantities import FloatArray
from labmtj.reading.opened import Run

_SHOWN = ("software", "measured", "common", "per_layer", "per_solution", "refit_both")
_LOGS = {"pulsed", "reads", "row_reads", "pulses", "pulse_steps"}  # what went on, not what was found

_MOST_VALUES = 1 << 20


@brief
@dataclass(frozen=True, eq=False)
class Measure:
    """A quantity of which a run has several values."""

    where: str
    """station or chip"""
    name: str
    unit: str
    values: FloatArray
    """(values,)"""
    keys: tuple[str, ...]
    """what each value belongs to, such as a solution: values of one key in two runs make a pair"""
    of: str
    """what a key is: a solution, a pattern, a cell, a voltage"""
    paired_only: bool = False
    """whether values of other keys say nothing about these, as those of another voltage"""


def measures(run: Run) -> list[Measure]:
    """Return everything of a run that can be compared with another."""
    return [*_accuracies(run), *_fidelities(run), *_maps(run)]


def _accuracies(run: Run) -> Iterator[Measure]:
    """Yield accuracies and write fidelity of a Wine campaign, per station, in percent."""
    origin = str(run.attributes("solutions").get("sha256", "")) if "solutions" in run else ""
    for station in run.stations:
        group = f"wine/{station}"
        if f"{group}/accuracy" not in run:
            continue
        numbers = run.data.read(f"{group}/solutions/number").tolist()
        keys = tuple(f"{origin} {number}" for number in numbers)
        found = run.data.group(f"{group}/accuracy")
        variants, splits = found["variant"].tolist(), found["split"].tolist()
        for variant in (name for name in _SHOWN if name in variants):
            values = 100 * found["accuracy"][variants.index(variant), splits.index("train")]
            yield Measure(station, f"accuracy, {variant}", "%", values, keys, "solution")
        fidelity = 100 * run.data.read(f"{group}/metrics/write_fidelity")
        yield Measure(station, "write fidelity", "%", fidelity, keys, "solution")


def _fidelities(run: Run) -> Iterator[Measure]:
    """Yield the fidelities of patterns, in percent; a pattern is known by its states."""
    for group in run.groups("written"):
        if group.startswith("patterns/"):
            values = 100 * run.data.read(f"{group}/fidelity")
            keys = tuple(_digest(target, at) for at, target in enumerate(run.data.read(f"{group}/target")))
            yield Measure(group.split("/")[1], "write fidelity", "%", values, keys, "pattern")


def _digest(target: NDArray[Any], at: int) -> str:
    return f"{at} {hashlib.sha256(target.astype(np.uint8).tobytes()).hexdigest()}"


def _maps(run: Run) -> Iterator[Measure]:
    """Yield every array of numbers with a unit that a procedure found out about a chip."""
    for group, arrays in run.data.tree().items():
        parts = group.split("/")
        if parts[0] != "arrays" or len(parts) < 3 or parts[2] in _LOGS or "labmtj_row" in run.attributes(group):
            continue
        for name in arrays:
            if (found := _map(run, group, name)) is not None:
                yield found


def _map(run: Run, group: str, name: str) -> Measure | None:
    """Return an array as a measure; None for one of whole numbers or text, an axis of others, or a very large one."""
    path = f"{group}/{name}"
    kind, attributes = run.data.kind(path), run.data.attributes(path)
    if kind.dtype.kind != "f" or not kind.dims or name in kind.dims or math.prod(kind.shape) > _MOST_VALUES:
        return None
    axes = [_axis(run, group, dim, length) for dim, length in zip(kind.dims, kind.shape, strict=True)]
    keys = tuple(" ".join(place) for place in itertools.product(*axes))
    of = "cell" if kind.dims == ("row", "column") else " and ".join(kind.dims)
    _, chip, *rest = path.split("/")
    values = np.asarray(run.data.read(path), float).ravel()
    return Measure(chip, "/".join(rest), str(attributes.get("units", "1")), values, keys, of, paired_only=True)


def _axis(run: Run, group: str, dim: str, length: int) -> list[str]:
    """Return what tells the places on an axis apart: its coordinate, or their numbers."""
    known = dim in run.data.tree()[group]
    return [str(each) for each in (run.data.read(f"{group}/{dim}").tolist() if known else range(length))]
