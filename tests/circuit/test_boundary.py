import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labmtj.circuit import PortState, Wires, line_volts, response_of, settle

NAN = np.nan


def small_state(shape=(4, 5), seed=2):
    rng = np.random.default_rng(seed)
    wires = Wires.uniform(shape, row_segment_ohms=2, column_segment_ohms=3, row_lead_ohms=10, column_lead_ohms=12)
    return PortState(response_of(wires), rng.uniform(3e3, 2e4, shape)), rng


def one_kiloohm():
    """Two lines with 1 kOhm between them."""
    return np.array([[1e-3, -1e-3], [-1e-3, 1e-3]])


def test_driven_lines_keep_their_volts_untouched():
    state, rng = small_state()
    volts = rng.normal(size=(3, 9))
    assert line_volts(state.admittance, volts) is volts
    assert settle(state.admittance, volts).line_volts is volts


def test_nothing_driven_is_nothing_anywhere():
    state, _ = small_state()
    assert line_volts(state.admittance, np.full(9, NAN)).tolist() == [0.0] * 9


def test_a_floating_line_follows_the_only_driven_one():
    volts = line_volts(one_kiloohm(), np.array([0.7, NAN]))
    assert volts == pytest.approx([0.7, 0.7], rel=1e-8)
    assert volts[0] == 0.7


def test_all_floating_but_one_cell_adds_the_sneak_path():
    # Equal cells, no wires: three groups of parallel cells in series beside the selected one.
    wires = Wires.uniform((15, 15), row_segment_ohms=0, column_segment_ohms=0, row_lead_ohms=0, column_lead_ohms=0)
    state = PortState(response_of(wires), np.full((15, 15), 1e4))
    sources = np.full(30, NAN)
    sources[[7, 22]] = [0.1, 0.0]
    answer = settle(state.admittance, sources)
    assert answer.line_amperes[7] == pytest.approx(0.1e-4 * (1 + 14**2 / 29), rel=1e-7)
    assert np.abs(np.delete(answer.line_amperes, [7, 22])).max() < 1e-12


@given(st.data())
@settings(max_examples=80)
def test_floating_lines_and_soft_sources_agree_with_nodal_analysis(nodes, networks, data):
    wires, cells, rng = data.draw(networks())
    lines = sum(wires.shape)
    sources = np.where(rng.random(lines) < 0.4, NAN, rng.uniform(-1, 1, lines))
    siemens = np.where(rng.random(lines) < 0.5, np.inf, rng.uniform(1e-4, 1, lines))
    state = PortState(response_of(wires), cells)
    answer = settle(state.admittance, sources, source_siemens=siemens)
    expected = nodes(wires, cells, sources, siemens)
    driven = np.isfinite(sources) & np.isinf(siemens)
    assert np.array_equal(answer.line_volts[driven], sources[driven])
    np.testing.assert_allclose(answer.line_volts, expected.line_volts, rtol=0, atol=1e-6)  # leaks and 1e12 ohm alone
    np.testing.assert_allclose(answer.line_amperes, expected.line_amperes, rtol=0, atol=1e-16)
    assert not answer.limited.any()


def test_batches_of_mixed_patterns_have_the_bits_of_single_vectors():
    state, rng = small_state()
    sources = rng.normal(size=(40, 9)) * rng.uniform(0.01, 1, (40, 1))
    sources[rng.random((40, 9)) < 0.3] = NAN
    together, order = settle(state.admittance, sources, line_amperes=4e-4), rng.permutation(40)
    assert together.limited.any()
    assert not together.limited.any(axis=1).all()
    shuffled = settle(state.admittance, sources[order], line_amperes=4e-4)
    for whole, moved in zip(together, shuffled, strict=True):
        assert np.array_equal(whole[order], moved)
    for number, vector in enumerate(sources):
        alone = settle(state.admittance, vector, line_amperes=4e-4)
        assert all(np.array_equal(whole[number], one) for whole, one in zip(together, alone, strict=True))


def test_a_source_in_compliance_holds_its_current_at_a_lower_voltage():
    answer = settle(one_kiloohm(), np.array([1.0, 0.0]), line_amperes=[4e-4, 1.0])
    assert answer.limited.tolist() == [True, False]
    assert answer.line_amperes == pytest.approx([4e-4, -4e-4], rel=1e-8)
    assert answer.line_volts == pytest.approx([0.4, 0.0], rel=1e-8)


def test_equal_limits_on_both_ends_leave_one_in_control():
    answer = settle(one_kiloohm(), np.array([1.0, 0.0]), line_amperes=4e-4)
    assert answer.limited.sum() == 1
    assert answer.line_volts[0] - answer.line_volts[1] == pytest.approx(0.4, rel=1e-8)


def test_a_soft_source_is_limited_by_its_current_too():
    siemens = np.array([1e-2, np.inf])
    free = settle(one_kiloohm(), np.array([1.1, 0.0]), source_siemens=siemens)
    assert free.line_volts == pytest.approx([1.0, 0.0], rel=1e-12)
    held = settle(one_kiloohm(), np.array([1.1, 0.0]), source_siemens=siemens, line_amperes=[4e-4, 1.0])
    assert held.line_volts == pytest.approx([0.4, 0.0], rel=1e-8)


def test_the_compliance_of_a_vector_leaves_the_others_of_its_batch():
    sources = np.array([[0.1, 0.0], [1.0, 0.0]])
    answer = settle(one_kiloohm(), sources, line_amperes=[4e-4, 1.0])
    assert answer.limited.tolist() == [[False, False], [True, False]]
    assert answer.line_volts[0].tolist() == [0.1, 0.0]
    assert sources.tolist() == [[0.1, 0.0], [1.0, 0.0]]


@given(st.integers(0, 10_000), st.floats(1e-5, 1e-3))
@settings(max_examples=60)
def test_every_source_is_either_at_its_volts_or_at_its_limit(seed, bound):
    state, rng = small_state(seed=seed)
    sources = rng.uniform(-1, 1, 9)
    answer = settle(state.admittance, sources, line_amperes=bound)
    held = answer.limited
    assert np.abs(answer.line_amperes).max() <= bound * (1 + 1e-6)
    assert np.array_equal(answer.line_volts[~held], sources[~held])
    # A limited source gives its limit with the sign in which its voltage falls short.
    np.testing.assert_allclose(np.abs(answer.line_amperes[held]), bound, rtol=1e-6)
    short = np.sign(answer.line_amperes) * (sources - answer.line_volts)
    assert (short[held] >= -1e-9).all()
