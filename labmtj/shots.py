"""Sequences of a source-measure unit and their answers: a whole batch is one message.

A unit is one box with one or more channels, named as on its front ("a", "b"; "1", "2"). All lists of channels are
ordered, and the last axis of every array follows them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labmtj.brief import brief
from labmtj.quantities import FloatArray


@dataclass(frozen=True, slots=True)
class Identity:
    """Who answered."""

    maker: str
    model: str
    serial: str
    firmware: str

    def __str__(self) -> str:
        return f"{self.maker} {self.model}, serial {self.serial}, firmware {self.firmware}"


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """What a model can do; numbers from its data sheet, the line frequency from the box itself."""

    highest_volts: float
    """largest level of any source range"""
    highest_amperes: float
    """largest compliance"""
    range_amperes: tuple[float, ...]
    """full scales of the current ranges, rising"""
    over_range: float
    """largest reading as a fraction of full scale"""
    shortest_pulse_seconds: float
    """shortest pulse that the box times itself, or that its software timing can be trusted with"""
    times_pulses: bool
    """True if the box times a pulse itself; False if messages do, which makes the width longer than asked for"""
    aperture_seconds: tuple[float, float]
    """shortest and longest"""
    line_hertz: float
    source_settle_seconds: float
    """until the output is within 0.1 % of a new level"""

    def range_for(self, amperes: float) -> float:
        """Return the full scale of the smallest range that holds a current, else the largest range."""
        fitting = [scale for scale in self.range_amperes if scale >= abs(amperes)]
        return fitting[0] if fitting else self.range_amperes[-1]


@brief
@dataclass(frozen=True, eq=False)
class Shots:
    """Levels to hold one after another, each read once; after the last, every channel goes back to 0 V.

    Output and compliance of the channels are set before; they do not change.
    """

    channels: tuple[str, ...]
    volts: FloatArray
    """(shots, channels)"""
    read: tuple[str, ...]
    """the channels whose current is read in every shot, some of `channels`"""
    settle_seconds: float
    """from the last level of a shot to the start of its aperture"""
    aperture_seconds: float
    range_amperes: float | None
    """the fixed range of the channels that are read (the smallest that holds it), or None for autorange"""

    def __len__(self) -> int:
        return len(self.volts)


@brief
@dataclass(frozen=True, eq=False)
class ShotReadings:
    """What the shots gave, (shots, channels read) each. Currents count out of the unit; bad values are NaN, flagged."""

    amperes: FloatArray
    flags: NDArray[np.uint8]
    """bits of `quantities.Flag`"""
    range_amperes: FloatArray
    start_seconds: FloatArray
    """(shots,) from the beginning of the sequence to the start of each aperture"""


@brief
@dataclass(frozen=True, eq=False)
class Pulses:
    """Levels to apply one after another from 0 V, each for `seconds`, and back to 0 V."""

    channels: tuple[str, ...]
    volts: FloatArray
    """(pulses, channels)"""
    seconds: float

    def __len__(self) -> int:
        return len(self.volts)


@brief
@dataclass(frozen=True, eq=False)
class DeliveredPulses:
    """What came of the pulses: two channels do not step together, so each pulse is several steps."""

    step_seconds: FloatArray
    """(pulses, steps)"""
    step_volts: FloatArray
    """(pulses, steps, channels)"""
    flags: NDArray[np.uint8]
    """(pulses, channels)"""
    start_seconds: FloatArray
    """(pulses,) from the beginning of the sequence"""
