import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labmtj.circuit import OPEN_OHMS, PortState, Wires, response_of
from labmtj.errors import UsageError


def network(shape=(15, 15), segment=3.0, lead=10.0, **ends):
    return Wires.uniform(
        shape,
        row_segment_ohms=segment,
        column_segment_ohms=segment,
        row_lead_ohms=lead,
        column_lead_ohms=lead,
        **ends,
    )


def state_of(wires, cell_ohms):
    return PortState(response_of(wires), cell_ohms)


def random_state(shape=(15, 15), seed=1, **wires):
    rng = np.random.default_rng(seed)
    return state_of(network(shape, **wires), rng.uniform(3e3, 2e4, shape)), rng


@pytest.mark.parametrize(
    ("driven", "microamperes"),
    [
        (slice(0, 15), [429.6283, 402.0230, 392.1405]),
        (0, [27.6431, 25.9340, 25.3217]),
        (14, [30.4691, 28.3875, 27.6431]),
    ],
)
def test_column_currents_of_three_kiloohm_cells_in_three_ohm_wires(driven, microamperes):
    # Computed once by nodal analysis of the same array, for columns 0, 7 and 14.
    volts = np.zeros(30)
    volts[driven] = 0.1
    currents = state_of(network(), np.full((15, 15), 3e3)).currents(volts)
    assert np.round(-1e6 * currents[[15, 22, 29]], 4).tolist() == microamperes


def test_transfer_matrix_of_two_by_two():
    state = state_of(network((2, 2), 1.0, 5.0), [[1e3, 2e3], [2e3, 1e3]])
    assert np.round(-1e6 * state.admittance[:2, 2:], 4).tolist() == [[984.2374, 492.1381], [492.6278, 984.2374]]


def test_one_cell_is_a_series_circuit():
    state = state_of(
        Wires(np.zeros((1, 0)), np.zeros((1, 0)), [[20, np.inf]], [[30, 60]], 50.0), [[900.0]]
    )  # 20 + 50 + 900 + 30 || 60
    assert state.currents(np.array([0.99, 0.0])) == pytest.approx([1e-3, -1e-3], rel=1e-14)
    assert state.cell_volts(np.array([0.99, 0.0])) == pytest.approx([0.9], rel=1e-14)


@given(st.integers(1, 12), st.integers(0, 1000))
def test_one_row_is_a_ladder(count, seed):
    rng = np.random.default_rng(seed)
    rungs, segments = rng.uniform(100, 1e4, count), rng.uniform(0, 100, count)
    ohms = np.inf
    for rung, segment in zip(rungs[::-1], segments[::-1], strict=True):
        ohms = segment + 1 / (1 / rung + 1 / ohms)
    wires = Wires([segments[1:]], np.zeros((count, 0)), [[segments[0], np.inf]], np.zeros((count, 2)))
    assert state_of(wires, [rungs]).admittance[0, 0] == pytest.approx(1 / ohms, rel=1e-13)


@given(st.data())
@settings(max_examples=150)
def test_any_topology_agrees_with_nodal_analysis(nodes, networks, data):
    wires, cells, rng = data.draw(networks())
    state = state_of(wires, cells)
    volts = rng.uniform(-1, 1, sum(wires.shape))
    expected = nodes(wires, cells, volts)
    np.testing.assert_allclose(state.cell_volts(volts), expected.cell_volts, rtol=0, atol=1e-12)
    scale = np.abs(expected.line_amperes).max()
    np.testing.assert_allclose(state.currents(volts), expected.line_amperes, rtol=0, atol=1e-12 * scale)
    np.testing.assert_allclose(state.cell_currents(volts), expected.cell_amperes, rtol=0, atol=1e-12 * scale)


def test_interleaved_pads_agree_with_nodal_analysis(nodes):
    rng = np.random.default_rng(3)
    leads = np.full((6, 2), np.inf)
    leads[::2, 0], leads[1::2, 1] = 12.0, 15.0
    wires = Wires(rng.uniform(1, 5, (6, 5)), rng.uniform(1, 5, (6, 5)), leads, leads[:, ::-1])
    cells, volts = rng.uniform(1e3, 2e4, (6, 6)), rng.uniform(-1, 1, 12)
    np.testing.assert_allclose(
        state_of(wires, cells).cell_volts(volts), nodes(wires, cells, volts).cell_volts, rtol=1e-11, atol=1e-14
    )


@given(st.data())
@settings(max_examples=60)
def test_port_currents_obey_the_exact_laws(networks, data):
    wires, cells, rng = data.draw(networks(smallest_ohms=0.0))
    state = state_of(wires, cells)
    admittance, scale = state.admittance, np.abs(state.admittance).max()
    one, two = rng.uniform(-1, 1, (2, len(admittance)))
    assert np.array_equal(admittance, admittance.T)
    np.testing.assert_allclose(admittance.sum(axis=1), 0, atol=1e-13 * scale)  # nothing leaks to ground
    assert one @ state.currents(two) == pytest.approx(two @ state.currents(one), rel=1e-12, abs=1e-14 * scale)
    mixed = state.currents(2 * one - 3 * two)
    np.testing.assert_allclose(mixed, 2 * state.currents(one) - 3 * state.currents(two), rtol=0, atol=1e-13 * scale)
    grid = state.cell_currents(one).reshape(wires.shape)
    np.testing.assert_allclose(
        state.currents(one), np.concatenate([grid.sum(axis=1), -grid.sum(axis=0)]), rtol=0, atol=1e-13 * scale
    )


