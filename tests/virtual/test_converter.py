"""What a channel shows and puts out, against its data sheet."""

import numpy as np
import pytest

from labmtj.errors import UsageError
from labmtj.simulated import MeterModel, MeterRange, VoltageRange
from labmtj.virtual.network.converter import Converter

AMPERES = (MeterRange(1e-6, 3e-4, 6e-10, 1e-11), MeterRange(1e-4, 2e-4, 3e-8, 5e-10))
VOLTS = (VoltageRange(0.2, 1.2e-4, 3e-4, 1e-6, 2e-4, 6e-4), VoltageRange(20.0, 1.5e-4, 1.5e-3, 1e-4, 2e-4, 2.4e-3))
SHEET = MeterModel(AMPERES, over_range=1.05, resolution_fraction=1e-5, voltage_ranges=VOLTS)


@pytest.fixture
def exact():
    return Converter(SHEET, 0, "smu", "a", noise=False)


def test_without_noise_only_the_digits_of_the_range_are_lost(exact):
    assert exact.amperes(1.23456789e-7, 1e-6, 0.02) == (pytest.approx(1.2346e-7, rel=1e-12), False)
    assert exact.amperes(1.23456789e-7, 1e-4, 0.02) == (pytest.approx(1.23e-7, rel=1e-12), False)
    assert exact.volts(-0.123456789, 0.2, 0.02) == (pytest.approx(-0.123456, rel=1e-12), False)
    assert exact.source_volts(0.1234567890123, 0.2) == 0.1234567890123


def test_the_smallest_range_that_holds_the_wish_is_taken(exact):
    assert exact.amperes(5.04e-9, 2e-6, 0.02)[0] == pytest.approx(5e-9, rel=1e-12)  # digits of 1 nA on 100 uA
    assert exact.amperes(5.04e-9, 1e-6 * (1 + 1e-15), 0.02)[0] == pytest.approx(5.04e-9, rel=1e-12)


def test_beyond_the_range_it_shows_the_end_and_says_so(exact):
    assert exact.amperes(1.049e-6, 1e-6, 0.02) == (pytest.approx(1.049e-6), False)
    assert exact.amperes(1.06e-6, 1e-6, 0.02) == (pytest.approx(1.05e-6), True)
    assert exact.volts(-1.0, 0.2, 0.02) == (pytest.approx(-0.21), True)


def test_a_range_that_does_not_exist_is_refused(exact):
    with pytest.raises(UsageError, match=r"no range holds 0.001 A; the largest is 0.0001 A"):
        exact.amperes(0.0, 1e-3, 0.02)
    with pytest.raises(UsageError, match=r"no range holds 1.0 V; the data sheet has no V ranges"):
        Converter(MeterModel(AMPERES), 0).volts(0.0, 1.0, 0.02)


def test_gain_and_offset_fill_a_third_of_the_data_sheet_and_no_more():
    quiet = MeterModel(
        tuple(MeterRange(r.full_scale_amperes, r.gain_fraction, r.offset_amperes, 0.0) for r in AMPERES),
        resolution_fraction=0.0,
        voltage_ranges=VOLTS,
    )
    units = [Converter(quiet, seed, "smu", "a") for seed in range(300)]
    offsets = np.array([unit.amperes(0.0, 1e-6, 0.02)[0] for unit in units]) / 6e-10
    gains = (np.array([unit.amperes(1e-6, 1e-6, 0.02)[0] for unit in units]) - 6e-10 * offsets - 1e-6) / 3e-10
    sources = np.array([unit.source_volts(0.0, 0.2) for unit in units]) / 6e-4
    for third in (offsets, gains, sources):
        assert 0.3 < np.abs(third).max() <= 1 / 3 + 1e-6
        assert abs(third.mean()) < 4 / 3 / 3**0.5 / 300**0.5


def test_noise_falls_with_the_root_of_the_aperture():
    unit = Converter(MeterModel((MeterRange(1e-6, 0.0, 0.0, 1e-11),), resolution_fraction=0.0), 1, "smu")
    for seconds, rms in ((0.02, 1e-11), (0.32, 2.5e-12), (1e-6, 1e-10)):
        shown = [unit.amperes(0.0, 1e-6, seconds)[0] for _ in range(2000)]
        assert np.std(shown) == pytest.approx(rms, rel=0.07)


def test_seed_and_name_decide_everything():
    def readings(seed, *name):
        unit = Converter(SHEET, seed, *name)
        return [unit.amperes(3e-7, 1e-6, 0.02)[0] for _ in range(3)] + [unit.source_volts(0.1, 0.2)]

    assert readings(1, "smu", "a") == readings(1, "smu", "a")
    assert len({tuple(readings(*who)) for who in ((1, "smu", "a"), (1, "smu", "b"), (2, "smu", "a"))}) == 3
