"""What the Wine campaign records, and where: one row per solution in `wine/<station>/solutions`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np

from labmtj.network import Solutions, Wine
from labmtj.quantities import BoolArray, ChipGroup
from labmtj.results import Fact, Quantity, Result, record
from labmtj.schema import Column, Table, meanings_of
from labmtj.verbs import Log
from procedures.common.networks.adaptation import Adapted
from procedures.common.reference import STATES, Outcome
from procedures.common.write import WriteResult

CULTIVARS = {"class_0": 0, "class_1": 1, "class_2": 2}
"""as the data set calls them"""
PER_LAYER = {
    "target": Column("u1", "1", "state to be written, 1 = P", ("row", "column"), STATES),
    "achieved": Column("u1", "1", "state at the last verify read, 1 = P", ("row", "column"), STATES),
    "verify_amperes": Column("f4", "A", "current of the last verify read of the cell", ("row", "column")),
    "attempts": Column("u1", "1", "pulses that selected the cell", ("row", "column")),
    "outcome": Column("u1", "1", "what became of the cell", ("row", "column"), meanings_of(Outcome)),
    "fidelity": Column("f8", "1", "fraction of the layer's cells whose last verify read equals the target"),
    "fidelity_parallel": Column("f8", "1", "the same over the cells to be P"),
    "fidelity_antiparallel": Column("f8", "1", "the same over the cells to be AP"),
    "first_fidelity": Column("f8", "1", "fidelity after the first move, before any repair"),
    "rounds": Column("u2", "1", "repair rounds"),
    "pulses": Column("u4", "1", "write pulses"),
    "limited": Column("u4", "1", "write pulses in which a source was in compliance"),
}
ADAPTED = ("bits", "bias", "gain", "rows", "columns")
"""per layer, where a solution is not written as it is given"""


def solutions_path(station: ChipGroup, root: str = "wine") -> str:
    """Return the path of a station's table of solutions."""
    return f"{root}/{station.name}/solutions"


def describe(
    log: Log, stations: Sequence[ChipGroup], solutions: Solutions, wine: Wine, *, adapted: bool = False
) -> None:
    """Record the stations and declare their tables."""
    for station in stations:
        declare(log, station, solutions, wine, adapted=adapted)
        log.attributes(
            f"wine/{station.name}",
            {
                "arrays": list(station.arrays),
                "family": station.info.name,
                "diameter_metres": station.info.diameter_metres,
                "delta_siemens": station.info.delta_siemens,
            },
            kind="wine.station",
        )


def declare(
    log: Log, station: ChipGroup, solutions: Solutions, wine: Wine, root: str = "wine", *, adapted: bool
) -> None:
    """Declare the table of a station."""
    table = _table(station, solutions, len(wine.classes), root, adapted=adapted)
    log.table(table)
    log.attributes(table.path, {}, kind="wine" if root == "wine" else "methods.solutions")


class InputSamples(Result, kind="wine.inputs"):
    """The data set, as it is recorded."""

    wine: Annotated[
        Wine,
        Quantity("1", "feature, scaled to [0, 1] over all samples", ("sample", "feature"), part="features"),
        Quantity("1", "cultivar", ("sample",), CULTIVARS, name="label", part="classes"),
        Quantity("1", "name of the feature", ("feature",), name="feature", part="feature_names"),
    ]

    @property
    def is_test(
        self,
    ) -> Annotated[BoolArray, Quantity("1", "whether the sample is one of the 30 kept for reporting", ("sample",))]:
        """The held-back samples."""
        return np.isin(np.arange(len(self.wine.classes)), self.wine.test)


class InputSolutions(Result, kind="wine.inputs"):
    """The solutions, as they are recorded."""

    solutions: Annotated[
        Solutions,
        Quantity(
            "1", "bits of layer 1, even columns plus, odd columns minus", ("solution", "input", "column1"), STATES,
            part="w1",
        ),
        Quantity("1", "bits of layer 2", ("solution", "hidden", "column2"), STATES, part="w2"),
        Quantity("1", "biases of layer 1, kept in software", ("solution", "hidden"), part="b1"),
        Quantity("1", "biases of layer 2, kept in software", ("solution", "class"), part="b2"),
        Fact("1", "of the set", part="name"),
        Fact("1", "where they come from", part="origin"),
    ]  # fmt: skip

    @property
    def sha256(self) -> Annotated[str, Fact("1", "checksum")]:
        """Checksum of the arrays."""
        return self.solutions.checksum()


def describe_inputs(log: Log, solutions: Solutions, wine: Wine) -> None:
    """Record data set and solutions."""
    record(log, "dataset", InputSamples(wine))
    record(log, "solutions", InputSolutions(solutions))


