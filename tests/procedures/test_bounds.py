"""Settings say by their annotations what an array must survive; the base compares them, and all settings within."""

from dataclasses import replace
from typing import Annotated, ClassVar

import numpy as np
import pytest
from pydantic import Field

from labmtj.errors import SettingError, UsageError
from labmtj.quantities import ArrayInfo
from procedures.calibration import CalibrationReads
from procedures.common.bounds import CellVolts, PulseSeconds, Settings, Within
from procedures.patterns import PatternCampaign


class Inner(Settings):
    volts: CellVolts = 0.5


class Outer(Settings):
    widths_seconds: Annotated[list[float], Within("pulse_seconds")] = Field([1e-3], min_length=1)
    pulse_seconds: PulseSeconds = 1e-3
    inner: Inner = Inner()
    mode: str = "both"
    unused_volts: CellVolts = 0.1

    @property
    def unused(self):
        return ("unused_volts",) if self.mode == "both" else ("inner.volts",)


@pytest.fixture
def array():
    return ArrayInfo("x", (2, 2), 1e-4, 1e-4, 5e-8, np.ones((2, 2)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"widths_seconds": [1e-3, 0.2]}, r"^at.widths_seconds: 0.2 s exceeds 0.1 s .*of array .*lower it$"),
        ({"widths_seconds": [0.0]}, r"^at.widths_seconds: 0 s: the width must be above 0"),
        ({"pulse_seconds": 0.2}, r"^at.pulse_seconds: 0.2 s exceeds"),
        ({"inner": {"volts": 1.2}}, r"^at.inner.volts: 1.2 V exceeds 0.9 V \(limits.cell_volts of array"),
    ],
)
def test_a_setting_beyond_a_limit_is_refused_with_its_whole_key(settings, message, array):
    with pytest.raises(SettingError, match=message):
        Outer(**settings).check(array, "at")


def test_settings_without_effect_are_not_checked(array):
    Outer(unused_volts=5.0).check(array)
    Outer(mode="alone", inner={"volts": 5.0}).check(array)
    with pytest.raises(SettingError, match=r"^unused_volts"):
        Outer(mode="alone", unused_volts=5.0).check(array)


def test_amplitudes_count_where_none_are_scanned(array):
    PatternCampaign(write={"parallel_volts": 1.2}).check(array)
    with pytest.raises(SettingError, match=r"^write.parallel_volts: 1.2 V exceeds"):
        PatternCampaign(write={"parallel_volts": 1.2}, amplitude=None).check(array)


def test_the_key_of_ports_within_a_calibration_is_whole(array):
    with pytest.raises(SettingError, match=r"^ports.read_volts: 0.5 V exceeds .*a read may disturb"):
        CalibrationReads(ports={"read_volts": 0.5}).check(array)


def test_cells_of_more_states_are_refused_where_two_are_needed(array):
    class Binary(Settings):
        binary: ClassVar[str] = "blinking"

    with pytest.raises(UsageError, match="blinking works on cells of two states"):
        Binary().check(replace(array, states=("a", "b", "c")))
