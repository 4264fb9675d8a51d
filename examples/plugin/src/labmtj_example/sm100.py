"""Driver of the SM100, an invented source-measure unit of one channel that speaks plain SCPI.

`:READ?` waits for `:SOUR:DEL`, integrates over the aperture and answers `amperes,seconds,status`. There are no lists:
a sequence is one message of levels and readings, and the box times it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from typing import Any

import numpy as np

from instruments.relied_on import settings
from instruments.scpi import text
from instruments.sequences import SequencedUnit
from instruments.smumodel import Commands, Model
from labmtj.quantities import Flag
from labmtj.shots import ShotReadings, Shots, UnitFacts

MODEL = Model(
    UnitFacts(
        highest_volts=20.0,
        highest_amperes=0.1,
        range_amperes=(1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1),
        over_range=1.05,
        shortest_pulse_seconds=0.001,
        times_pulses=True,
        aperture_seconds=(nan, nan),
        line_hertz=nan,
        source_settle_seconds=0.001,
    ),
    apertures_in_line_cycles=(0.01, 10.0),
    source_ranges_volts=(2.0, 20.0),
    source_reach=1.0,
    longest_sequence=100,
    point_seconds=1e-4,
    status={0: Flag.COMPLIANCE, 1: Flag.OVERFLOW},
)
COMMANDS = Commands(
    function=":SOUR:FUNC", level=":SOUR:VOLT", current_level=":SOUR:CURR", source_range=":SOUR:VOLT:RANG",
    limit=":SENS:CURR:PROT", output=":OUTP", current_range=":SENS:CURR:RANG", end_sequence=(":ABOR",), abort=":ABOR",
    limited=":SENS:CURR:PROT:TRIP?",
    relied_on=settings(  # name, header, what an earlier user may have left, what the driver needs
        ("source function", ":SOUR:FUNC", "CURR", "VOLT"),
        ("source autorange", ":SOUR:VOLT:RANG:AUTO", "1"),
        ("source delay", ":SOUR:DEL", "2"),
        ("aperture", ":SENS:NPLC", "10"),
        ("autozero", ":SENS:AZER", "1", "0"),
    ),
)  # fmt: skip


class SM100(SequencedUnit):
    """Represents the SM100: its model, its commands, one reading, one sequence; the rest is shared by all drivers."""

    models = ("SM100",)
    model = MODEL
    commands = COMMANDS

    def __init__(self, adapter: Any, name: str = "SM100", **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)

    def _spot(self, channels: Sequence[str], aperture_seconds: float, range_amperes: float | None) -> ShotReadings:
        shots = Shots(self.channels, np.zeros((1, 1)), tuple(channels), 0.0, aperture_seconds, range_amperes)
        reply = self.exchange(*self._meter(shots), ":READ?", self._rest_command("1"))[0]
        return self._readings(shots, [reply])

    def _sequence(self, shots: Shots) -> ShotReadings:
        steps = [part for volts in shots.volts[:, 0] for part in (f":SOUR:VOLT {text(volts)}", ":READ?")]
        rest = (":SOUR:VOLT 0", self._rest_command("1"), ":SOUR:VOLT?")
        *replies, level = self.exchange(*self._meter(shots), *steps, *rest)
        self._compare("level", "V", 0.0, self.number(level))
        return self._readings(shots, replies)

    def _meter(self, shots: Shots) -> list[str]:
        cycles = shots.aperture_seconds * self.facts.line_hertz
        return [
            f":SENS:NPLC {text(cycles)}", f":SOUR:DEL {text(shots.settle_seconds)}", self._range_command("1", shots)
        ]  # fmt: skip

    def _readings(self, shots: Shots, replies: Sequence[str]) -> ShotReadings:
        currents, stamps, status = np.split(self.table(",".join(replies), len(shots), 3), 3, axis=1)
        return self._answer(shots, currents, status, stamps[:, 0] - stamps[0] + shots.settle_seconds)
