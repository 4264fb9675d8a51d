"""An array on a network of resistors, against nodal analysis with a source on every line."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmtj.circuit import LoadedArray, PortState, Wires, operating_point, response_of


def wires_of(shape):
    return Wires.uniform(shape, row_segment_ohms=3, column_segment_ohms=3, row_lead_ohms=5, column_lead_ohms=5)


@given(st.data())
def test_with_one_resistor_per_line_it_is_an_array_behind_sources(nodes, networks, data):
    wires, cells, rng = data.draw(networks(cuts=False))
    lines = sum(wires.shape)
    siemens, volts = 1 / rng.uniform(0.1, 1e3, lines), rng.uniform(-0.5, 0.5, lines)
    expected = nodes(wires, cells, volts, siemens)
    loaded = LoadedArray(PortState(response_of(wires), cells), np.diag(siemens))
    point, ports = loaded.solve(siemens * volts, lambda across: across / cells.ravel())
    np.testing.assert_allclose(point.line_volts, expected.line_volts, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(point.line_amperes, expected.line_amperes, rtol=1e-7, atol=1e-12)
    np.testing.assert_array_equal(ports, point.line_volts)


@pytest.mark.parametrize("strength", [0.01, 1.0, 30.0])
def test_cells_that_bend_settle_where_they_do_behind_sources(strength):
    """A strong bend drives the fixed point into Newton, which is slow if the response is not the whole one."""
    rng = np.random.default_rng(0)
    cells, volts, siemens = rng.uniform(500, 1500, 9), rng.uniform(-1, 1, 6), rng.uniform(1e-3, 1e-2, 6)
    calls = []
    state = PortState(response_of(wires_of((3, 3))), cells)

    def law(across):
        calls.append(1)
        return across / cells * (1 + strength * across**2)

    expected = operating_point(state, volts, law, source_siemens=siemens)
    count, calls[:] = len(calls), []
    point, _ = LoadedArray(state, np.diag(siemens)).solve(siemens * volts, law)
    assert len(calls) <= count + 3
    for ours, theirs in zip(point, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-9)
    np.testing.assert_allclose(point.line_amperes, siemens * (volts - point.line_volts), atol=1e-9)


def test_nodes_beyond_the_lines_carry_current_to_them():
    state = PortState(response_of(wires_of((1, 1))), [1e3])
    siemens = np.array([[1 / 50, 0, -1 / 50], [0, 1 / 20, 0], [-1 / 50, 0, 1 / 50 + 1 / 500]])
    point, ports = LoadedArray(state, siemens).solve(np.array([0, 0, 1e-3]), lambda across: across / 1e3)
    through = 1e-3 * 500 / (500 + 50 + 1e3 + 20 + 2 * 5)  # leads of 5 ohm
    assert point.cell_amperes[0] == pytest.approx(through, rel=1e-12)
    assert ports[2] == pytest.approx((1e-3 - through) * 500, rel=1e-12)
