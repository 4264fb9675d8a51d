"""Drawn arrays against the statistics that their family states."""

import math
from pathlib import Path

import numpy as np
import pytest
import yaml

from labmtj.device.mtj import Defect, Family, draw
from labmtj.device.mtj.junctions import Junctions
from labmtj.errors import UsageError

FILE = Path(__file__).parents[3] / "data" / "arrays" / "mtj-50nm.yaml"
LARGE = (400, 500)


def family(**changes):
    content = yaml.safe_load(FILE.read_text(encoding="utf-8"))["family"]
    for place, value in changes.items():
        *parents, key = place.split("__")
        node = content
        for parent in parents:
            node = node[parent]
        node[key] = value
    return Family.model_validate(content)


@pytest.fixture(scope="module")
def large():
    return draw(family(), LARGE, 1, 300.0, 7, "large")


def standard_error(cells=LARGE[0] * LARGE[1]):
    return 1.0 / math.sqrt(cells)


def test_resistance_is_lognormal_with_the_stated_median_and_spread(large):
    logs = np.log(large.parallel_ohms)
    assert logs.mean() == pytest.approx(math.log(5092.96), abs=5 * 0.067 * standard_error())
    assert logs.std() == pytest.approx(math.hypot(0.06, 0.03), rel=5 * standard_error())
    skew = np.mean(((logs - logs.mean()) / logs.std()) ** 3)
    assert abs(skew) < 5 * math.sqrt(6) * standard_error()


@pytest.mark.parametrize(
    ("name", "mean", "sigma"),
    [
        ("tmr", 1.0, 0.05),
        ("critical_volts_to_parallel", 0.6, 0.03),
        ("critical_volts_to_antiparallel", 0.7, 0.035),
        ("thermal_stability", 50.0, 5.0),
        ("stray_field", 0.05, 0.03),
    ],
)
def test_normal_parameters_have_the_stated_mean_and_spread_and_end_at_four_sigma(large, name, mean, sigma):
    drawn = getattr(large, name)
    assert drawn.mean() == pytest.approx(mean, abs=5 * sigma * standard_error())
    assert drawn.std() == pytest.approx(sigma, rel=2e-3 + 5 * standard_error())
    assert np.abs(drawn - mean).max() <= 4 * sigma * (1 + 1e-12)
    assert np.abs(drawn - mean).max() > 3.5 * sigma


def test_critical_voltages_follow_the_resistance_and_stability_does_not(large):
    logs, bound = np.log(large.parallel_ohms), 6 * standard_error()
    for name, expected in (
        ("critical_volts_to_parallel", 0.3),
        ("critical_volts_to_antiparallel", 0.3),
        ("thermal_stability", 0.0),
        ("tmr", 0.0),
    ):
        assert np.corrcoef(logs, getattr(large, name))[0, 1] == pytest.approx(expected, abs=bound)


@pytest.mark.parametrize(
    ("defect", "fraction"),
    [(Defect.STUCK_P, 0.005), (Defect.STUCK_AP, 0.005), (Defect.SHORT, 0.002), (Defect.OPEN, 0.002)],
)
def test_defects_come_in_the_stated_fractions(large, defect, fraction):
    share = np.mean(large.defect == defect)
    assert share == pytest.approx(fraction, abs=5 * math.sqrt(fraction) * standard_error())


def test_shorts_and_opens_have_a_resistance_and_others_do_not(large):
    shorts = large.defect_ohms[large.defect == Defect.SHORT]
    assert 100.0 <= shorts.min() < 110.0
    assert 450.0 < shorts.max() <= 500.0
    assert np.all(large.defect_ohms[large.defect == Defect.OPEN] == 1e9)
    assert np.isnan(large.defect_ohms[large.defect <= Defect.STUCK_AP]).all()


def test_every_cell_may_have_a_defect():
    everywhere = family(defects__stuck_parallel={"value": 1.0, "provenance": "assumed"},
                        defects__stuck_antiparallel={"value": 0.0, "provenance": "assumed"},
                        defects__short={"value": 0.0, "provenance": "assumed"},
                        defects__open={"value": 0.0, "provenance": "assumed"})  # fmt: skip
    assert np.all(draw(everywhere, (15, 15), 1, 300.0, 0, "a").defect == Defect.STUCK_P)


def test_stress_limits_are_weibull_numbers(large):
    limits = np.sort(large.wear.stress_limit)
    cumulative = 1.0 - np.exp(-(limits**1.5))
    expected = (np.arange(limits.size) + 0.5) / limits.size
    # Kolmogorov: 1.95 / sqrt(n) is exceeded once in a thousand; the seed is fixed.
    assert np.abs(cumulative - expected).max() < 1.95 * standard_error()


def test_telegraph_cells_are_as_many_as_stated_and_dwell_within_their_range(large):
    telegraph = large.telegraph
    assert len(telegraph) / large.cells == pytest.approx(0.03 * 0.996, abs=5 * math.sqrt(0.03) * standard_error())
    assert 0.005 <= telegraph.jump.min() < 0.0051
    assert 0.0195 < telegraph.jump.max() <= 0.02
    for dwell in (telegraph.low_seconds, telegraph.high_seconds):
        assert dwell.min() >= 1e-3
        assert dwell.max() <= 10.0
        # Even in the logarithm: the median is the geometric mean of the ends.
        assert np.median(np.log10(dwell)) == pytest.approx(-1.0, abs=0.1)
    assert not np.isin(large.defect[telegraph.cells], (Defect.SHORT, Defect.OPEN)).any()


