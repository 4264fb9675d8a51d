"""Meters and sources against their data sheet."""

import numpy as np
import pytest

from labmtj.errors import UsageError
from labmtj.quantities import Bias, Flag, Lines, ReadSettings
from labmtj.simulated import MeterModel, MeterRange
from labmtj.simulated.meter import Channels

SHEET = (MeterRange(1e-6, 3e-4, 6e-10, 1e-11), MeterRange(1e-4, 2e-4, 3e-8, 5e-10), MeterRange(1e-2, 2e-4, 3e-6, 3e-8))


def channels(model, lines=1, seed=0, name="array"):
    return Channels(model, lines, seed, name)


def read(one, amperes, *, range_amperes=None, aperture_seconds=0.02, extra=0.0, normals=0.0):
    values = np.atleast_2d(amperes).astype(float)
    lines = np.arange(values.shape[1])
    spread = np.broadcast_to(normals, values.shape)
    return one.read(values, lines, range_amperes, aperture_seconds, np.full(values.shape, extra), spread)


@pytest.mark.parametrize(
    ("amperes", "expected"), [(0.0, 1e-6), (1e-6, 1e-6), (-1.01e-6, 1e-4), (9.9e-5, 1e-4), (1.1e-4, 1e-2), (0.5, 1e-2)]
)
def test_autorange_takes_the_smallest_range_that_holds_the_value(amperes, expected):
    assert read(channels(MeterModel(SHEET)), amperes)[1] == expected


@pytest.mark.parametrize(("wanted", "expected"), [(1e-7, 1e-6), (1e-6, 1e-6), (2e-6, 1e-4), (1e-2, 1e-2)])
def test_a_fixed_range_is_the_smallest_that_holds_it(wanted, expected):
    assert read(channels(MeterModel(SHEET)), 1e-9, range_amperes=wanted)[1] == expected


def test_beyond_the_range_there_is_no_value():
    shown, _, flags = read(channels(MeterModel(SHEET, over_range=1.1), 3), [1.05e-6, 2e-6, -2e-6], range_amperes=1e-6)
    np.testing.assert_array_equal(flags[0], [0, *2 * [Flag.OVERFLOW | Flag.INVALID]])
    np.testing.assert_allclose(shown[0], [1.05e-6, np.nan, np.nan], rtol=2e-3)


def test_resolution_is_a_step_of_the_range():
    shown, _, _ = read(channels(MeterModel((MeterRange(1e-3, 0, 0, 0),), resolution_fraction=1e-4)), 1.2345678e-4)
    assert shown[0, 0] == pytest.approx(1.235e-4, abs=1e-12)


def test_gain_and_offset_are_uniform_within_a_third_of_the_sheet():
    lines = 4000
    one = channels(MeterModel(SHEET, resolution_fraction=0.0), lines)
    for scale, gain, offset, _ in (
        (each.full_scale_amperes, each.gain_fraction, each.offset_amperes, 0) for each in SHEET
    ):
        zero = read(one, np.zeros(lines), range_amperes=scale)[0][0]
        slope = (read(one, np.full(lines, scale), range_amperes=scale)[0][0] - zero) / scale - 1
        for drawn, limit in ((zero, offset / 3), (slope, gain / 3)):
            assert np.abs(drawn).max() <= limit * (1 + 1e-6)
            assert drawn.std() == pytest.approx(limit / np.sqrt(3), rel=0.05)
            assert abs(drawn.mean()) < 4 * limit / np.sqrt(3 * lines)
        assert abs(np.corrcoef(zero, slope)[0, 1]) < 0.07


def test_a_channel_keeps_its_errors_and_another_has_its_own():
    model = MeterModel(SHEET)
    assert read(channels(model), 1e-4)[0] == read(channels(model), 1e-4)[0]
    assert read(channels(model), 1e-4)[0] != read(channels(model, name="other"), 1e-4)[0]
    assert read(channels(model), 1e-4)[0] != read(channels(model, seed=1), 1e-4)[0]


