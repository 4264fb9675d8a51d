"""What a chip needs before it is written: reference maps and write amplitudes; and its states after a crash."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labmtj.quantities import ReadSettings
from labmtj.results import record
from labmtj.schema import Purpose
from labmtj.verbs import Crossbar, Log
from procedures.common.amplitude import AmplitudeSettings, scan_amplitudes
from procedures.common.reference import ReferenceMaps, ReferenceSettings, read_cells, reference_maps
from procedures.common.write import StateMap, WriteSettings, read_states


def characterise(
    name: str,
    crossbar: Crossbar,
    log: Log,
    reference: ReferenceSettings,
    amplitude: AmplitudeSettings | None,
    write: WriteSettings,
    health: NDArray[np.uint8] | None = None,
) -> dict[str, Any]:
    """Make the reference maps of a chip, find its amplitudes, and record both under `arrays/<name>`.

    Cells that `health`, (rows, columns), knows as stuck, shorted or open are not used, see `ReferenceMaps.with_known`.

    Returns plain values for a campaign's memory: "reference" (of ReferenceMaps), "write" (of WriteSettings, with the
    amplitudes found), and "state", the states that the chip is believed to be in: None, to be read.
    """
    with log.tagged(purpose=Purpose.CHARACTERISE, solution=-1):
        maps = reference_maps(crossbar, reference).with_known(health)
        scan = None
        if amplitude is not None:
            scan = scan_amplitudes(crossbar, maps, reference, write, amplitude)
            write = write.model_copy(
                update={"parallel_volts": scan.parallel_volts, "antiparallel_volts": scan.antiparallel_volts}
            )
        record(
            log, f"arrays/{name}/reference", maps,
            parallel_volts=write.parallel_volts, antiparallel_volts=write.antiparallel_volts,
        )  # fmt: skip
        if scan is not None:
            record(log, f"arrays/{name}/amplitude", scan)
    return {"reference": maps.to_memory(), "write": write.model_dump(), "state": None}


def read_again(crossbar: Crossbar, known: Mapping[str, Any], write: WriteSettings) -> StateMap | None:
    """Read every cell of a chip whose campaign was interrupted; return the states.

    `known` is what `characterise` returned of the chip. If that is empty, states cannot be decided yet: the reads
    are recorded, with the settings of `write`, and None is returned.
    """
    if known:
        return read_states(crossbar, ReferenceMaps(**known["reference"]), WriteSettings(**known["write"]))
    read_cells(crossbar, write.read_volts, ReadSettings(aperture_seconds=write.aperture_seconds, polarity="both"))
    return None