def _table(station: ChipGroup, solutions: Solutions, samples: int, root: str, *, adapted: bool) -> Table:
    columns: dict[str, Column] = {"number": Column("i4", "1", "number of the solution in the file of solutions")}
    for layer in (1, 2):
        axis, rows = f"column{layer}", f"input{layer}"
        columns |= {
            f"layer{layer}_amperes": Column(
                "f8",
                "A",
                f"column currents of layer {layer} at g = 1, baseline subtracted",
                ("sample", axis),
                noisy=True,
            ),
            f"layer{layer}_baseline_amperes": Column(
                "f8", "A", "column currents at zero input, after the write", (axis,)
            ),
            f"layer{layer}_transfer_siemens": Column(
                "f8", "S", "column current per volt on one row, all other lines at 0 V", (rows, axis)
            ),
        }
        columns |= {f"layer{layer}_{name}": column for name, column in PER_LAYER.items()}
        if adapted:
            neuron = "hidden" if layer == 1 else "class"
            columns |= _adapted_table(layer, rows, axis, neuron)
    columns |= {
        "predicted": Column(
            "i1", "1", "class of the largest output at g = 1, both layers measured", ("sample",), CULTIVARS
        ),
        "bench_seconds": Column("f8", "s", "time on the clock of the bench"),
    }
    sizes = {
        "sample": samples, "row": station.info.shape[0], "column": station.info.shape[1],
        "column1": solutions.w1.shape[2], "column2": solutions.w2.shape[2],
        "input1": solutions.w1.shape[1], "input2": solutions.w2.shape[1],
    }  # fmt: skip
    if adapted:
        sizes |= {"hidden": solutions.hidden, "class": solutions.outputs}
    return Table(solutions_path(station, root), "solution", columns, sizes)


def _adapted_table(layer: int, rows: str, columns: str, neuron: str) -> dict[str, Column]:
    described = (
        Column("u1", "1", "bits written instead of those of the solution", (rows, columns), STATES),
        Column("f8", "1", "biases in the place of those of the solution", (neuron,)),
        Column("f8", "1", "gains that training found, in nominal conductance steps; 1 without", (neuron,)),
        Column("i2", "1", "row of the array that each input drives, of the first copy", (rows,)),
        Column("i2", "1", "column of the array that carries each column of the layer, of the first copy", (columns,)),
    )
    return {f"layer{layer}_{name}": column for name, column in zip(ADAPTED, described, strict=True)}


def write_columns(layer: int, results: list[WriteResult]) -> dict[str, Any]:
    """Return the columns of one layer that say how it was written.

    Of copies on several chips: the maps of the first, means of the fractions, and all pulses.
    """
    values = [_write_columns(layer, result) for result in results]
    one, counts = values[0], [f"layer{layer + 1}_{name}" for name in ("pulses", "limited")]
    shares = [name for name in one if "fidelity" in name]
    if len(values) > 1:
        one |= {name: sum(each[name] for each in values) for name in counts}
        one |= {name: float(np.mean([each[name] for each in values])) for name in shares}
    return one


def _write_columns(layer: int, result: WriteResult) -> dict[str, Any]:
    right = result.achieved == result.target

    def fraction(state: bool) -> float:  # noqa: FBT001 - a state is a bit
        cells = result.addressed & (result.target == state)
        return float(right[cells].mean()) if cells.any() else np.nan

    values = {
        "target": result.target, "achieved": result.achieved, "verify_amperes": result.verify_amperes,
        "attempts": np.minimum(result.attempts, 255), "outcome": result.outcome, "fidelity": result.fidelity,
        "fidelity_parallel": fraction(True), "fidelity_antiparallel": fraction(False),  # noqa: FBT003
        "first_fidelity": result.first_fidelity, "rounds": result.rounds, "pulses": result.pulses,
        "limited": result.pulses_in_compliance,
    }  # fmt: skip
    return {f"layer{layer + 1}_{name}": value for name, value in values.items()}


def adapted_columns(adapted: Adapted) -> dict[str, Any]:
    """Return the columns that say what was written instead of the solution as given, and where."""
    row: dict[str, Any] = {}
    for layer in (0, 1):
        _, place = adapted.places[layer][0]
        values = (
            adapted.bits[layer], adapted.biases[layer], adapted.gains[layer], place.row_lines, place.column_lines,
        )  # fmt: skip
        row |= {f"layer{layer + 1}_{name}": np.asarray(value) for name, value in zip(ADAPTED, values, strict=True)}
    return row


def append_solution(log: Log, station: ChipGroup, row: dict[str, Any], root: str = "wine") -> None:
    """Append the row of one solution."""
    log.append(solutions_path(station, root), {name: np.asarray(value)[np.newaxis] for name, value in row.items()})
