"""What the tests of the fits share: trials drawn from the switching law itself."""

from dataclasses import dataclass

import numpy as np
import pytest

from labmtj.device.mtj.analytic import median_switching_volts, switching_probability
from labmtj.fitting.steering import Steering
from labmtj.fitting.switching_law import Pulses

WIDTHS = np.array([1e-4, 1e-3, 1e-2, 1e-1])


@dataclass
class Study:
    """Cells with hidden laws and the steered pulses they were given, (cells, widths, trials)."""

    stability: np.ndarray
    critical_volts: np.ndarray
    exponent: int
    volts: np.ndarray
    switched: np.ndarray

    @property
    def median_volts(self):
        """The true V50, (cells, widths)."""
        laws = list(zip(self.critical_volts, self.stability, strict=True))
        return np.array(
            [
                [
                    median_switching_volts(t, critical_volts=v, thermal_stability=d, barrier_exponent=self.exponent)
                    for t in WIDTHS
                ]
                for v, d in laws
            ]
        )

    @property
    def pulses(self):
        seconds = np.broadcast_to(WIDTHS[:, np.newaxis], self.volts.shape)
        return Pulses(*(part.reshape(len(self.volts), -1) for part in (self.volts, seconds, self.switched)))


def study(cells, trials, exponent, *, seed=0, stability=50.0, critical=0.6, spread=1.0):
    """Steer pulses at cells whose laws are drawn, outcomes drawn from the law with numpy alone."""
    draw = np.random.default_rng([seed, exponent])
    hidden = stability * (1 + 0.1 * spread * draw.standard_normal(cells))
    volts0 = critical * (1 + 0.05 * spread * draw.standard_normal(cells))
    volts, switched = np.empty((2, cells, len(WIDTHS), trials))
    for number, seconds in enumerate(WIDTHS):
        steering = Steering(cells, 0.05, 0.9)
        for trial in range(trials):
            amplitude = steering.next_volts()
            chance = switching_probability(
                amplitude, seconds, critical_volts=volts0, thermal_stability=hidden, barrier_exponent=exponent
            )
            outcome = draw.random(cells) < chance
            steering.tell(amplitude, outcome, np.ones(cells, bool))
            volts[:, number, trial], switched[:, number, trial] = amplitude, outcome
    return Study(hidden, volts0, exponent, volts, switched)


@pytest.fixture(scope="session")
def make_study():
    """Return the function that makes a study."""
    return study


@pytest.fixture(scope="session", params=[1, 2])
def sample(request):
    """200 cells, 80 pulses at each of four widths, of either exponent."""
    return study(200, 80, request.param)


@pytest.fixture(scope="session")
def widths():
    return WIDTHS
