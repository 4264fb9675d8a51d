"""Amplitude scan: write fidelity against write voltage, for each direction.

The curve is a hump: too little does not switch the selected cells, too much disturbs the half-selected ones. The
amplitude to use is the middle of its plateau, not its first good value.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labmtj.errors import ProcedureFailed, SettingError
from labmtj.quantities import BoolArray, FloatArray
from labmtj.results import Fact, Quantity, Result
from labmtj.verbs import Crossbar
from procedures.common.bounds import Key, Limited, Settings, name_of
from procedures.common.reference import ReferenceMaps, ReferenceSettings, initialise
from procedures.common.staying import look_at_once
from procedures.common.write import WriteSettings, write_matrix

LEAST_FIDELITY = 0.75
"""of the best amplitude; a half is chance"""


class AmplitudeSettings(Settings):
    """Which amplitudes are tried."""

    binary: ClassVar[str] = "the scan for amplitudes"

    start_volts: float = Field(0.24, gt=0, description="lowest amplitude")
    stop_volts: float = Field(0.9, gt=0, description="highest amplitude; the array's limit caps it")
    points: int = Field(12, ge=3, le=200, description="amplitudes per direction")
    plateau_fraction: float = Field(
        0.02, ge=0, le=0.5, description="how far below the best fidelity the plateau reaches"
    )

    def check_together(self, array: Limited, key: Key) -> None:
        """Raise SettingError unless some amplitudes are left below the limit of the array."""
        highest = min(self.stop_volts, array.limits.cell_volts)
        if self.start_volts >= highest:
            raise SettingError(
                (*key, "start_volts"), f"{self.start_volts:g} V is not below the highest amplitude, {highest:g} V "
                f"(the lower of stop_volts and limits.cell_volts of array {name_of(array)}); lower it",
            )  # fmt: skip


class AmplitudeScan(Result, kind="amplitude"):
    """Fidelity of a checkerboard against amplitude, per direction; arrays are (points,)."""

    volts: Annotated[FloatArray, Quantity("V", "write amplitude", ("volts",))]
    parallel_fidelity: Annotated[FloatArray, Quantity("1", "fidelity of writing P", ("volts",))]
    """all usable cells, after writing the P cells of a checkerboard into an all-AP array"""
    antiparallel_fidelity: Annotated[FloatArray, Quantity("1", "fidelity of writing AP", ("volts",))]
    """the same with AP cells written into an all-P array"""
    parallel_volts: Annotated[float, Fact("V", "middle of the plateau")]
    antiparallel_volts: Annotated[float, Fact("V", "middle of the plateau")]
    parallel_edge: Annotated[str, Fact("1", '"lowest", "highest" or both: ends of the scan in the plateau')] = ""
    """the plateau may go on beyond"""
    antiparallel_edge: Annotated[str, Fact("1", "the same towards AP")] = ""


def checkerboard(shape: tuple[int, int]) -> BoolArray:
    """Return True on the cells whose row and column add up to an even number."""
    return np.asarray(np.add.outer(np.arange(shape[0]), np.arange(shape[1])) % 2 == 0, bool)


def scan_amplitudes(
    crossbar: Crossbar,
    reference: ReferenceMaps,
    initial: ReferenceSettings,
    write: WriteSettings,
    settings: AmplitudeSettings,
) -> AmplitudeScan:
    """Write a checkerboard once per amplitude and direction, each time into a uniform array; leave the array all-AP.

    Raises ProcedureFailed if no amplitude writes better than chance in one direction.
    """
    volts = np.linspace(settings.start_volts, min(settings.stop_volts, crossbar.limits.cell_volts), settings.points)
    target = checkerboard(crossbar.shape)
    once = write.model_copy(update={"method": "row_parallel_repair", "max_rounds": 0})

    def fidelities(state: bool) -> NDArray[np.float64]:  # noqa: FBT001 - a state is a bit
        values = []
        for amplitude in volts:
            initialise(
                crossbar,
                towards(not state) * initial.initialise_volts,
                initial.pulse_seconds,
                initial.initialise_pulses,
            )
            attempt = once.model_copy(
                update={"parallel_volts": float(amplitude), "antiparallel_volts": float(amplitude)}
            )
            goal = target == state
            known = np.full(crossbar.shape, not state)
            values.append(
                write_matrix(crossbar, goal, reference, attempt, known=known, addressed=reference.usable).fidelity
            )
        return np.array(values)

    def towards(state: bool) -> int:  # noqa: FBT001
        return reference.polarity if state else -reference.polarity

    parallel, antiparallel = fidelities(True), fidelities(False)  # noqa: FBT003
    for values in (parallel, antiparallel):
        if values.max() < LEAST_FIDELITY:
            _refuse_where_nothing_stays(crossbar, initial, values)
    initialise(crossbar, towards(False) * initial.initialise_volts, initial.pulse_seconds, initial.initialise_pulses)  # noqa: FBT003
    return AmplitudeScan(
        volts,
        parallel,
        antiparallel,
        middle_of_plateau(volts, parallel, settings.plateau_fraction),
        middle_of_plateau(volts, antiparallel, settings.plateau_fraction),
        edge_of(volts, parallel, settings.plateau_fraction),
        edge_of(volts, antiparallel, settings.plateau_fraction),
    )


def middle_of_plateau(volts: FloatArray, fidelity: FloatArray, fraction: float) -> float:
    """Return the middle of the stretch around the best fidelity that stays within `fraction` of it."""
    low, high = plateau(volts, fidelity, fraction)
    return float((volts[low] + volts[high]) / 2)


def plateau(volts: FloatArray, fidelity: FloatArray, fraction: float) -> tuple[int, int]:
    """Return the first and last number of that stretch.

    Raises ProcedureFailed if the best fidelity is not well above chance.
    """
    best = int(np.argmax(fidelity))
    if fidelity[best] < LEAST_FIDELITY:
        raise ProcedureFailed(
            f"no amplitude from {volts[0]:g} to {volts[-1]:g} V writes the array (best fidelity {fidelity[best]:.2f}); "
            "scan other amplitudes, or write with longer pulses"
        )
    low = high = best
    while low > 0 and fidelity[low - 1] >= fidelity[best] - fraction:
        low -= 1
    while high < len(volts) - 1 and fidelity[high + 1] >= fidelity[best] - fraction:
        high += 1
    return low, high


def edge_of(volts: FloatArray, fidelity: FloatArray, fraction: float) -> str:
    """Return which ends of the scan the plateau reaches, such as "highest": its middle is not known then; or ""."""
    low, high = plateau(volts, fidelity, fraction)
    return " and ".join(name for name, there in (("lowest", low == 0), ("highest", high == len(volts) - 1)) if there)


def _refuse_where_nothing_stays(crossbar: Crossbar, initial: ReferenceSettings, fidelity: FloatArray) -> None:
    """Raise ProcedureFailed if cells leave their states by themselves: no other amplitude helps."""
    found = look_at_once(crossbar, initial.initialise_volts, initial.pulse_seconds, initial.read_volts)
    if 2 * int(found.leaves.sum()) > len(found.rows) * crossbar.shape[1]:
        raise ProcedureFailed(f"no amplitude writes the array (best fidelity {fidelity.max():.2f}): {found.text()}")
