"""A current meter and a voltage source as their data sheets describe them: range, gain, offset, noise, resolution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from labmtj.brief import brief
from labmtj.errors import UsageError
from labmtj.quantities import Flag, FloatArray
from labmtj.streams import stream


@dataclass(frozen=True, slots=True)
class MeterRange:
    """One range of a current meter with its one-year accuracy; the noise is given at one power-line cycle."""

    full_scale_amperes: float
    gain_fraction: float
    offset_amperes: float
    noise_rms_amperes: float


@dataclass(frozen=True, slots=True)
class VoltageRange:
    """One voltage range of a source-measure unit with its one-year accuracy, as a meter and as a source."""

    full_scale_volts: float
    gain_fraction: float = 0.0
    offset_volts: float = 0.0
    noise_rms_volts: float = 0.0
    """at one power-line cycle"""
    source_gain_fraction: float = 0.0
    source_offset_volts: float = 0.0


@dataclass(frozen=True, slots=True)
class MeterModel:
    """What every channel of a simulated bench is made of.

    A unit's own gain and offset are drawn once per channel and range, uniform within a third of the data sheet's limit
    (an assumption: new and recently calibrated units are much better than their one-year limit).

    Raises:
        UsageError: for ranges that are missing, not positive or not rising.
    """

    ranges: tuple[MeterRange, ...]
    over_range: float = 1.02
    """largest reading as a fraction of full scale"""
    resolution_fraction: float = 1e-6
    """display resolution as a fraction of full scale"""
    line_hertz: float = 50.0
    source_gain_fraction: float = 0.0
    source_offset_volts: float = 0.0
    voltage_ranges: tuple[VoltageRange, ...] = ()
    """what a unit has that knows voltage ranges, sources per range; the two numbers above are not for it"""

    def __post_init__(self) -> None:
        scales = [each.full_scale_amperes for each in self.ranges]
        if not scales or scales != sorted(set(scales)) or scales[0] <= 0:
            raise UsageError("a meter needs ranges with rising, positive full_scale_amperes")
        scales = [each.full_scale_volts for each in self.voltage_ranges]
        if scales != sorted(set(scales)) or not all(scale > 0 for scale in scales):
            raise UsageError("a meter needs voltage_ranges with rising, positive full_scale_volts")

    @classmethod
    def ideal(cls) -> MeterModel:
        """Return a meter without error, noise or resolution limit on one 1 A range."""
        return cls((MeterRange(1.0, 0.0, 0.0, 0.0),), resolution_fraction=0.0)


@brief
@dataclass(frozen=True, eq=False)
class Offsets:
    """Offsets of the sources and meters on the lines, as they were found."""

    source_volts: FloatArray
    """(lines,)"""
    amperes: Mapping[float, FloatArray]
    """(lines,) by full scale of the range, NaN where unknown; a meter without such a range does not use it"""
    gains: Mapping[float, FloatArray] = field(default_factory=dict)
    """(lines,) what meters show over what flows, by full scale of the range; of other ranges they are drawn"""
    source_gains: FloatArray | None = None
    """(lines,)"""


class Channels:
    """The source-measure channels of all lines of one array: one unit per line.

    Args:
        model: the data sheet.
        lines: number of lines.
        seed: of the run.
        name: of the array; its channels' errors follow from seed and name.
        offsets: instead of those drawn.
    """

    def __init__(self, model: MeterModel, lines: int, seed: int, name: str, offsets: Offsets | None = None) -> None:
        self.model = model
        third = stream(seed, "meter", name).uniform(-1 / 3, 1 / 3, (2, len(model.ranges), lines))
        self._gain = 1 + third[0] * np.array([[each.gain_fraction] for each in model.ranges])
        self._offset_amperes = third[1] * np.array([[each.offset_amperes] for each in model.ranges])
        source = stream(seed, "source", name).uniform(-1 / 3, 1 / 3, (2, lines))
        self._source_gain = 1 + source[0] * model.source_gain_fraction
        self._source_offset_volts = source[1] * model.source_offset_volts
        self._full_scale = np.array([each.full_scale_amperes for each in model.ranges])
        self._noise_rms = np.array([each.noise_rms_amperes for each in model.ranges])
        if offsets is not None:
            self._source_offset_volts = offsets.source_volts
            for full_scale, amperes in offsets.amperes.items():
                here, known = np.isclose(self._full_scale, full_scale), np.isfinite(amperes)
                self._offset_amperes[np.ix_(here, known)] = amperes[known]
            for full_scale, gains in offsets.gains.items():
                self._gain[np.isclose(self._full_scale, full_scale)] = gains
            if offsets.source_gains is not None:
                self._source_gain = offsets.source_gains

    def delivered_volts(self, line_volts: FloatArray) -> FloatArray:
        """Return what the sources put out when asked for `line_volts`, (..., lines); floating lines stay NaN."""
        return np.asarray(line_volts * self._source_gain + self._source_offset_volts, float)

    def check_range(self, range_amperes: float | None) -> None:
        """Raise UsageError if no range holds this full scale."""
        if range_amperes is not None and range_amperes > self._full_scale[-1]:
            raise UsageError(f"no range holds {range_amperes:g} A; the largest is {self._full_scale[-1]:g} A")

    def choose_range(self, amperes: FloatArray, range_amperes: float | None, together: int = 1) -> NDArray[np.intp]:
        """Return the range number of every value (vectors, lines): the fixed one, or the smallest that holds it.

        As many vectors as are `together` get the same range.
        """
        if range_amperes is None:
            largest = np.abs(amperes).reshape(-1, together, amperes.shape[1]).max(axis=1)
            wanted = np.repeat(largest, together, axis=0)
        else:
            wanted = np.full(np.shape(amperes), range_amperes)
        return np.minimum(np.searchsorted(self._full_scale, wanted), len(self._full_scale) - 1)

    def read(
        self,
        amperes: FloatArray,
        lines: NDArray[np.intp],
        range_amperes: float | None,
        aperture_seconds: float,
        extra_rms_amperes: FloatArray,
        normals: FloatArray,
        together: int = 1,
    ) -> tuple[FloatArray, FloatArray, NDArray[np.uint8]]:
        """Return what the meters show for true currents of shape (vectors, lines), the range used, and flags.

        `extra_rms_amperes` is noise of the array itself; `normals` are the standard normal numbers of these values; as
        many vectors as are `together` share a range.
        """
        number = self.choose_range(amperes, range_amperes, together)
        full_scale = self._full_scale[number]
        cycles = aperture_seconds * self.model.line_hertz
        rms = np.hypot(self._noise_rms[number] / np.sqrt(max(cycles, 0.01)), extra_rms_amperes)
        shown = amperes * self._gain[number, lines] + self._offset_amperes[number, lines] + rms * normals
        if self.model.resolution_fraction > 0:
            step = full_scale * self.model.resolution_fraction
            shown = np.round(shown / step) * step
        overflow = np.abs(shown) > full_scale * self.model.over_range
        flags = np.where(overflow, np.uint8(Flag.OVERFLOW | Flag.INVALID), np.uint8(0))
        return np.where(overflow, np.nan, shown), full_scale, flags
