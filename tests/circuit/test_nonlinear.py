import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from labmtj.circuit import PortState, Wires, operating_point, response_of, settle
from labmtj.device.mtj import Junctions
from labmtj.errors import ProcedureFailed, UsageError

NAN = np.nan


def junctions(shape, seed=0, half_volts=0.4):
    """Return the law of junctions of 3 kOhm, half of them with a magnetoresistance of 120 % that falls with bias."""
    rng = np.random.default_rng(seed)
    ratio = np.where(rng.random(shape[0] * shape[1]) < 0.5, 0.0, 1.2)

    def amperes(volts):
        return volts / (3e3 * (1 + ratio / (1 + (volts / half_volts) ** 2)))

    return amperes, 3e3 * (1 + ratio), rng


def array(shape=(6, 7), seed=0, segment=3.0, **settings):
    law, ohms, rng = junctions(shape, seed)
    wires = Wires.uniform(
        shape, row_segment_ohms=segment, column_segment_ohms=segment, row_lead_ohms=20, column_lead_ohms=20, **settings
    )
    return PortState(response_of(wires), ohms), wires, law, rng


def by_chords(nodes, wires, law, ohms, sources, siemens=None):
    """Solve by nodal analysis with chord resistances until they agree with the law: another method altogether."""
    chord, before = ohms, np.inf
    for _ in range(80):
        answer = nodes(wires, chord, sources, siemens)
        if np.abs(answer.cell_volts - before).max() < 1e-13:
            break
        chord, before = answer.cell_volts / law(answer.cell_volts), answer.cell_volts
    return answer


def assert_agree(point, expected):
    np.testing.assert_allclose(point.cell_volts, expected.cell_volts, rtol=0, atol=1e-9)
    np.testing.assert_allclose(point.cell_amperes, expected.cell_amperes, rtol=0, atol=1e-11)
    np.testing.assert_allclose(point.line_amperes, expected.line_amperes, rtol=0, atol=1e-11)
    np.testing.assert_allclose(point.line_volts, expected.line_volts, rtol=0, atol=1e-8)


def test_a_cell_behind_a_resistor_is_where_its_load_line_crosses():
    wires = Wires(np.zeros((1, 0)), np.zeros((1, 0)), [[500, np.inf]], [[np.inf, 400]], 100.0)
    state = PortState(response_of(wires), [1e3])
    crossing = brentq(lambda volts: (0.9 - volts) / 1e3 - (volts / 1e3 + volts**3 / 1e4), 0, 0.9, xtol=1e-15)
    point = operating_point(state, np.array([0.9, 0.0]), lambda volts: volts / 1e3 + volts**3 / 1e4)
    assert point.cell_volts[0] == pytest.approx(crossing, abs=1e-10)
    assert point.line_amperes == pytest.approx([(0.9 - crossing) / 1e3, (crossing - 0.9) / 1e3], rel=1e-9)


def test_linear_cells_give_the_linear_answer():
    state, _, _, rng = array()
    volts = rng.uniform(-1, 1, 13)
    point = operating_point(state, volts, lambda across: across / state.cell_ohms)
    np.testing.assert_allclose(point.line_amperes, state.currents(volts), rtol=1e-12)
    np.testing.assert_allclose(point.cell_volts, state.cell_volts(volts), rtol=1e-12)


@given(st.integers(0, 1000), st.booleans())
@settings(max_examples=25)
def test_driven_arrays_agree_with_chord_iteration(nodes, seed, both):
    state, wires, law, rng = array(seed=seed, row_ends="both" if both else "left")
    sources = rng.uniform(-0.5, 0.5, 13)
    expected = by_chords(nodes, wires, law, state.cell_ohms, sources)
    assert_agree(operating_point(state, sources, law), expected)


@given(st.integers(0, 1000))
@settings(max_examples=25)
def test_floating_lines_and_soft_sources_agree_with_chord_iteration(nodes, seed):
    state, wires, law, rng = array(seed=seed)
    sources = np.where(rng.random(13) < 0.4, NAN, rng.uniform(-0.6, 0.6, 13))
    sources[[0, 12]] = [0.6, 0.0]
    siemens = np.where(rng.random(13) < 0.5, np.inf, rng.uniform(1e-3, 1e-2, 13))
    siemens[12] = np.inf
    expected = by_chords(nodes, wires, law, state.cell_ohms, sources, siemens)
    assert_agree(operating_point(state, sources, law, source_siemens=siemens), expected)


def test_the_bits_of_an_answer_do_not_depend_on_its_batch():
    state, _, law, rng = array((15, 15))
    sources = rng.uniform(-0.4, 0.4, (40, 30)) * rng.uniform(0.01, 1, (40, 1))  # some settle early, some late
    sources[5:10, 3:8] = NAN
    together, order = operating_point(state, sources, law, line_amperes=6e-4), rng.permutation(40)
    assert together.limited.any()
    shuffled = operating_point(state, sources[order], law, line_amperes=6e-4)
    for whole, moved in zip(together, shuffled, strict=True):
        assert np.array_equal(whole[order], moved)
    for number, vector in enumerate(sources):
        alone = operating_point(state, vector, law, line_amperes=6e-4)
        assert all(np.array_equal(whole[number], one) for whole, one in zip(together, alone, strict=True))


def test_a_warm_start_needs_fewer_passes_to_the_same_answer():
    state, _, law, rng = array()
    sources = rng.uniform(-0.5, 0.5, 13)
    calls = []

    def counted(volts):
        calls.append(1)
        return law(volts)

    cold = operating_point(state, sources, counted)
    cold_calls = len(calls)
    warm = operating_point(state, sources, counted, start_volts=cold.cell_volts)
    assert len(calls) - cold_calls == 1 < cold_calls
    np.testing.assert_allclose(warm.cell_volts, cold.cell_volts, rtol=0, atol=1e-10)


