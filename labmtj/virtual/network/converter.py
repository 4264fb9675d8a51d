"""Between the values at the terminals of a channel and those its box shows or sets: gain, offset, noise, digits."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from labmtj.errors import UsageError
from labmtj.simulated.meter import MeterModel
from labmtj.streams import stream

SHORTEST_CYCLES = 0.01
"""below this many power-line cycles the noise grows no further"""
_FITS = 1 + 1e-9
"""a range asked for by its own full scale is that range, whatever rounding it went through"""


class _Scale(NamedTuple):
    full: float
    gain: float
    offset: float
    noise_rms: float

    def of(self, true: float) -> float:
        return true * self.gain + self.offset


class Converter:
    """The converters of one channel, as its data sheet describes them.

    Gain and offset of every range are drawn once, uniform within a third of the data sheet's limit, as those of
    `labmtj.simulated.meter`. All randomness follows from the seed, the name, and the order of the readings.

    Args:
        model: the data sheet; readings and settings of volts need its `voltage_ranges`.
        seed: of the run.
        name: of the channel, such as "smu", "a".
        noise: False = no noise, no gain and offset error; resolution and the end of a range stay.
    """

    def __init__(self, model: MeterModel, seed: int, *name: str, noise: bool = True) -> None:
        self.model, self.noise = model, noise
        self._normals = stream(seed, "converter noise", *name)
        self._amperes = self._scales(
            [(r.full_scale_amperes, r.gain_fraction, r.offset_amperes, r.noise_rms_amperes) for r in model.ranges],
            stream(seed, "converter amperes", *name),
        )
        volts = model.voltage_ranges
        self._volts = self._scales(
            [(r.full_scale_volts, r.gain_fraction, r.offset_volts, r.noise_rms_volts) for r in volts],
            stream(seed, "converter volts", *name),
        )
        self._source = self._scales(
            [(r.full_scale_volts, r.source_gain_fraction, r.source_offset_volts, 0.0) for r in volts],
            stream(seed, "converter source", *name),
        )

    def _scales(self, sheet: list[tuple[float, float, float, float]], draws: np.random.Generator) -> list[_Scale]:
        """Return ranges with errors of their own, from full scale, gain limit, offset limit and noise of each."""
        width = 1 / 3 if self.noise else 0.0
        thirds = draws.uniform(-width, width, (len(sheet), 2)).tolist()
        return [
            _Scale(full, 1 + a * gain, b * offset, noise if self.noise else 0.0)
            for (a, b), (full, gain, offset, noise) in zip(thirds, sheet, strict=True)
        ]

    def amperes(self, true: float, range_amperes: float, aperture_seconds: float) -> tuple[float, bool]:
        """Return what the meter shows on the smallest range that holds `range_amperes`, and whether it overflows.

        An overflow shows the end of the range, with the sign of the current.

        Raises:
            UsageError: if no range holds `range_amperes`.
        """
        return self._read(_scale(self._amperes, range_amperes, "A"), true, aperture_seconds)

    def volts(self, true: float, range_volts: float, aperture_seconds: float) -> tuple[float, bool]:
        """Return what the voltmeter shows on the smallest range that holds `range_volts`, and whether it overflows.

        Raises:
            UsageError: if no range holds `range_volts`.
        """
        return self._read(_scale(self._volts, range_volts, "V"), true, aperture_seconds)

    def source_volts(self, volts: float, range_volts: float) -> float:
        """Return what the source puts out when it is set to `volts` on the smallest range that holds `range_volts`.

        Raises:
            UsageError: if no range holds `range_volts`.
        """
        return _scale(self._source, range_volts, "V").of(volts)

    def _read(self, scale: _Scale, true: float, aperture_seconds: float) -> tuple[float, bool]:
        shown = scale.of(true)
        if scale.noise_rms > 0:
            cycles = max(aperture_seconds * self.model.line_hertz, SHORTEST_CYCLES)
            shown += scale.noise_rms / cycles**0.5 * float(self._normals.standard_normal())
        if self.model.resolution_fraction > 0:
            step = scale.full * self.model.resolution_fraction
            shown = round(shown / step) * step
        end = scale.full * self.model.over_range
        if abs(shown) <= end:
            return shown, False
        return (end if shown > 0 else -end), True


def _scale(scales: list[_Scale], wanted: float, unit: str) -> _Scale:
    for scale in scales:
        if abs(wanted) <= scale.full * _FITS:
            return scale
    largest = f"the largest is {scales[-1].full!r} {unit}" if scales else f"the data sheet has no {unit} ranges"
    raise UsageError(f"no range holds {wanted!r} {unit}; {largest}")
