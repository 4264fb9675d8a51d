import numpy as np
import pytest

from labmtj.quantities import Bias, Limits
from labmtj.safety import Envelope, Ledger, Safety, cell_names


class Scripted:
    """A crossbar that records what reaches it, and raises what it is told to."""

    shape, clock = (2, 3), None

    def __init__(self, limits):
        self.limits = limits
        self.calls, self.raises, self.armed = [], None, True

    def _call(self, name):
        self.calls.append(name)
        if self.raises is not None and name in ("measure", "pulse"):
            raise self.raises
        return name

    def arm(self):
        self.armed = True
        return self._call("arm")

    def refusal(self, bias, seconds=0.0):
        return None

    def measure(self, bias, lines, how):
        return self._call("measure")

    def pulse(self, bias, seconds):
        return self._call("pulse")

    def make_safe(self):
        self.armed = False
        return self._call("make_safe")


@pytest.fixture
def scripted():
    """Return a function that makes a crossbar and the safety around it, with some limits."""

    def make(**limits):
        inner = Scripted(Limits(**limits))
        ledger = Ledger(cell_names((2, 3)), inner.limits.pulses_per_cell, what="pulses", limit="limits.pulses_per_cell")
        return inner, Safety(inner, Envelope(inner.limits, (2, 3), 1e-3), ledger)

    return make


@pytest.fixture
def write():
    """A bias that writes cell (1, 2) at 0.6 V, half-selecting its neighbours."""
    return Bias([0.0, 0.3], [0.0, 0.0, -0.3])


@pytest.fixture
def batch():
    """Three biases: row 0 at 0.6 V, cell (1, 2), row 0 again."""
    return Bias(np.array([[0.6, 0], [0, 0.3], [0.6, 0]]), np.array([[0, 0, 0], [0, 0, -0.3], [0, 0, 0]]))
