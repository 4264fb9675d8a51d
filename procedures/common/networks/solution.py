"""One solution on one station: both layers written, read as a network, and recorded as one row."""

from __future__ import annotations

import collections.abc
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labmtj.brief import brief
from labmtj.network import Block, Placement, Solutions, Wine, forward, load_wine, pairs
from labmtj.quantities import BoolArray, ChipGroup, FloatArray
from labmtj.schema import Purpose
from labmtj.verbs import Crossbar, Log
from procedures.common.infer import InferSettings, Multiplier, column_range, pair_difference
from procedures.common.networks import record
from procedures.common.networks.adaptation import Adaptation, KnownChip, adapt
from procedures.common.reference import ReferenceMaps
from procedures.common.write import WriteResult, WriteSettings, write_matrix

Memory = dict[str, Any]
Crossbars = collections.abc.Mapping[str, Crossbar]
Place = Block | Placement


@brief
@dataclass(frozen=True)
class Scene:
    """What stays the same from solution to solution of a station."""

    station: ChipGroup
    arrays: Crossbars
    memory: Memory
    """per chip, as `characterise` returns it; kept up to date"""
    log: Log
    infer: InferSettings
    blocks: tuple[Block, Block]
    chips: tuple[tuple[str, ...], tuple[str, ...]]
    """of either layer; more than one if copies need them"""

    def known(self, layer: int) -> list[KnownChip]:
        """Return what is known of the chips of a layer."""
        memories, health = [self.memory[name] for name in self.chips[layer]], self.station.info.health
        return [KnownChip(ReferenceMaps(**each["reference"]), each["state"], health) for each in memories]


