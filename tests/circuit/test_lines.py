import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labmtj.circuit import LineSolver, PortState, Wires, response_of, solve_cold
from labmtj.errors import ProcedureFailed, UsageError

OHMS = {"row_segment_ohms": 1.0, "column_segment_ohms": 2.0, "row_lead_ohms": 5.0, "column_lead_ohms": 7.0}


def assert_as_dense(wires, cells, volts, tolerance=1e-10):
    state = PortState(response_of(wires), cells)
    cell_volts, line_amperes = solve_cold(wires, cells, volts)
    scale = np.abs(state.currents(volts)).max()
    np.testing.assert_allclose(cell_volts, state.cell_volts(volts), rtol=0, atol=tolerance * np.abs(volts).max())
    np.testing.assert_allclose(line_amperes, state.currents(volts), rtol=0, atol=tolerance * scale)


@pytest.mark.parametrize("ends", [("left", "bottom"), ("right", "top"), ("both", "both")])
@pytest.mark.parametrize("shape", [(15, 15), (1, 1), (1, 8), (8, 1), (30, 7)])
def test_a_cold_solve_agrees_with_the_dense_state(shape, ends):
    rng = np.random.default_rng(0)
    wires = Wires.uniform(shape, **OHMS, row_ends=ends[0], column_ends=ends[1], contact_ohms=30)
    assert_as_dense(wires, rng.choice([1e4, 2e4], shape), rng.uniform(-1, 1, sum(shape)))


@given(st.data())
@settings(max_examples=60)
def test_any_topology_agrees_with_nodal_analysis(nodes, networks, data):
    wires, cells, rng = data.draw(networks())
    volts = rng.uniform(-1, 1, sum(wires.shape))
    expected = nodes(wires, cells, volts)
    cell_volts, line_amperes = solve_cold(wires, cells, volts)
    np.testing.assert_allclose(cell_volts, expected.cell_volts, rtol=0, atol=1e-10)
    scale = np.abs(expected.line_amperes).max()
    np.testing.assert_allclose(line_amperes, expected.line_amperes, rtol=0, atol=1e-10 * scale)


def test_a_heavy_load_converges():
    # 100 ohm cells in 5 ohm wires: hardly anything reaches the far corner.
    rng = np.random.default_rng(1)
    wires = Wires.uniform((30, 30), **{**OHMS, "row_segment_ohms": 5.0, "column_segment_ohms": 5.0})
    assert_as_dense(wires, rng.uniform(100, 200, (30, 30)), np.r_[np.ones(30), np.zeros(30)])


def test_a_large_array_keeps_its_balance():
    wires = Wires.uniform((200, 150), **OHMS)
    cells = np.random.default_rng(2).choice([1e4, 2e4], (200, 150))
    volts = np.r_[np.full(200, 0.1), np.zeros(150)]
    cell_volts, line_amperes = LineSolver(wires).solve(cells, volts)
    burnt = (cell_volts**2 / cells.ravel()).sum()
    assert abs(line_amperes.sum()) < 1e-12 * np.abs(line_amperes).sum()
    assert 0.2 * volts @ line_amperes < burnt < volts @ line_amperes
    # Kirchhoff along one row: the drop from pad to each tap is the lead and the segments times what flows beyond.
    amperes = (cell_volts / cells.ravel()).reshape(200, 150)
    beyond = np.cumsum(amperes[:, ::-1], axis=1)[:, ::-1]
    upper = 0.1 - np.cumsum(beyond * np.r_[5.0, np.ones(149)], axis=1)
    below = np.cumsum(amperes, axis=0)
    lower = np.cumsum((below * np.r_[np.full(199, 2.0), 7.0][:, np.newaxis])[::-1], axis=0)[::-1]
    np.testing.assert_allclose(upper - lower, cell_volts.reshape(200, 150), rtol=0, atol=1e-11)


def test_what_the_solver_of_lines_cannot_do_is_refused():
    with pytest.raises(UsageError, match=r"row_segment_ohms holds 0 ohm; .* use PortState"):
        LineSolver(Wires.uniform((2, 2), **{**OHMS, "row_segment_ohms": 0.0}))
    solver = LineSolver(Wires.uniform((2, 2), **OHMS))
    with pytest.raises(UsageError, match="line 3 floats"):
        solver.solve(np.ones(4), np.array([1, 1, 1, np.nan]))
    with pytest.raises(UsageError, match=r"4 lines; got voltages of shape \(3,\)"):
        solver.solve(np.ones(4), np.zeros(3))
    with pytest.raises(UsageError, match=r"cell \(1, 0\): -1\.0 is not"):
        solver.solve(np.array([1, 1, -1, 1]), np.zeros(4))


def test_gradients_that_do_not_arrive_are_reported(monkeypatch):
    monkeypatch.setattr("labmtj.circuit.lines._MOST_STEPS", 1)
    wires = Wires.uniform((30, 30), **OHMS)
    with pytest.raises(ProcedureFailed, match="did not converge in 1 steps"):
        solve_cold(wires, np.full((30, 30), 100.0), np.r_[np.ones(30), np.zeros(30)])