@pytest.mark.parametrize(("aperture_seconds", "cycles"), [(0.02, 1), (0.002, 0.1), (0.2, 10)])
def test_noise_falls_with_the_root_of_the_aperture(make, aperture_seconds, cycles):
    meter = MeterModel((MeterRange(1e-3, 0, 0, 1e-8),), resolution_fraction=0.0)
    crossbar = make((1, 50), parallel_ohms=1e9, parts={"meter": meter})
    how = ReadSettings(aperture_seconds=aperture_seconds, repeats=40)
    raw = crossbar.measure(Bias([0.0], np.zeros(50)), Lines(columns=tuple(range(50))), how).raw_amperes
    assert raw.std() == pytest.approx(1e-8 / np.sqrt(cycles), rel=0.06)  # 2000 values: 1.6 %
    assert abs(raw.mean()) < 4 * 1e-8 / np.sqrt(2000 * cycles)


def test_noise_of_the_array_adds_in_squares():
    one = channels(MeterModel((MeterRange(1.0, 0, 0, 3e-8),), resolution_fraction=0.0))
    assert read(one, 0.0, extra=4e-8, normals=1.0)[0] == pytest.approx(5e-8)


def test_both_polarities_cancel_the_meter_offset(make):
    meter = MeterModel((MeterRange(1e-3, 0, 3e-6, 0),), resolution_fraction=0.0)
    given, both = (
        make((1, 1), parallel_ohms=1000.0, tmr=0.0, parts={"meter": meter})
        .measure(Bias([0.1], [0.0]), Lines(columns=(0,)), ReadSettings(polarity=polarity))
        .amperes[0, 0]
        for polarity in ("given", "both")
    )
    assert both == pytest.approx(1e-4, rel=1e-5)
    assert abs(given - 1e-4) > 1e-8


def test_sources_have_gain_and_offset_but_a_floating_line_has_no_source():
    one = channels(MeterModel(SHEET, source_gain_fraction=3e-3, source_offset_volts=3e-3), 2000)
    zero = one.delivered_volts(np.zeros(2000))
    gain = one.delivered_volts(np.ones(2000)) - zero - 1
    for drawn in (zero, gain):
        assert np.abs(drawn).max() <= 1e-3 * (1 + 1e-9)
        assert drawn.std() == pytest.approx(1e-3 / np.sqrt(3), rel=0.06)
    assert np.isnan(one.delivered_volts(np.full(2000, np.nan))).all()


def test_the_odd_part_over_repeats_is_the_mean_of_signed_values(make):
    meter = MeterModel((MeterRange(1e-3, 0, 0, 1e-8),), resolution_fraction=0.0)
    currents = make((2, 2), parts={"meter": meter}).measure(
        Bias([[0.1, 0], [0, 0.1]], [0, 0]), Lines(columns=(0, 1)), ReadSettings(repeats=3, polarity="both")
    )
    assert currents.raw_amperes.shape == (2, 6, 2)
    signs = np.array([1, -1, 1, -1, 1, -1])
    expected = (currents.raw_amperes * signs[:, np.newaxis]).mean(axis=1)
    np.testing.assert_allclose(currents.amperes, expected, rtol=1e-12)


def test_a_range_that_no_meter_has_is_refused_before_anything_is_applied(make):
    crossbar = make((1, 2), parts={"meter": MeterModel(SHEET)})
    with pytest.raises(UsageError, match=r"no range holds 2 A; the largest is 0.01 A"):
        crossbar.measure(Bias([0.1], [0, 0]), Lines(columns=(0,)), ReadSettings(range_amperes=2.0))
    assert crossbar.clock.now() == 0.0


@pytest.mark.parametrize("scales", [(), (1e-3, 1e-4), (1e-3, 1e-3), (0.0, 1.0)])
def test_ranges_that_do_not_rise_are_refused(scales):
    with pytest.raises(UsageError, match="rising, positive full_scale_amperes"):
        MeterModel(tuple(MeterRange(scale, 0, 0, 0) for scale in scales))


def test_values_that_are_folded_share_a_range():
    model = MeterModel((MeterRange(1e-6, 0.0, 0.0, 0.0), MeterRange(1e-5, 0.0, 0.0, 0.0)))
    amperes = np.array([[4e-7, 2e-7], [-1.2e-6, -2e-7]])
    channels = Channels(model, 2, 0, "chip")
    np.testing.assert_array_equal(channels.choose_range(amperes, None), [[0, 0], [1, 0]])
    np.testing.assert_array_equal(channels.choose_range(amperes, None, together=2), [[1, 0], [1, 0]])
