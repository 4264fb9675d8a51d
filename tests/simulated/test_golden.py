"""Currents through a whole measurement, against a dense solution of Kirchhoff's equations made elsewhere."""

import numpy as np
import pytest

from labmtj.quantities import Bias, Lines, ReadSettings

QUIET = ReadSettings(aperture_seconds=1000.0)
"""ideal cells keep their thermal and shot noise; over this long it is below a picoampere"""
COLUMNS = Lines(columns=tuple(range(15)))


@pytest.mark.parametrize(
    ("rows", "microamperes"),
    [
        (slice(None), (429.6283, 402.0230, 392.1405)),
        (0, (27.6431, 25.9340, 25.3217)),
        (14, (30.4691, 28.3875, 27.6431)),
    ],
    ids=["all rows", "row 0", "row 14"],
)
def test_uniform_array(make, rows, microamperes):
    crossbar = make((15, 15), parallel_ohms=3000.0, segment_ohms=3.0, lead_ohms=10.0, state=np.ones((15, 15)))
    volts = np.zeros(15)
    volts[rows] = 0.1
    currents = crossbar.measure(Bias(volts, np.zeros(15)), COLUMNS, QUIET)
    np.testing.assert_allclose(currents.amperes[0, [0, 7, 14]] * 1e6, microamperes, atol=5e-5)
    assert not currents.flags.any()


def test_two_by_two(make):
    crossbar = make((2, 2), parallel_ohms=1000.0, segment_ohms=1.0, lead_ohms=5.0, state=np.eye(2))
    currents = crossbar.measure(Bias(0.1 * np.eye(2), np.zeros(2)), Lines(columns=(0, 1)), QUIET)
    np.testing.assert_allclose(currents.amperes * 1e7, [[984.2374, 492.1381], [492.6278, 984.2374]], atol=5e-4)


def test_currents_count_out_of_the_array_and_add_up_to_nothing(make):
    crossbar = make((3, 2), parallel_ohms=1000.0, state=np.ones((3, 2)))
    lines = Lines(rows=(0, 1, 2), columns=(1, 0))
    currents = crossbar.measure(
        Bias([0.1, 0.0, 0.0], [0.0, 0.05]), lines, ReadSettings(1000.0, polarity="both")
    ).amperes[0]
    # by hand: row 0 drives 100 uA into column 0 and 50 uA into column 1, which draws 50 uA from each other row
    np.testing.assert_allclose(currents * 1e6, [-150, 50, 50, -50, 100], rtol=1e-7)


def test_a_floating_line_carries_nothing_and_takes_its_mean(make):
    crossbar = make((2, 2), parallel_ohms=1000.0, state=np.ones((2, 2)))
    lines = Lines(rows=(0, 1), columns=(0, 1))
    currents = crossbar.measure(Bias([0.1, 0.0], [np.nan, 0.0]), lines, QUIET)
    np.testing.assert_allclose(currents.volts[0, 0], [0.1, 0.0, 0.05, 0.0], atol=1e-9)
    np.testing.assert_allclose(currents.amperes[0] * 1e6, [-150, 50, 0, 100], atol=1e-5)


def test_nothing_driven_is_nothing_measured(make):
    crossbar = make((2, 2))
    currents = crossbar.measure(Bias([np.nan] * 2, [np.nan] * 2), Lines(rows=(0, 1)), QUIET)
    np.testing.assert_allclose(currents.amperes, 0.0, atol=1e-12)
    np.testing.assert_allclose(currents.volts, 0.0, atol=1e-12)
