"""How a campaign uses what is known of its chips: where layers go, how networks are trained on, how many copies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from labmtj.brief import brief
from labmtj.health import Health
from labmtj.network import Block, Placement, Solutions, avoiding, forward, load_wine, pairs
from labmtj.network.aware import Cells, Statistics, Trained, hardware_aware, statistics_aware
from labmtj.network.straight_through import Networks
from labmtj.quantities import BoolArray, FloatArray
from labmtj.streams import stream
from labmtj.strictmodel import StrictModel
from procedures.common.reference import HEALTH_OF, Outcome, ReferenceMaps

_Fraction = Annotated[float, Field(ge=0, le=0.2)]
HEALTH = HEALTH_OF | {Outcome.OUTSIDE: Health.OPEN}
"""what a layer may expect of a cell; on a row that cannot be driven all are as good as open"""


class StatisticsSettings(StrictModel):
    """What is wrong with chips of a kind, for training that knows the kind and no chip."""

    stuck_parallel: _Fraction = Field(0.01, description="fraction of the cells")
    stuck_antiparallel: _Fraction = Field(0.01, description="fraction of the cells")
    short: _Fraction = Field(0.0, description="fraction of the cells; no bits prepare for a short, and trying costs")
    open: _Fraction = Field(0.005, description="fraction of the cells")
    short_steps: float = Field(30.0, gt=0, description="conductance of a short in steps between P and AP")
    variation: float = Field(0.07, ge=0, le=1, description="standard deviation of ln G from cell to cell")
    tmr: float = Field(1.0, gt=0, description="(R_AP - R_P) / R_P")


class Adaptation(StrictModel):
    """What is done with the reference maps. The defaults do nothing: the plain mapping."""

    placement: Literal["plain", "avoid"] = Field(
        "plain", description="lines of a layer: as layer1_at and layer2_at say, or those that avoid bad cells"
    )
    training: Literal["as_given", "hardware_aware", "statistics_aware"] = Field(
        "as_given", description="networks as given, or trained on for the chip as measured, or for chips of its kind"
    )
    epochs: int = Field(300, ge=1, le=10_000, description="steps of that training")
    statistics: StatisticsSettings = Field(StatisticsSettings(), description="for statistics_aware")
    copies: int = Field(1, ge=1, le=8, description="copies of each layer, on further chips where one has no room")
    best: int = Field(1, ge=1, le=8, description="copies with the least error that are averaged, per neuron")

    @model_validator(mode="after")
    def _together(self) -> Adaptation:
        if self.best > self.copies:
            raise ValueError(f"best = {self.best} copies cannot be taken of {self.copies}")
        if self.copies > 1 and self.training == "hardware_aware":
            raise ValueError("hardware_aware trains for the cells of one copy; take copies: 1, or another training")
        return self

    @property
    def plain(self) -> bool:
        """True if nothing is done."""
        return (self.placement, self.training, self.copies) == ("plain", "as_given", 1)

    def room(self, block: Block, shape: tuple[int, int]) -> list[Block]:
        """Return where copies of a layer lie on one chip: side by side from its block on; one if bad cells are avoided.

        A layer that avoids bad cells may need any line of its chip.
        """
        if self.copies == 1 or self.placement == "avoid":
            return [block]
        down, across = (shape[0] - block.row) // block.rows, (shape[1] - block.column) // block.columns
        every = [
            replace(block, row=block.row + i * block.rows, column=block.column + j * block.columns)
            for i in range(down)
            for j in range(across)
        ]
        return every[: self.copies] or [block]

    def chips(self, block: Block, shape: tuple[int, int]) -> int:
        """Return how many chips the copies of a layer take."""
        return -(-self.copies // len(self.room(block, shape)))


Places = list[tuple[int, Block | Placement]]


@brief
@dataclass(frozen=True, eq=False)
class KnownChip:
    """What is known of a chip before a solution is written."""

    maps: ReferenceMaps
    states: NDArray[Any] | None
    """as last verified; None if they were not"""
    health: NDArray[np.uint8] | None = None
    """(rows, columns) a `Health` each, as earlier runs found it"""


@brief
@dataclass(frozen=True, eq=False)
class Adapted:
    """A solution as it is written: bits and biases of both layers, and where every copy of a layer lies."""

    bits: tuple[NDArray[np.uint8], NDArray[np.uint8]]
    """(inputs, columns) each"""
    biases: tuple[FloatArray, FloatArray]
    gains: tuple[FloatArray, FloatArray]
    """of every neuron, in units of the nominal step; 1 unless training found others"""
    places: tuple[Places, Places]
    """per layer and copy: which of the layer's chips, and where on it"""


