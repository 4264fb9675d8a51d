"""How often and when cells flip, against closed formulas written out here."""

import numpy as np
import pytest

from labmtj.quantities import Bias, Waveform

ATTEMPT = 1e-9


def flip_probability(volts, seconds, critical, stability, exponent):
    return 1 - np.exp(-seconds / ATTEMPT * np.exp(-stability * max(1 - volts / critical, 0) ** exponent))


def binomial(count, trials, probability):
    """Assert that a count is within four standard deviations of its expectation."""
    assert abs(count - trials * probability) < 4 * np.sqrt(trials * probability * (1 - probability)) + 1e-9


def row_bias(columns, volts):
    return Bias([volts], np.zeros(columns))


@pytest.mark.parametrize("exponent", [1, 2])
@pytest.mark.parametrize("state", [False, True])
@pytest.mark.parametrize("polarity", [1, -1])
def test_pulses_flip_the_share_of_cells_that_the_law_says(make, exponent, state, polarity):
    critical = 0.7 if state else 0.6
    centre = critical * (1 - (np.log(1e-3 / ATTEMPT / np.log(2)) / 40) ** (1 / exponent))  # half of the cells at 1 ms
    away = -polarity if state else polarity
    for step, volts in enumerate(centre + critical * np.array([-0.03, 0.0, 0.02])):
        flipped = 0
        for seed in range(3):
            crossbar = make(
                (1, 200), state=np.full((1, 200), state), thermal_stability=40.0, barrier_exponent=exponent,
                polarity=polarity, parts={"seed": seed, "name": f"chip{step}"},
            )  # fmt: skip
            crossbar.pulse(row_bias(200, away * volts), 1e-3)
            flipped += int((crossbar.array.state != state).sum())
        binomial(flipped, 600, flip_probability(volts, 1e-3, critical, 40.0, exponent))


def test_the_wrong_polarity_flips_nothing(make):
    crossbar = make((1, 100), thermal_stability=40.0)
    crossbar.pulse(row_bias(100, -0.5), 1e-3)
    assert not crossbar.array.state.any()


def test_splitting_a_pulse_changes_nothing(make):
    whole, parts, steps = (make((1, 150), thermal_stability=40.0, parts={"seed": 3}) for _ in range(3))
    bias = row_bias(150, 0.235)
    whole.pulse(bias, 1e-3)
    for _ in range(10):
        parts.pulse(bias, 1e-4)
    steps.apply(Waveform(np.array([[2e-4, 5e-4, 3e-4]]), np.repeat(bias.line_volts[np.newaxis], 3, axis=1)))
    assert 20 < whole.array.state.sum() < 130
    for other in (parts, steps):
        np.testing.assert_array_equal(other.array.state, whole.array.state)
        np.testing.assert_array_equal(other.array.flips, whole.array.flips)
        np.testing.assert_allclose(other.array.hazard, whole.array.hazard, rtol=1e-6, atol=1e-9)


def test_hazard_adds_up_over_pulses_that_flip_nothing(make):
    crossbar = make((1, 2), thermal_stability=50.0, barrier_exponent=1)
    for _ in range(5):
        crossbar.pulse(row_bias(2, 0.3), 1e-5)
    rate = np.exp(-50 * 0.5) / ATTEMPT
    np.testing.assert_allclose(crossbar.array.hazard, 5e-5 * rate, rtol=1e-6)


def test_a_square_waveform_is_a_pulse(make):
    pulsed, applied = make((3, 4), segment_ohms=3.0), make((3, 4), segment_ohms=3.0)
    bias = Bias([[0.35, 0, 0], [0, 0.35, np.nan]], [[-0.35, 0, 0, 0], [0, -0.3, 0, 0]])
    asked = pulsed.pulse(bias, 1e-4)
    given = applied.apply(Waveform.square(bias, 1e-4))
    np.testing.assert_array_equal(given.delivered.line_volts, asked.delivered.line_volts)
    assert asked.seconds == given.seconds
    for name in ("state", "flips", "hazard", "stress"):
        np.testing.assert_array_equal(getattr(applied.array, name), getattr(pulsed.array, name))
    assert pulsed.clock.snapshot() == applied.clock.snapshot()


