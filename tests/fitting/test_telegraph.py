import numpy as np
import pytest

from labmtj.errors import UsageError
from labmtj.fitting.telegraph import find_telegraph

INTERVAL = 0.02
SAMPLES = 1000


def telegraph(draw, sets, jump, low_seconds, high_seconds):
    """Return a two-level chain plus white noise of width 1, (sets, samples): every dwell drawn, then sampled."""
    series = draw.standard_normal((sets, SAMPLES))
    times = INTERVAL * np.arange(SAMPLES)
    for row in series:
        state = draw.random() < high_seconds / (low_seconds + high_seconds)
        ends, states = [], []
        while not ends or ends[-1] < times[-1]:
            ends.append((ends[-1] if ends else 0.0) + draw.exponential(high_seconds if state else low_seconds))
            states.append(state)
            state = not state
        row += jump * np.array(states)[np.searchsorted(ends, times)]
    return series


def wandering(draw, sets):
    """Return 1/f noise, (sets, samples)."""
    spectrum = np.fft.rfft(draw.standard_normal((sets, 4 * SAMPLES)), axis=1)
    spectrum[:, 1:] /= np.sqrt(np.arange(1, spectrum.shape[1]))
    spectrum[:, 0] = 0
    return np.fft.irfft(spectrum, axis=1)[:, :SAMPLES]


@pytest.mark.parametrize("kind", ["white", "pink"])
def test_plain_noise_is_called_telegraph_no_more_often_than_stated(kind):
    draw = np.random.default_rng(1)
    series = draw.standard_normal((200, SAMPLES)) if kind == "white" else wandering(draw, 40)
    found = find_telegraph(series, INTERVAL, INTERVAL, false_alarm_rate=0.02).found
    # at 2 %: 200 give 4 +- 2, 40 give 0.8 +- 0.9
    assert found.sum() <= {"white": 9, "pink": 4}[kind]


@pytest.mark.parametrize(("low", "high"), [(0.2, 0.4), (1.0, 0.3), (0.05, 0.05)])
def test_jumps_levels_and_dwell_times_are_recovered(low, high):
    draw = np.random.default_rng(2)
    result = find_telegraph(telegraph(draw, 8, 5.0, low, high), INTERVAL, 0.001)
    assert result.found.all()
    assert np.median(result.jump) == pytest.approx(5.0, rel=0.03)
    assert np.median(result.low_seconds) == pytest.approx(low, rel=0.25)
    assert np.median(result.high_seconds) == pytest.approx(high, rel=0.25)


def test_faster_than_the_samples_is_found_without_dwell_times():
    draw = np.random.default_rng(3)
    series = draw.standard_normal((6, SAMPLES)) + 6.0 * (draw.random((6, SAMPLES)) < 0.5)
    result = find_telegraph(series, INTERVAL, 0.001)
    assert result.found.all()
    short = np.isnan(result.low_seconds) | (result.low_seconds < INTERVAL)
    assert short.all()


def test_a_constant_series_is_no_telegraph_and_rates_are_checked():
    assert not find_telegraph(np.ones((1, 100)), INTERVAL, INTERVAL).found.any()
    with pytest.raises(UsageError, match="false_alarm_rate"):
        find_telegraph(np.ones((1, 100)), INTERVAL, INTERVAL, false_alarm_rate=0.0)
