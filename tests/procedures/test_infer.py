"""Vector-matrix products: three modes that must agree, a baseline that takes offsets out, inputs that are checked."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmtj.errors import ProcedureFailed, SettingError, UsageError
from labmtj.layer import Layer
from labmtj.network import Block
from labmtj.quantities import ArrayInfo, Limits, Refusal
from labmtj.simulated import MeterModel, MeterRange
from procedures.common.infer import InferSettings, Multiplier, pair_difference

BLOCK = Block(1, 2, 13, 12)
READ_VOLTS = 0.1
NOISE = 1e-5
"""of full scale, an upper bound: thermal and shot noise of the cells is 1e-6"""


@pytest.fixture
def multiplier(spread_array):
    """Return a function that makes a multiplier of a random matrix in 3 kohm cells."""

    def build(mode="simultaneous", block=BLOCK, meter=None, bits=6, baseline_reads=4, **cells):
        crossbar = spread_array(3000.0, sigma_ohms=0.05, meter=meter, **cells)
        snapshot = crossbar.snapshot()
        snapshot["array"]["state"] = np.random.default_rng(8).random(225) < 0.5
        crossbar.restore(snapshot)
        settings = InferSettings(mode=mode, read_volts=READ_VOLTS, bits=bits, baseline_reads=baseline_reads)
        return Multiplier(crossbar, block, settings, range_amperes=1e-3)

    return build


@pytest.fixture
def inputs():
    return np.random.default_rng(9).uniform(-1, 1, (5, BLOCK.rows))


def full_scale(amperes):
    return np.abs(amperes).max()


def test_a_column_beyond_the_range_is_refused_by_name(multiplier, inputs):
    short_range = MeterModel((MeterRange(1e-5, 0.0, 0.0, 0.0), MeterRange(1.0, 0.0, 0.0, 0.0)))
    made = replace(multiplier(meter=short_range), range_amperes=1e-5)
    with pytest.raises(ProcedureFailed, match=r"column 2 carries more than .* \(1e-05 A\)"):
        made.transfer()


def offset_meter():
    """Sources off by up to 1 mV: 1 % of the read voltage."""
    return MeterModel((MeterRange(1.0, 0.0, 0.0, 0.0),), resolution_fraction=0.0, source_offset_volts=3e-3)


def test_rows_together_and_one_by_one_agree_on_linear_cells(multiplier, inputs):
    made = multiplier()
    together, alone = made.simultaneous(inputs), inputs @ made.transfer() * READ_VOLTS
    np.testing.assert_allclose(together, alone, atol=NOISE * full_scale(alone))


def test_rows_together_and_one_by_one_agree_within_the_non_linearity(multiplier, inputs):
    """The TMR halves at 0.4 V: at 0.1 V the AP conductance has risen by a few per cent, which inputs below 1 do not."""
    made = multiplier(half_volts=0.4)
    together, alone = made.simultaneous(inputs), inputs @ made.transfer() * READ_VOLTS
    difference = np.abs(together - alone).max() / full_scale(alone)
    assert 1e-5 < difference < 0.05


def test_the_transfer_matrix_of_cells_without_loaded_lines_is_their_conductance(multiplier):
    """Wires take 2 to 20 % of 3 kohm cells, and give nothing."""
    made = multiplier()
    states = made.crossbar.array.state.reshape(15, 15)[1:14, 2:14]
    ohms = made.crossbar.array.cells.parallel_ohms.reshape(15, 15)[1:14, 2:14] * np.where(states, 1, 2)
    ratio = made.transfer() * ohms
    assert (ratio < 1).all()
    assert (ratio > 0.75).all()


@pytest.mark.parametrize("bits", [3, 6, 10])
def test_bit_by_bit_agrees_within_the_quantisation(multiplier, inputs, bits):
    made = multiplier("bit_serial", bits=bits)
    baseline = made.baseline()
    whole = made.simultaneous(inputs) - baseline
    step = 0.5 / (2**bits - 1)  # largest rounding error of an input
    largest = step * READ_VOLTS * np.abs(made.transfer()).sum(axis=0)
    error = np.abs(made.multiply(inputs, baseline) - whole)
    assert (error <= largest + NOISE * full_scale(whole)).all()
    assert error.max() > largest.max() / 50


def test_inputs_on_the_grid_of_bits_are_exact(multiplier):
    made = multiplier("bit_serial", bits=3)
    inputs = np.random.default_rng(3).integers(-7, 8, (4, BLOCK.rows)) / 7
    whole = made.simultaneous(inputs)
    np.testing.assert_allclose(made.multiply(inputs, np.zeros(BLOCK.columns)), whole, atol=NOISE * full_scale(whole))


def test_the_baseline_takes_the_offset_of_the_sources_out(multiplier, inputs):
    clean, offset = multiplier(), multiplier(meter=offset_meter())
    truth = clean.multiply(inputs, np.zeros(BLOCK.columns))
    kept = offset.multiply(inputs, np.zeros(BLOCK.columns))
    removed = offset.multiply(inputs, offset.baseline())
    assert np.abs(kept - truth).max() > 0.003 * full_scale(truth)
    np.testing.assert_allclose(removed, truth, atol=NOISE * full_scale(truth))


@pytest.mark.parametrize("mode", ["transfer", "bit_serial"])
def test_the_other_modes_are_free_of_the_offset_too(multiplier, mode):
    inputs = np.random.default_rng(3).integers(-63, 64, (4, BLOCK.rows)) / 63
    clean, offset = multiplier(mode), multiplier(mode, meter=offset_meter())
    truth = clean.multiply(inputs, np.zeros(BLOCK.columns))
    np.testing.assert_allclose(offset.multiply(inputs, offset.baseline()), truth, atol=NOISE * full_scale(truth))


def test_without_baseline_reads_the_baseline_is_zero_and_costs_nothing(multiplier):
    made = multiplier(meter=offset_meter(), baseline_reads=0)
    before = made.crossbar.clock.now()
    np.testing.assert_array_equal(made.baseline(), np.zeros(BLOCK.columns))
    assert made.crossbar.clock.now() == before


def test_multiply_takes_the_mode_of_the_settings(multiplier, inputs):
    """Cells far from linear tell the modes apart."""
    baseline = np.zeros(BLOCK.columns)
    found = {
        mode: multiplier(mode, half_volts=0.2, bits=3).multiply(inputs, baseline)
        for mode in ("simultaneous", "transfer", "bit_serial")
    }
    made = multiplier(half_volts=0.2, bits=3)
    expected = {
        "simultaneous": made.simultaneous(inputs),
        "transfer": inputs @ made.transfer() * READ_VOLTS,
        "bit_serial": made.bit_serial(inputs, baseline),
    }
    scale = full_scale(expected["simultaneous"])
    for mode, product in found.items():
        for other, reference in expected.items():
            assert (np.abs(product - reference).max() < NOISE * scale) == (mode == other)


@pytest.mark.parametrize("mode", ["simultaneous", "transfer", "bit_serial"])
@pytest.mark.parametrize("shape", [(13,), (2, 12), (2, 15)])
def test_inputs_of_another_shape_are_refused(multiplier, mode, shape):
    with pytest.raises(UsageError, match="13 rows"):
        multiplier(mode).multiply(np.zeros(shape), np.zeros(BLOCK.columns))


@pytest.mark.parametrize("mode", ["simultaneous", "transfer", "bit_serial"])
@pytest.mark.parametrize("value", [1.01, -1.01, np.nan])
def test_inputs_beyond_one_are_refused(multiplier, mode, value):
    inputs = np.zeros((2, BLOCK.rows))
    inputs[1, 3] = value
    with pytest.raises(UsageError, match=r"\[-1, 1\]"):
        multiplier(mode).multiply(inputs, np.zeros(BLOCK.columns))


def test_a_read_that_may_disturb_is_refused_with_its_key():
    info = ArrayInfo("x", (2, 2), 1e-4, 1e-4, 5e-8, np.ones((2, 2)), Limits(disturb_volts=0.09))
    with pytest.raises(SettingError) as refused:
        InferSettings().check(info, "infer")
    assert "read_volts" in str(refused.value)


@given(st.integers(1, 6), st.integers(0, 3))
def test_pairs_give_the_weights_back(pairs, seed):
    weights = np.random.default_rng(seed).integers(-1, 2, (3, pairs))
    columns = np.full((3, 2 * pairs), 1e-4)
    columns[:, 0::2] += np.maximum(weights, 0) * 2e-4
    columns[:, 1::2] += np.maximum(-weights, 0) * 2e-4
    np.testing.assert_allclose(pair_difference(columns * 0.1, 0.1, 2e-4), weights, atol=1e-12)


class TwoChannels(Layer):
    """A bench that cannot hold different voltages on many rows."""

    def refusal(self, bias, seconds=0.0):
        return (
            None if len(np.unique(bias.row_volts)) <= 2 else Refusal("no channel is left", "take the transfer matrix")
        )


def test_the_way_follows_from_what_the_bench_can(multiplier):
    """Taken for granted, all rows at once were refused on two channels, an hour into the run."""
    made = multiplier("auto")
    assert made.way == "simultaneous"
    assert replace(made, crossbar=TwoChannels(made.crossbar)).way == "transfer"
    assert replace(multiplier("bit_serial"), crossbar=TwoChannels(made.crossbar)).way == "bit_serial"