def test_a_leading_edge_adds_its_half_selection(make):
    """Row first, column 20 us later: the row's cells see half the voltage for longer than the column's."""
    crossbar = make((2, 2), thermal_stability=40.0, barrier_exponent=1)
    half, width, edge = 0.2, 1e-4, 2e-5
    volts = np.array([[[half, 0, 0, 0], [half, 0, -half, 0]]])
    crossbar.apply(Waveform(np.array([[edge, width]]), volts))
    at_half = np.exp(-40 * (1 - half / 0.6)) / ATTEMPT
    at_rest = np.exp(-40.0) / ATTEMPT
    hazard = crossbar.array.hazard.reshape(2, 2)
    after = 5e-4 * at_rest  # the sources return to zero
    assert hazard[0, 1] == pytest.approx(at_half * (edge + width) + after, rel=1e-9)
    assert hazard[1, 0] == pytest.approx(at_half * width + at_rest * edge + after, rel=1e-9)
    assert hazard[1, 1] == pytest.approx(at_rest * (edge + width) + after, rel=1e-9)


@pytest.mark.parametrize(
    ("stability", "exponent", "table"), [(25, 1, 4e-2), (25, 2, 6e-2), (30, 1, 5e-3), (30, 2, 1e-2)]
)
def test_half_selected_cells_are_disturbed_as_often_as_the_law_says(make, stability, exponent, table):
    """Pulses of 1 ms at 1.2 times the voltage of an error rate of 1e-3, along the diagonal: others are hit twice."""
    size, seeds = 20, 4
    barrier = np.log(1e-3 / (ATTEMPT * np.log(1000))) / stability
    volts = 1.2 * 0.6 * (1 - barrier ** (1 / exponent))
    each = flip_probability(volts / 2, 1e-3, 0.6, stability, exponent)
    assert float(f"{each:.0e}") == table
    aside = ~np.eye(size, dtype=bool)
    flipped = 0
    for seed in range(seeds):
        crossbar = make(
            (size, size), thermal_stability=stability, barrier_exponent=exponent, critical_volts_to_antiparallel=5.0,
            parts={"seed": seed},
        )  # fmt: skip
        crossbar.pulse(Bias(np.eye(size) * volts / 2, np.eye(size) * -volts / 2), 1e-3)
        state = crossbar.array.state.reshape(size, size)
        assert np.diag(state).mean() > 0.95
        flipped += int(state[aside].sum())
    binomial(flipped, seeds * aside.sum(), 1 - (1 - each) ** 2)


def test_retention_at_rest(make):
    """Both ways at one rate r: after t a share (1 - exp(-2 r t)) / 2 is found in the other state."""
    rate = np.exp(-20.0) / ATTEMPT
    found = 0
    for seed in range(4):
        crossbar = make((1, 150), thermal_stability=20.0, parts={"seed": seed})
        crossbar.clock.sleep(0.4 / rate)
        crossbar.pulse(row_bias(150, 0.0), 1e-6)
        found += int(crossbar.array.state.sum())
    binomial(found, 600, (1 - np.exp(-0.8)) / 2)


def test_toggling_ends_and_leaves_the_ratio_of_the_rates(make):
    """A cell without a barrier flips a billion times a second; a hold ends, and finds it in either state."""
    share = []
    for seed in range(6):
        crossbar = make((1, 40), thermal_stability=1e-3, parts={"seed": seed})
        crossbar.pulse(row_bias(40, 0.0), 1e-4)
        assert crossbar.array.flips.max() < 200
        share.append(crossbar.array.state.mean())
    binomial(np.sum(share) * 40, 240, 0.5)
