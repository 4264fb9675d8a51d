"""Amplitude scan: write fidelity against write voltage, after the reference maps."""

from __future__ import annotations

from labmtj.results import record
from labmtj.schema import Purpose
from labmtj.verbs import Crossbar, Log
from procedures.common.amplitude import AmplitudeSettings, scan_amplitudes
from procedures.common.reference import ReferenceSettings, reference_maps
from procedures.common.write import AMPLITUDES, WriteSettings


class AmplitudeMap(AmplitudeSettings):
    """The amplitude scan as a procedure of its own: reference maps, then the scan."""

    reference: ReferenceSettings = ReferenceSettings()
    write: WriteSettings = WriteSettings()

    @property
    def unused(self) -> tuple[str, ...]:
        """Amplitudes of `write`: they come from the scan."""
        return AMPLITUDES

    def execute(self, crossbar: Crossbar, log: Log) -> None:
        """Make the maps of an array, scan its amplitudes and record both; leaves the array all-AP."""
        with log.tagged(purpose=Purpose.CHARACTERISE):
            reference = reference_maps(crossbar, self.reference)
            record(log, "reference", reference)
            record(log, "amplitude", scan_amplitudes(crossbar, reference, self.reference, self.write, self))