def test_pink_noise_falls_with_the_area_of_the_cell(large):
    # A = RA / R: with the spread of RA away, the noise goes as the resistance.
    cells = draw(family(resistance_area_ohm_m2={"value": 1e-11, "provenance": "assumed"}), (10, 10), 1, 300.0, 0, "a")
    np.testing.assert_allclose(cells.pink_noise[1], 1e-22 * cells.parallel_ohms / 1e-11, rtol=1e-12)
    np.testing.assert_allclose(large.pink_noise[0], 5.0 * large.pink_noise[1])


def test_the_same_seed_and_name_give_the_same_chip_and_others_another():
    one, same = (draw(family(), (15, 15), 1, 300.0, 1, "a") for _ in range(2))
    np.testing.assert_array_equal(one.parallel_ohms, same.parallel_ohms)
    for seed, name in ((2, "a"), (1, "b")):
        assert not np.any(draw(family(), (15, 15), 1, 300.0, seed, name).parallel_ohms == one.parallel_ohms)


def test_changing_one_parameter_moves_no_other():
    before = draw(family(), (15, 15), 1, 300.0, 1, "a")
    changed = family(
        tmr={"value": 1.5, "relative_sigma": 0.2, "provenance": "assumed"},
        half_volts_negative={"value": 0.4, "relative_sigma": 0.1, "provenance": "assumed"},
        quadratic_volts={"value": 2.5, "relative_sigma": 0.1, "provenance": "assumed"},
        telegraph=None,
    )
    after = draw(changed, (15, 15), 1, 300.0, 1, "a")
    for name in ("parallel_ohms", "half_volts_positive", "critical_volts_to_parallel", "critical_volts_to_antiparallel",
                 "thermal_stability", "stray_field", "defect", "defect_ohms", "pink_noise"):  # fmt: skip
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    np.testing.assert_array_equal(after.wear.stress_limit, before.wear.stress_limit)
    assert after.tmr.mean() > 1.4
    assert np.all(np.isfinite(after.quadratic_volts))


def test_no_spread_means_ideal_cells():
    plain = family(
        diameter_metres={"value": 50e-9, "provenance": "assumed"},
        resistance_area_ohm_m2={"value": 1e-11, "provenance": "assumed"},
        critical_volts_to_parallel={"value": 0.6, "relative_sigma": 0.05, "provenance": "assumed"},
    )
    drawn = draw(plain, LARGE, 1, 300.0, 0, "a")
    np.testing.assert_allclose(drawn.parallel_ohms, plain.parallel_ohms, rtol=1e-14)
    assert drawn.critical_volts_to_parallel.std() == pytest.approx(0.03, rel=0.02)


def test_temperature_scales_stability_tmr_and_resistance():
    warm_family = family(resistance_per_kelvin={"value": 1e-4, "provenance": "assumed"})
    cold, warm = (draw(warm_family, (15, 15), 1, kelvin, 1, "a") for kelvin in (300.0, 360.0))
    np.testing.assert_allclose(warm.thermal_stability, cold.thermal_stability * 300.0 / 360.0)
    np.testing.assert_allclose(warm.tmr, cold.tmr * (1.0 - 0.0015 * 60.0))
    np.testing.assert_allclose(warm.parallel_ohms, cold.parallel_ohms * 1.006)
    np.testing.assert_array_equal(warm.critical_volts_to_parallel, cold.critical_volts_to_parallel)


@pytest.mark.parametrize("kelvin", [0.0, 1000.0, float("nan")])
def test_a_temperature_beyond_the_coefficients_is_refused(kelvin):
    with pytest.raises(UsageError, match=r"temperature|linear coefficients"):
        draw(family(), (15, 15), 1, kelvin, 1, "a")


@pytest.mark.parametrize("shape", [(0, 15), (15,)])
def test_a_shape_without_cells_is_refused(shape):
    with pytest.raises(UsageError, match="no cells"):
        draw(family(), shape, 1, 300.0, 1, "a")


@pytest.mark.parametrize("shape", [(15, 15), (1, 15), (15, 1)])
def test_a_gradient_is_a_plane_that_reaches_the_stated_deviation(shape):
    flat = draw(family(), shape, 1, 300.0, 5, "a")
    sloped = draw(family(gradient={"value": 0.05, "provenance": "assumed"}), shape, 1, 300.0, 5, "a")
    factors = (sloped.parallel_ohms / flat.parallel_ohms).reshape(shape)
    assert np.abs(np.diff(factors, n=2, axis=0)).max(initial=0.0) < 1e-12
    assert np.abs(np.diff(factors, n=2, axis=1)).max(initial=0.0) < 1e-12
    assert factors.mean() == pytest.approx(1.0)
    if min(shape) > 1:
        assert factors.max() == pytest.approx(1.05)
        assert factors.min() == pytest.approx(0.95)


def test_optional_effects_are_off_when_the_family_is_silent():
    quiet = draw(family(telegraph=None, pink_noise=None, breakdown=None, back_hopping=None), (15, 15), 1, 300.0, 1, "a")
    assert quiet.wear is None
    assert quiet.back_hopping is None
    assert len(quiet.telegraph) == 0
    assert not quiet.pink_noise.any()
    assert isinstance(quiet, Junctions)


def test_back_hopping_is_passed_on():
    hopping = {
        "volts_ratio": {"value": 1.6, "provenance": "assumed"},
        "stability": {"value": 20.0, "provenance": "assumed"},
    }
    drawn = draw(family(back_hopping=hopping), (15, 15), -1, 300.0, 1, "a")
    assert (drawn.back_hopping.volts_ratio, drawn.back_hopping.stability, drawn.polarity) == (1.6, 20.0, -1)
