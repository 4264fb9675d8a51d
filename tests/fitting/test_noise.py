import numpy as np
import pytest
from scipy import signal

from labmtj.errors import UsageError
from labmtj.fitting.noise import fit_noise, pink_shape, welch

INTERVAL = APERTURE = 0.02


def pink_and_white(draw, sets, samples, white, pink, oversampling=16):
    """Return means over apertures of noise made 16 times finer, by its spectrum: 1/f up to 400 Hz, and white."""
    fine = INTERVAL / oversampling
    longer = 4 * samples * oversampling
    frequencies = np.fft.rfftfreq(longer, fine)
    density = np.zeros(len(frequencies))
    density[1:] = pink / frequencies[1:]
    spectrum = np.fft.rfft(draw.standard_normal((sets, longer)), axis=1) * np.sqrt(density / (2 * fine))
    slow = np.fft.irfft(spectrum, longer, axis=1)[:, : samples * oversampling].reshape(sets, samples, -1).mean(axis=2)
    return slow + draw.standard_normal((sets, samples)) * np.sqrt(white / (2 * INTERVAL))


@pytest.mark.parametrize(("white", "pink"), [(1e-6, 4e-6), (4e-6, 1e-6)])
def test_intervals_of_both_levels_cover_the_truth_in_95_of_100_series(white, pink):
    draw = np.random.default_rng(5)
    found = fit_noise(pink_and_white(draw, 200, 512, white, pink), INTERVAL, APERTURE)
    assert 0.90 <= np.mean((found.white_low <= white) & (white <= found.white_high)) <= 0.98
    assert 0.90 <= np.mean((found.pink_low <= pink) & (pink <= found.pink_high)) <= 0.98
    assert np.median(found.white) == pytest.approx(white, rel=0.05)
    assert np.median(found.pink) == pytest.approx(pink, rel=0.15)


def test_white_noise_alone_gets_an_upper_limit_of_its_pink_part():
    series = np.random.default_rng(1).standard_normal((100, 512))
    found = fit_noise(series, INTERVAL, APERTURE)
    np.testing.assert_allclose(np.median(found.white), 2 * INTERVAL, rtol=0.02)
    assert np.mean(found.pink_low == 0) > 0.95
    assert (found.pink_high > 0).all()


def test_levels_scale_with_the_square_of_the_unit():
    series = pink_and_white(np.random.default_rng(2), 3, 256, 1e-6, 1e-6)
    one, thousand = fit_noise(series, INTERVAL, APERTURE), fit_noise(1e3 * series, INTERVAL, APERTURE)
    for name in ("white", "white_low", "pink", "pink_high"):
        np.testing.assert_allclose(getattr(thousand, name), 1e6 * getattr(one, name), rtol=1e-3)


def test_welch_agrees_with_the_fit_and_keeps_the_variance():
    series = pink_and_white(np.random.default_rng(3), 20, 2048, 2e-6, 2e-6)
    frequencies, density = welch(series, INTERVAL)
    expected = 2e-6 + 2e-6 * pink_shape(frequencies, INTERVAL, APERTURE)
    np.testing.assert_allclose(density.mean(axis=0)[2:-1], expected[2:-1], rtol=0.35)


def test_the_shape_of_pink_noise_behind_an_aperture_is_that_of_a_filtered_and_decimated_one():
    frequencies = np.array([0.5, 5.0, 20.0])
    draw = np.random.default_rng(4)
    series = pink_and_white(draw, 60, 2048, 0.0, 1.0)
    grid, density = signal.welch(series, fs=1 / INTERVAL, nperseg=512)
    measured = np.interp(frequencies, grid, density.mean(axis=0))
    np.testing.assert_allclose(pink_shape(frequencies, INTERVAL, APERTURE), measured, rtol=0.1)


def test_silence_has_no_level_and_bad_series_are_refused():
    assert fit_noise(np.ones((1, 100)), INTERVAL, APERTURE).white[0] == 0
    with pytest.raises(UsageError, match="at least 64"):
        fit_noise(np.ones((1, 10)), INTERVAL, APERTURE)
    with pytest.raises(UsageError, match="no numbers"):
        fit_noise(np.full((1, 100), np.nan), INTERVAL, APERTURE)
