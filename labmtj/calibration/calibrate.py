"""From the log of a chip to an array file with its own cells: what the data determine is fitted, the rest assumed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from labmtj.arrays import ArrayDescription
from labmtj.brief import brief
from labmtj.calibration.cells import FittedCells, fit_cells
from labmtj.calibration.gains import Gains, fit_gains
from labmtj.calibration.observed import Observed, observed
from labmtj.calibration.offsets import FittedOffsets, fit_offsets
from labmtj.calibration.predict import Model
from labmtj.calibration.states import Decoded, decode
from labmtj.calibration.switching import SWITCHING_MAPS, FittedSwitching, fit_switching
from labmtj.calibration.wires import FittedWires, fit_wires
from labmtj.device.cellmap import CellMap
from labmtj.device.mtj import CellsDescription, Family
from labmtj.errors import DataError
from labmtj.streams import stream

MOST_CELLS = 32 * 32
"""that are calibrated: the maps of more do not fit into a YAML file of 20 000 values"""
GAIN_FRACTION = 2e-4
"""accuracy that a meter's gain is taken to have (assumed: one-year data sheets of the units on the benches say 0.02 to
0.03 %). All resistances share it: it is stated apart, and is not in any standard error"""


@brief
@dataclass(frozen=True, eq=False)
class Calibration:
    """What the records say of a chip."""

    observed: Observed
    decoded: Decoded
    gains: Gains
    wires: FittedWires
    cells: FittedCells
    offsets: FittedOffsets | None
    description: ArrayDescription
    """the array file"""
    switching_summary: str
    """how the switching parameters were found"""
    polarity_summary: str
    """whether the polarity was measured, and what the array file of the run said"""

    @property
    def misfit(self) -> str:
        """Why nothing counts as fitted; empty if the model describes the reads."""
        return self.wires.misfit

    def draws(self, count: int, seed: int = 0) -> Iterator[ArrayDescription]:
        """Return samples of the posterior: cells and wires that the data leave possible; each is an array file.

        Cells are drawn independently of each other, their common gain from what the meter may have, wires together as
        their posterior says.
        """
        for number in range(count):
            generator = stream(seed, "twin", self.observed.chip, number)
            yield self._drawn(generator)

    def _drawn(self, generator: np.random.Generator) -> ArrayDescription:
        shape, cells = self.description.shape, self.description.cells
        assert cells is not None
        gain = 1 + GAIN_FRACTION * generator.standard_normal()
        parallel, antiparallel = (
            gain * ohms * np.exp(error * generator.standard_normal(ohms.size))
            for ohms, error in (
                (self.cells.parallel_ohms, self.cells.parallel_error),
                (self.cells.antiparallel_ohms, self.cells.antiparallel_error),
            )
        )
        changed = {
            "parallel_ohms": CellMap.of(parallel.reshape(shape)),
            "tmr": CellMap.of(np.maximum(antiparallel / parallel - 1, 0.0).reshape(shape)),
        }
        return self.description.model_copy(
            update={"cells": cells.model_copy(update=changed), "wires": self.wires.drawn(generator)}
        )


def calibrate(path: Path, chip: str | None = None, on: ArrayDescription | None = None) -> Calibration:
    """Return what the data file of a run determines of a chip.

    What it does not determine of wires, switching and offsets stays as in the array file of the run, or in `on`.

    Args:
        path: the data file.
        chip: its name in the run, if that holds several.
        on: an array file of the chip, as another run was calibrated to.

    Raises:
        DataError: naming what is missing, and the procedure that measures it.
    """
    seen = observed(path, chip, on)
    seen, polarity_summary = _with_polarity(seen)
    if np.prod(seen.assumed.shape) > MOST_CELLS:
        raise DataError(
            f"{path}: {seen.assumed.shape[0]} x {seen.assumed.shape[1]} cells are more than the {MOST_CELLS} whose "
            "maps an array file holds; this chip cannot be calibrated"
        )
    states = decode(seen)
    gains = fit_gains(seen, states)
    seen = gains.corrected(seen)
    states = decode(seen) if gains.differ else states
    wires = fit_wires(seen, states)
    wired = seen.assumed.model_copy(update={"wires": wires.description, "cells": None, "offsets": None})
    cells, states, wired = fit_cells(seen, states, wired)
    cells = cells.widened(
        *(wires.cell_errors(ohms, wired.shape) for ohms in (cells.parallel_ohms, cells.antiparallel_ohms))
    )
    cells = cells.widened(*[np.full(cells.parallel_ohms.shape, gains.common_error)] * 2)
    description = _described(seen, wired, cells, wires.misfit)
    offsets = fit_offsets(seen, states, Model(description))
    switching = fit_switching(seen, description)
    description = _with_switching(_with_offsets(description, offsets, gains, seen), switching)
    return Calibration(seen, states, gains, wires, cells, offsets, description, switching.summary, polarity_summary)


def _with_polarity(seen: Observed) -> tuple[Observed, str]:
    """Return the log with the polarity that was measured as the assumed one, and a line of text about it."""
    before, measured = seen.assumed.polarity, seen.polarity
    if measured is None:
        return seen, f"polarity {before:+d} (assumed: as in array file {seen.assumed.name}; the run measured none)"
    text = f"polarity {measured:+d} (measured)"
    if measured != before:
        text += f"; array file {seen.assumed.name} says {before:+d}, wrong for this chip: use this file instead"
    return replace(seen, assumed=seen.assumed.model_copy(update={"polarity": measured})), text


def _described(seen: Observed, wired: ArrayDescription, cells: FittedCells, misfit: str) -> ArrayDescription:
    source = f"labmtj calibrate {seen.run}, chip {seen.chip}: {cells.reads} reads of cells in {cells.networks} states"
    family = Family.of(wired.family)
    if cells.cycle_measured:
        spread = {
            "value": float(f"{cells.cycle_to_cycle:.3g}"), "provenance": "fitted", "source": f"{source}, robust",
            "sigma": 0.0, "relative_sigma": 0.0,
        }  # fmt: skip
        family = family.model_copy(update={"cycle_to_cycle": family.cycle_to_cycle.model_copy(update=spread)})
    kept = _kept(CellsDescription.of(seen.assumed.cells))
    source += f"; switching: {seen.assumed.cells.source}" if kept and seen.assumed.cells else ""
    source += f"; {misfit}" if misfit else ""
    own = CellsDescription(
        chip=seen.label or seen.chip, provenance="misfit" if misfit else "fitted", source=source,
        defects=list(cells.defects),
    )  # fmt: skip
    own = own.model_copy(update=kept | cells.maps(wired.shape))
    # a model copied is not checked: what is written is read back
    changes = {"family": family, "cells": own, "calibrated": False}
    return ArrayDescription.from_mapping(wired.model_copy(update=changes).model_dump())


def _kept(known: CellsDescription | None) -> dict[str, CellMap]:
    """Return the maps that do not follow from reads, as they were known before."""
    return {} if known is None else {name: found for name, found in known.maps() if name in SWITCHING_MAPS}


def _with_switching(description: ArrayDescription, found: FittedSwitching) -> ArrayDescription:
    assert description.cells is not None
    family, cells = description.family, description.cells.model_copy(update=dict(found.maps))
    changed = {name: getattr(family, name).model_copy(update=dict(new)) for name, new in found.family.items()}
    new = description.model_copy(update={"family": family.model_copy(update=changed), "cells": cells})
    return ArrayDescription.from_mapping(new.model_dump())


def _with_offsets(
    description: ArrayDescription, offsets: FittedOffsets | None, gains: Gains, seen: Observed
) -> ArrayDescription:
    if offsets is None:
        return description.model_copy(update={"offsets": seen.assumed.offsets})
    found = gains.described(offsets.described(f"{offsets.reads} reads, the part without sign; {seen.run}"))
    return description.model_copy(update={"offsets": found})