@pytest.mark.parametrize("with_slope", [False, True])
def test_newton_takes_over_where_the_fixed_point_runs_away(with_slope):
    # 100 Ohm of wire in front of a diode-like law that falls from 10 kOhm to 1 Ohm: each pass overshoots.
    state, _, _, _ = array((3, 3), segment=100.0)
    scale = 0.05

    def law(volts):
        return scale / state.cell_ohms * np.sinh(volts / scale)

    def slope(volts):
        return np.cosh(volts / scale) / state.cell_ohms

    sources = np.array([1.0, 0.2, NAN, 0.0, -0.3, NAN])
    point = operating_point(state, sources, law, cell_siemens=slope if with_slope else None)
    np.testing.assert_allclose(law(point.cell_volts), point.cell_amperes, rtol=1e-5, atol=1e-12)
    drops = state.wires.full_impedance @ point.cell_amperes
    np.testing.assert_allclose(point.cell_volts + drops, state.wires.incidence @ point.line_volts, rtol=0, atol=1e-9)
    assert np.abs(point.line_amperes[[2, 5]]).max() < 1e-9
    assert point.cell_volts.max() > 5 * scale


@pytest.mark.parametrize("floating", [False, True])
@pytest.mark.parametrize("batch", [1, 3])
def test_answers_are_right_and_silent_where_the_first_path_diverges(nodes, batch, floating):
    """Case B7: 1.5 V across cells of TMR 600 % at the end of long wires; the passes overflow before Newton takes over."""
    diverged = 0
    for seed in (4, 5, 7, 8, 10, 14):
        draw = np.random.default_rng(seed)
        shape, segment = (9, 8), draw.uniform(20, 50)
        wires = Wires.uniform(
            shape, row_segment_ohms=segment, column_segment_ohms=segment, row_lead_ohms=100, column_lead_ohms=100
        )
        cells = Junctions.ideal(shape, draw.uniform(300, 900, 72), 6.0, half_volts=0.35, quadratic_volts=1.0)
        conduction = cells.conduction(draw.random(72) < 0.3)
        sources = np.where(draw.random((batch, 17)) < 0.5, 1.5, -1.5)
        if floating:
            sources[:, 3] = NAN
        asked = []

        def law(volts, conduction=conduction, asked=asked):
            asked.append(np.abs(volts).max())
            return conduction.amperes(volts)

        state = PortState(response_of(wires), conduction.zero_bias_ohms)
        point = operating_point(
            state, sources[0] if batch == 1 else sources, law, cell_siemens=conduction.differential_siemens
        )  # warnings are errors here
        diverged += max(asked) > 1e3
        for number, line_volts in enumerate(sources):
            volts, amperes = np.atleast_2d(point.cell_volts)[number], np.atleast_2d(point.cell_amperes)[number]
            np.testing.assert_allclose(conduction.amperes(volts), amperes, rtol=1e-7, atol=1e-12)
            answer = nodes(wires, volts / amperes, line_volts)  # the linear network of these very resistances
            np.testing.assert_allclose(volts, answer.cell_volts, rtol=0, atol=1e-8)
            np.testing.assert_allclose(np.atleast_2d(point.line_amperes)[number], answer.line_amperes, atol=1e-10)
    assert diverged >= 2


def test_cells_without_an_operating_point_are_named():
    state, _, _, _ = array((2, 2), segment=100.0)

    def leaping(volts):
        return volts / 3e3 + np.where(np.abs(volts) > 0.1, np.sign(volts) * 1e-2, 0.0)

    with pytest.raises(ProcedureFailed, match=r"vector 1: the cell voltages do not settle, .* V are left"):
        operating_point(state, np.array([[0.0] * 4, [0.4, 0.3, 0.0, 0.0]]), leaping)


def test_a_limited_source_holds_its_current_into_the_nonlinear_array():
    state, _, law, _ = array()
    sources = np.zeros(13)
    sources[[2, 9]] = [0.5, -0.5]
    bounds = np.full(13, 1.0)
    bounds[2] = 1e-4
    free, held = operating_point(state, sources, law), operating_point(state, sources, law, line_amperes=bounds)
    assert not free.limited.any()
    assert np.flatnonzero(held.limited).tolist() == [2]
    assert held.line_amperes[2] == pytest.approx(1e-4, rel=1e-6)
    assert held.line_volts[2] < 0.5
    # The voltage it ends at, applied by a stiff source, gives the same array.
    again = operating_point(state, held.line_volts, law)
    np.testing.assert_allclose(again.cell_volts, held.cell_volts, rtol=0, atol=1e-9)


def test_at_low_bias_the_limits_are_those_of_the_linear_array():
    state, _, law, rng = array()
    sources = rng.uniform(-1e-4, 1e-4, 13)
    point = operating_point(state, sources, law, line_amperes=5e-8)
    linear = settle(state.admittance, sources, line_amperes=5e-8)
    assert linear.limited.any()
    assert np.array_equal(point.limited, linear.limited)
    np.testing.assert_allclose(point.line_amperes, linear.line_amperes, rtol=1e-5, atol=1e-14)


def test_a_wrong_number_of_lines_is_refused():
    state, _, law, _ = array()
    with pytest.raises(UsageError, match=r"the array has 13 lines; got voltages of shape \(12,\)"):
        operating_point(state, np.zeros(12), law)