class WrittenSolution:
    """One solution, as the adaptation has it."""

    def __init__(self, scene: Scene, solutions: Solutions, number: int, how: Adaptation, root: str = "wine") -> None:
        self.scene, self.number, self.how, self.root = scene, number, how, root
        chips, delta = (scene.known(0), scene.known(1)), scene.station.info.delta_siemens
        self.adapted = adapt(how, solutions, number, scene.blocks, chips, delta)
        self.wine: Wine = load_wine()

    def run(self) -> None:
        """Write and run layer 1, then layer 2 on what came out of it."""
        row: dict[str, Any] = {"number": self.number}
        inputs, scene = self.wine.features, self.scene
        clock = scene.arrays[scene.station.arrays[0]].clock  # one bench, one clock
        begun = clock.now()
        for layer in (0, 1):
            results = [self._write(layer, chip) for chip in self._used(layer)]
            differences = self._multiply(layer, inputs, row)
            row |= record.write_columns(layer, results)
            activations = forward.preactivation(
                differences / self.adapted.gains[layer], self.adapted.biases[layer], 1.0
            )
            inputs = np.tanh(activations)
        row["predicted"] = forward.predictions(activations)
        row["bench_seconds"] = clock.now() - begun
        if not self.how.plain:
            row |= record.adapted_columns(self.adapted)
        record.append_solution(scene.log, scene.station, row, self.root)

    def _used(self, layer: int) -> list[int]:
        return sorted({chip for chip, _ in self.adapted.places[layer]})

    def _write(self, layer: int, chip: int) -> WriteResult:
        scene, name = self.scene, self.scene.chips[layer][chip]
        memory, shape = scene.memory[name], scene.station.info.shape
        target, addressed = np.zeros(shape, bool), np.zeros(shape, bool)
        for where, place in self.adapted.places[layer]:
            if where == chip:
                target |= place.place(self.adapted.bits[layer], shape)
                addressed |= _cells(place, shape)
        with scene.log.tagged(purpose=Purpose.WRITE, solution=self.number):
            result = write_matrix(
                scene.arrays[name], target, ReferenceMaps(**memory["reference"]), WriteSettings(**memory["write"]),
                known=memory["state"], addressed=addressed, delivered=scene.station.info.delivered_fraction,
            )  # fmt: skip
        memory["state"], memory["reference"] = result.achieved, result.reference.to_memory()
        return result

    def _multiply(self, layer: int, inputs: FloatArray, row: dict[str, Any]) -> FloatArray:
        """Measure baseline, product and transfer matrix of a layer; return the product in units of the nominal step."""
        scene = self.scene
        copies = [self._copy(scene.chips[layer][chip], place, inputs) for chip, place in self.adapted.places[layer]]
        baseline, amperes, transfer = copies[0] if len(copies) == 1 else self._averaged(layer, copies)
        row |= {
            f"layer{layer + 1}_amperes": amperes,
            f"layer{layer + 1}_baseline_amperes": baseline,
            f"layer{layer + 1}_transfer_siemens": transfer,
        }
        return pair_difference(amperes, scene.infer.read_volts, scene.station.info.delta_siemens)

    def _copy(self, name: str, place: Place, inputs: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return baseline, column currents and transfer matrix of one copy."""
        scene = self.scene
        largest = column_range(ReferenceMaps(**scene.memory[name]["reference"]), place, scene.infer.read_volts)
        multiplier = Multiplier(scene.arrays[name], place, scene.infer, largest)
        with scene.log.tagged(purpose=Purpose.BASELINE, solution=self.number):
            baseline = multiplier.baseline()
        return baseline, *self._product(multiplier, np.clip(inputs, -1, 1), baseline)

    def _product(
        self, multiplier: Multiplier, inputs: FloatArray, baseline: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return the column currents and the transfer matrix; a product that follows from the matrix costs no read."""
        amperes, log = None, self.scene.log
        if multiplier.way != "transfer":
            with log.tagged(purpose=Purpose.INFER, solution=self.number):
                amperes = multiplier.multiply(inputs, baseline)
        with log.tagged(purpose=Purpose.TRANSFER, solution=self.number):
            transfer = multiplier.transfer()
        return multiplier.superposed(inputs, transfer) if amperes is None else amperes, transfer

    def _averaged(
        self, layer: int, copies: Sequence[tuple[FloatArray, ...]]
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the mean of the best copies, per neuron: both columns of its pair."""
        weights = pairs.difference(self.adapted.bits[layer])
        chosen = best_copies(np.array([copy[2] for copy in copies]), weights, self.how.best)
        kept = np.repeat(chosen, 2, axis=1) / self.how.best
        baseline, amperes, transfer = (
            np.einsum("c...j,cj->...j", np.array([copy[part] for copy in copies]), kept) for part in range(3)
        )
        return baseline, amperes, transfer


def best_copies(transfer: FloatArray, weights: FloatArray, best: int) -> BoolArray:
    """Return which copies of each neuron come closest to its weights, (copies, neurons), `best` of them each.

    Layer ensemble averaging after Yousuf et al., Nat. Commun. 16 (2025), doi 10.1038/s41467-025-56319-6. There the
    lines that sum are rows and the best rows of redundant mappings are averaged; here currents sum in columns, and what
    is chosen is the pair of columns of a neuron, by its measured transfer matrix after one gain per copy. The currents
    are averaged in software.

    Args:
        transfer: of every copy, (copies, inputs, columns), any unit.
        weights: ternary, (inputs, neurons).
        best: how many are averaged.
    """
    found = pairs.difference(transfer)
    held = np.where(weights == 0, np.nan, weights)
    gains = np.nanmedian(found / held, axis=(1, 2), keepdims=True)  # a median: a short must not set it
    errors = np.square(found / gains - weights).sum(axis=1)
    order: NDArray[np.intp] = errors.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    return np.asarray(order < best, bool)


def _cells(place: Place, shape: tuple[int, int]) -> BoolArray:
    """Return True on the cells of a layer, (rows, columns)."""
    return place.place(np.ones((place.rows, place.columns), bool), shape)
