"""All reads that a calibration needs, of an unknown chip: reference maps, then all ports in all-P and all-AP.

The maps give every cell in both states, and again after another write; the ports give the wires, which maps cannot, and
offsets. `labmtj calibrate RUN` makes an array file from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field

from labmtj.brief import brief
from labmtj.cost import Cost, CostMeter
from labmtj.quantities import Bias, Lines, ReadSettings
from labmtj.results import facts, record
from labmtj.run.plain import LogWithin
from labmtj.schema import Purpose
from labmtj.verbs import Crossbar, Log
from procedures.common.bounds import Settings
from procedures.common.ports import AllPorts, PortReads
from procedures.common.reference import ReferenceMaps, ReferenceSettings, initialise, read_cells, reference_maps


@brief
@dataclass(frozen=True, eq=False)
class CalibrationResult:
    """What was read."""

    reference: ReferenceMaps
    parallel: PortReads
    """with all cells driven to P"""
    antiparallel: PortReads
    cost: Cost


class CalibrationReads(Settings):
    """Settings of the reads."""

    binary: ClassVar[str] = "a calibration"

    reference: ReferenceSettings = ReferenceSettings()
    ports: AllPorts = AllPorts()
    rounds: int = Field(2, ge=1, le=100, description="writes to each state with a map: how well a resistance repeats")

    rest_ranges_amperes: list[float] = Field(
        [1e-5, 1e-4, 1e-3], max_length=20, description="ranges on which the columns are read at rest, in both states"
    )

    def execute(self, crossbar: Crossbar, log: Log) -> CalibrationResult:
        """Read and record; leaves the array all-AP. Raises ProcedureFailed if most cells did not switch."""
        meter = CostMeter(crossbar)
        with log.tagged(purpose=Purpose.CALIBRATE):
            reference = reference_maps(meter, self.reference)
            record(log, "reference", reference)
            for _ in range(self.rounds - 1):
                self._write(meter, reference, state=True)
                self._write(meter, reference, state=False)
            antiparallel = self._ports(meter, log, "antiparallel")
            self._write(meter, reference, state=True)
            parallel = self._ports(meter, log, "parallel")
            self._write(meter, reference, state=False)
        result = CalibrationResult(reference, parallel, antiparallel, meter.cost)
        log.attributes("reference", facts(result.cost))
        return result

    def _write(self, crossbar: Crossbar, reference: ReferenceMaps, *, state: bool) -> None:
        """Drive all cells to a state and read them."""
        settings = self.reference
        towards = reference.polarity if state else -reference.polarity
        initialise(
            crossbar, towards * settings.initialise_volts, settings.pulse_seconds, settings.initialise_pulses
        )  # fmt: skip
        how = ReadSettings(aperture_seconds=settings.aperture_seconds, polarity="both")
        read_cells(crossbar, settings.read_volts, how)

    def _ports(self, crossbar: Crossbar, log: Log, path: str) -> PortReads:
        result = self.ports.execute(crossbar, LogWithin(log, path))
        rest = Bias(np.zeros(crossbar.shape[0]), np.zeros(crossbar.shape[1]))
        columns = Lines(columns=tuple(range(crossbar.shape[1])))
        with log.tagged(purpose=Purpose.BASELINE):
            for scale in self.rest_ranges_amperes:
                how = ReadSettings(self.ports.aperture_seconds, range_amperes=scale, repeats=self.ports.repeats)
                crossbar.measure(rest, columns, how)
        return result