def adapt(
    how: Adaptation, solutions: Solutions, number: int, blocks: tuple[Block, Block],
    chips: tuple[list[KnownChip], list[KnownChip]], delta_siemens: float,
) -> Adapted:  # fmt: skip
    """Return what to write of one solution.

    Args:
        how: the settings.
        solutions: as trained.
        number: of the solution.
        blocks: of either layer in the plain mapping.
        chips: those of either layer, perhaps more than this way needs.
        delta_siemens: nominal step of a cell.
    """
    many, shape = how.training == "statistics_aware", chips[0][0].maps.outcome.shape
    trained = _for_many(how, solutions, number) if many else _given(solutions, number)
    given = trained.networks
    if how.placement == "plain":
        places = [_side_by_side(how, block, (shape[0], shape[1])) for block in blocks]
    else:
        used = [each[: how.copies] for each in chips]
        places = [_avoiding(*layer) for layer in zip(given[:2], blocks, used, _weights(given), strict=True)]
    if how.training == "hardware_aware":
        first, second = (_cells(chips[layer][0].maps, places[layer][0][1], delta_siemens) for layer in (0, 1))
        trained = hardware_aware(*_training(), given, (first, second), how.epochs)
    w1, w2, b1, b2 = (each[0] for each in trained.networks)
    gains = trained.gain1[0], trained.gain2[0]
    return Adapted((w1.astype(np.uint8), w2.astype(np.uint8)), (b1, b2), gains, (places[0], places[1]))


def health_of(chip: KnownChip) -> NDArray[np.uint8]:
    """Return the `Health` of every cell, (rows, columns): from the maps; which are noisy, from earlier runs."""
    table = np.array([HEALTH[outcome] for outcome in sorted(Outcome)], np.uint8)
    states = table[chip.maps.outcome]
    if chip.health is not None:
        states[(states == Health.USABLE) & (chip.health == Health.NOISY)] = Health.NOISY
    return states


def _training() -> tuple[FloatArray, NDArray[np.intp]]:
    """Return the inputs and classes to train on."""
    wine = load_wine()
    return wine.features[wine.train], wine.classes[wine.train]


def _weights(given: Networks) -> tuple[FloatArray, FloatArray]:
    """Return the rms of every input of both layers, (inputs, 1): what an error of its weights is multiplied with."""
    x, _ = _training()
    inner = forward.hidden(x, pairs.difference(given.w1[0]), given.b1[0])
    first, second = (np.sqrt(np.mean(np.square(each), axis=0))[:, np.newaxis] for each in (x, inner))
    return first, second


def _side_by_side(how: Adaptation, block: Block, shape: tuple[int, int]) -> Places:
    room = how.room(block, shape)
    return [(copy // len(room), room[copy % len(room)]) for copy in range(how.copies)]


def _avoiding(bits: BoolArray, block: Block, chips: list[KnownChip], weights: FloatArray) -> Places:
    found = [avoiding(bits[0], health_of(chip), block, weights, chip.states) for chip in chips]
    return list(enumerate(found))


def _cells(maps: ReferenceMaps, place: Block | Placement, delta_siemens: float) -> Cells:
    """Return what the cells under a layer were read to conduct, in nominal steps, as a chip of its own."""
    unit = maps.read_volts * delta_siemens
    parallel, antiparallel = (place.take(each) / unit for each in (maps.parallel_amperes, maps.antiparallel_amperes))
    return Cells(parallel[np.newaxis, np.newaxis], antiparallel[np.newaxis, np.newaxis])


@lru_cache(maxsize=4096)
def _for_many(how: Adaptation, solutions: Solutions, number: int) -> Trained:
    """Return a solution trained on for chips of a kind: the same for all of them, so trained once per process."""
    statistics, generator = Statistics(**how.statistics.model_dump()), stream(0, "statistics", number)
    given = _given(solutions, number).networks
    return statistics_aware(_training()[0], given, statistics, generator, how.epochs)


def _given(solutions: Solutions, number: int) -> Trained:
    """Return one solution as it is."""
    one = solutions[number]
    networks = Networks(one.w1.astype(bool), one.w2.astype(bool), one.b1, one.b2)
    return Trained(networks, np.ones_like(one.b1), np.ones_like(one.b2))