@given(st.data())
@settings(max_examples=60)
def test_the_sources_power_is_what_the_resistors_burn(networks, data):
    wires, cells, rng = data.draw(networks(smallest_ohms=0.0, cuts=False))
    state = state_of(wires, cells)
    volts = rng.uniform(-1, 1, sum(wires.shape))
    amperes = state.cell_currents(volts)
    burnt = amperes @ (cells.ravel() * amperes) + amperes @ (state.wires.impedance @ amperes)
    assert volts @ state.currents(volts) == pytest.approx(burnt, rel=1e-12)


@given(st.data())
@settings(max_examples=40)
def test_a_transposed_array_has_transposed_ports(networks, data):
    wires, cells, _ = data.draw(networks())
    rows, columns = wires.shape
    turned = Wires(
        wires.column_segment_ohms,
        wires.row_segment_ohms,
        wires.column_lead_ohms,
        wires.row_lead_ohms,
        wires.contact_ohms.T,
    )
    order = np.r_[rows : rows + columns, 0:rows]
    expected = state_of(wires, cells).admittance[np.ix_(order, order)]
    np.testing.assert_allclose(
        state_of(turned, cells.T).admittance, expected, rtol=1e-11, atol=1e-13 * np.abs(expected).max()
    )


def test_without_wire_resistance_the_currents_are_the_matrix_product():
    rng = np.random.default_rng(5)
    cells = rng.uniform(1e3, 2e4, (4, 6))
    exact = state_of(network((4, 6), 0.0, 0.0), cells)
    volts = np.concatenate([rng.uniform(-1, 1, 4), np.zeros(6)])
    np.testing.assert_allclose(-exact.currents(volts)[4:], volts[:4] @ (1 / cells), rtol=1e-14)
    nearly = state_of(network((4, 6), 1e-9, 1e-9), cells)
    np.testing.assert_allclose(nearly.admittance, exact.admittance, rtol=0, atol=1e-14)


def test_ten_thousand_flips_leave_the_state_as_if_fresh():
    state, rng = random_state()
    for cell in rng.integers(0, 225, 10_000):
        state.flip(int(cell), float(rng.choice([1e4, 2.2e4])))
    fresh = PortState(state.wires, state.cell_ohms)
    for name in ("inverse", "transfer", "admittance"):
        updated, exact = getattr(state, name), getattr(fresh, name)
        assert np.abs(updated - exact).max() < 2e-13 * np.abs(exact).max(), name
    # Symmetric to rounding only: how a kernel of BLAS rounds depends on the CPU and on the place in the matrix.
    for matrix in (state.inverse, state.admittance):
        assert np.abs(matrix - matrix.T).max() < 1e-13 * np.abs(matrix).max()


@pytest.mark.parametrize("extreme", [1.0, 200.0, OPEN_OHMS])
def test_a_cell_comes_back_from_short_and_open(extreme):
    state, _ = random_state((6, 6))
    before = state.copy()
    state.flip(8, extreme)
    assert np.abs(state.inverse - PortState(state.wires, state.cell_ohms).inverse).max() < 1e-16
    assert np.abs(state.admittance - before.admittance).max() > 1e-6
    state.flip(8, before.cell_ohms[8])
    assert np.abs(state.inverse - before.inverse).max() < 1e-16
    assert np.abs(state.admittance - before.admittance).max() < 1e-16


@pytest.mark.parametrize("shape", [(15, 15), (1, 1), (1, 9), (9, 1), (3, 4)])
@pytest.mark.parametrize("answer", ["currents", "cell_currents", "cell_volts"])
def test_the_bits_of_an_answer_do_not_depend_on_its_batch(shape, answer):
    state, rng = random_state(shape)
    solve = getattr(state, answer)
    volts = rng.normal(size=(61, sum(shape)))
    together, order = solve(volts), rng.permutation(61)
    assert np.array_equal(together[order], solve(volts[order]))
    assert np.array_equal(together[:7], solve(volts[:7]))
    assert np.array_equal(together[::3], solve(volts[::3]))
    for one, alone in zip(together, volts, strict=True):
        assert np.array_equal(one, solve(alone))
        assert np.array_equal(one[np.newaxis], solve(alone[np.newaxis]))


def test_resistances_that_cannot_be_are_refused_by_cell():
    wires = response_of(network((2, 3)))
    with pytest.raises(UsageError, match=r"cell \(1, 2\): 0.0 is not a cell resistance; use 1e\+12 for an open cell"):
        PortState(wires, [[1, 1, 1], [1, 1, 0]])
    with pytest.raises(UsageError, match=r"cell \(0, 1\): inf"):
        PortState(wires, [1, np.inf, 1, 1, 1, 1])
    with pytest.raises(UsageError, match=r"2 x 3 array has the wrong shape \(3, 2\)"):
        PortState(wires, np.ones((3, 2)))
    state = PortState(wires, np.full(6, 1e3))
    before = state.admittance.copy()
    with pytest.raises(UsageError, match=r"cell 4: -1\.0"):
        state.flip(4, -1.0)
    assert np.array_equal(state.admittance, before)


def test_a_copy_is_independent():
    state, _ = random_state((3, 3))
    twin = state.copy()
    before = state.admittance.copy()
    twin.flip(0, 1e5)
    assert np.array_equal(state.admittance, before)
    assert not np.array_equal(twin.admittance, before)
