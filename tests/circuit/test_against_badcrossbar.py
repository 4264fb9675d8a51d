"""badcrossbar (Joksas and Mehonic, SoftwareX 12, 100617, 2020) on the boundary it knows: one segment as lead."""

import sys
import warnings
from unittest.mock import MagicMock

import numpy as np
import pytest

from labmtj.circuit import PortState, Wires, response_of, solve_cold


@pytest.fixture(scope="module")
def badcrossbar():
    # It imports pycairo, which needs a compiler, for its plots alone: plotting is not used here.
    sys.modules.setdefault("cairo", MagicMock())
    return pytest.importorskip("badcrossbar")


@pytest.mark.parametrize(("shape", "segment"), [((15, 15), 1.0), ((15, 15), 20.0), ((9, 30), 2.5), ((64, 64), 1.0)])
def test_all_cell_currents_and_outputs_agree(badcrossbar, shape, segment):
    rng = np.random.default_rng(4)
    cells, row_volts = rng.choice([1e4, 2e4], shape), rng.uniform(-0.3, 0.3, shape[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = badcrossbar.compute(row_volts[:, np.newaxis], cells, segment)
    ohms = dict.fromkeys(("row_segment_ohms", "column_segment_ohms", "row_lead_ohms", "column_lead_ohms"), segment)
    wires = Wires.uniform(shape, **ohms)
    volts = np.concatenate([row_volts, np.zeros(shape[1])])
    scale = np.abs(peer.currents.output).max()
    cell_volts, line_amperes = solve_cold(wires, cells, volts)
    np.testing.assert_allclose(cell_volts, (peer.currents.device * cells).ravel(), rtol=0, atol=1e-10 * 0.3)
    np.testing.assert_allclose(-line_amperes[shape[0] :], peer.currents.output[0], rtol=0, atol=1e-10 * scale)
    if shape[0] * shape[1] < 1000:
        state = PortState(response_of(wires), cells)
        np.testing.assert_allclose(state.cell_currents(volts), peer.currents.device.ravel(), rtol=0, atol=1e-10 * scale)
        np.testing.assert_allclose(
            -state.currents(volts)[shape[0] :], peer.currents.output[0], rtol=0, atol=1e-10 * scale
        )
