from dataclasses import replace

import numpy as np
import pytest

from labmtj.bench.files.wiring import Channel
from labmtj.errors import CannotDo, InstrumentError, UsageError
from labmtj.network import Block
from labmtj.quantities import Bias, Flag, Limits, Lines, ReadSettings
from procedures.common.infer import InferSettings, Multiplier
from procedures.common.reference import Outcome, ReferenceSettings, read_cells, reference_maps
from procedures.common.schemes import inputs_on_rows, select_cells, select_in_rows, select_rows
from procedures.common.write import WriteSettings, write_matrix

BOTH = ReadSettings(polarity="both")


def columns(shape):
    return Lines(columns=tuple(range(shape[1])))


def test_a_read_map_on_two_channels_gives_the_dense_answer(bench, dense):
    crossbar, world = bench()
    bias = select_rows(crossbar.shape, np.arange(4), 0.1)
    currents = crossbar.measure(bias, columns(crossbar.shape), BOTH)
    np.testing.assert_allclose(currents.amperes, dense(world, bias.line_volts)[:, 4:], rtol=1e-10)
    assert not currents.flags.any()
    assert not world.wrongs
    assert (currents.amperes > 0).all(), "a positive row drives current out of the columns"
    np.testing.assert_array_equal(currents.volts[:, 0], bias.line_volts[:, 4:])


OFFSETS = {1e-6: 3e-9, 1e-5: -8e-9, 1e-4: 2e-7, 1e-3: -5e-7}
"""by range, ampere"""


def ranging(run_shots, even_amperes):
    """Return a unit's shots as an autorange would show them: each range has an offset, all see an even current."""

    def run(shots):
        answer = run_shots(shots)
        amperes = answer.amperes + even_amperes
        scales = np.array(list(OFFSETS))
        fitting = scales[np.searchsorted(scales, np.abs(amperes))]
        used = fitting if shots.range_amperes is None else np.full(amperes.shape, shots.range_amperes)
        return replace(answer, amperes=amperes + np.vectorize(OFFSETS.get)(used), range_amperes=used)

    return run


def test_both_polarities_are_read_on_one_range_for_only_then_do_offsets_cancel(bench, dense):
    """Between the rows flow some 0.4 uA: with 0.8 uA beside them one sign is read on 10 uA, the other on 1 uA."""
    crossbar, world = bench()
    unit = crossbar.units["smu"]
    unit.run_shots = ranging(unit.run_shots, 8e-7)
    bias = select_rows(crossbar.shape, np.arange(4), 0.1)
    every = Lines((0, 1, 2, 3), (0, 1, 2, 3, 4))
    currents = crossbar.measure(bias, every, ReadSettings(polarity="both", repeats=2))
    np.testing.assert_allclose(currents.amperes, dense(world, bias.line_volts), atol=1e-13)
    assert (np.ptp(currents.range_amperes, axis=1) == 0).all()
    assert {1e-5, 1e-4} <= set(currents.range_amperes.ravel().tolist()), "values keep ranges of their own"


def test_rows_are_read_too_with_the_channel_that_drives_them(bench, dense):
    crossbar, world = bench()
    bias = select_rows(crossbar.shape, [2], 0.1)
    before = world.messages["smu"]
    currents = crossbar.measure(bias, Lines(rows=(2, 0), columns=(1,)), ReadSettings())
    np.testing.assert_allclose(currents.amperes, dense(world, bias.line_volts)[:, [2, 0, 5]], rtol=1e-10)
    assert world.messages["smu"] - before == 2, "the driven row together with one other line, then the last"


def test_every_start_is_within_the_operation_and_rises_with_the_shots(bench):
    crossbar, world = bench()
    begun = world.now()
    currents = crossbar.measure(select_rows(crossbar.shape, [0], 0.1), Lines(columns=(1,)), ReadSettings(repeats=3))
    starts = currents.start_seconds[0, :, 0]
    assert begun < starts[0]
    np.testing.assert_allclose(np.diff(starts), 0.02 + 0.001)
    assert starts[-1] + 0.02 <= world.now()


def test_a_transfer_matrix_and_a_baseline_are_read_by_the_same_channel(bench, dense):
    crossbar, world = bench()
    crossbar.measure(select_rows(crossbar.shape, np.arange(4), 0.1), columns(crossbar.shape), BOTH)
    crossbar.measure(Bias(np.zeros(4), np.zeros(5)), columns(crossbar.shape), ReadSettings())
    for column in range(5):
        assert world.closures[2, 2, 1 + column] == 0, "row 2 of the matrix drives, row 3 reads"
        assert world.closures[2, 3, 1 + column] >= 1


def test_thirteen_voltages_on_two_channels_are_refused_with_the_way_out(bench):
    crossbar, world = bench(shape=(13, 5))
    inputs = np.linspace(0.01, 0.1, 13)
    bias = Bias(inputs, np.zeros(5))
    refusal = crossbar.refusal(bias)
    assert "no channel is left for 0.025 V on row 2 (matrix.1.3)" in str(refusal)
    assert "transfer" in refusal.remedy
    messages = dict(world.messages)
    with pytest.raises(CannotDo, match="was not applied"):
        crossbar.measure(bias, columns(crossbar.shape), ReadSettings())
    assert world.messages == messages


def test_two_voltages_can_be_held_but_not_read(bench):
    crossbar, _ = bench()
    bias = Bias([0.1, 0.05, 0, 0], np.zeros(5))
    assert crossbar.refusal(bias) is None
    with pytest.raises(CannotDo, match=r"while column 3 \(matrix.2.4\) is read"):
        crossbar.measure(bias, Lines(columns=(3,)), ReadSettings())


def test_a_rack_multiplies_by_thirteen_voltages_at_once(bench, dense, wirings):
    crossbar, world = bench(wirings[1]())
    inputs = np.random.default_rng(3).uniform(-1, 1, (20, 13))
    bias = inputs_on_rows(crossbar.shape, range(inputs.shape[1]), 0.1 * inputs)
    moved = crossbar.switching.moved
    currents = crossbar.measure(bias, columns(crossbar.shape), ReadSettings())
    np.testing.assert_allclose(currents.amperes, dense(world, bias.line_volts)[:, 15:], rtol=1e-9)
    assert crossbar.switching.moved - moved == 2 + 14 * 4, "order is free: each column is put on its channel once"
    assert not world.wrongs


def test_an_ordered_batch_is_read_bias_by_bias(bench, wirings):
    crossbar, _ = bench(wirings[1]())
    volts = np.full((3, 15), 0.0)
    volts[:, 0] = [0.1, 0.05, 0.02]
    currents = crossbar.measure(Bias(volts, np.zeros(15)), columns(crossbar.shape), ReadSettings())
    starts = currents.start_seconds[:, 0]
    assert (starts.max(axis=1)[:-1] < starts.min(axis=1)[1:]).all()


def test_a_lines_tie_to_ground_or_to_a_channel_is_named(bench, wirings):
    crossbar, _ = bench(wirings[1]())
    volts = np.zeros(15)
    volts[14] = 0.1
    assert "row 14 (ground) is tied to ground" in str(crossbar.refusal(Bias(volts, np.zeros(15))))
    volts[14], volts[3] = 0.0, np.nan
    assert "row 3 (smu2.b) is wired to its channel and cannot float" in str(crossbar.refusal(Bias(volts, np.zeros(15))))


def test_bit_serial_and_transfer_products_agree_with_the_linear_array(bench):
    crossbar, world = bench(shape=(4, 6))
    block = Block(0, 0, 4, 6)
    inputs = np.array([[1, -1, 1, 0.0], [0, 1, 0, -1]])
    settings = InferSettings(mode="bit_serial", bits=1)
    multiplier = Multiplier(crossbar, block, settings, 1e-3)
    serial = multiplier.multiply(inputs, multiplier.baseline())
    transfer = inputs @ multiplier.transfer() * settings.read_volts
    np.testing.assert_allclose(serial, transfer, rtol=1e-9, atol=1e-15)
    assert not world.wrongs


def test_a_half_selected_pulse_is_delivered_in_the_steps_of_the_unit(bench):
    crossbar, world = bench()
    bias = select_cells(crossbar.shape, np.array([[1, 2], [1, 3]]), 0.6)
    pulse = crossbar.pulse(bias, 1e-3)
    assert pulse.delivered.line_volts.shape == (2, 4, 9)
    np.testing.assert_allclose(pulse.delivered.step_seconds, [[1e-5, 1e-3, 1e-5, 1e-5]] * 2)
    row, column = pulse.delivered.line_volts[0, :, 1], pulse.delivered.line_volts[0, :, 4 + 2]
    np.testing.assert_array_equal(row, [0.3, 0.3, 0, 0])
    np.testing.assert_array_equal(column, [0, -0.3, -0.3, 0])
    others = np.delete(pulse.delivered.line_volts[0], [1, 6], axis=1)
    assert (others == 0).all()
    assert (np.diff(pulse.start_seconds) > 0).all()
    assert not world.wrongs


def test_floating_lines_stay_floating_in_what_is_delivered(bench):
    crossbar, world = bench()
    bias = Bias([0.3, 0, np.nan, 0], [-0.3, np.nan, 0, 0, 0])
    pulse = crossbar.pulse(bias, 1e-3)
    assert np.isnan(pulse.delivered.line_volts[0][:, [2, 5]]).all()
    assert not np.isnan(np.delete(pulse.delivered.line_volts[0], [2, 5], axis=1)).any()
    assert all(point[0::2] not in {(1, 3), (2, 2)} for point in world.closed), "no relay of a floating line is closed"


def test_row_parallel_half_selects_take_one_channel_for_all_columns(bench):
    crossbar, world = bench(state=np.zeros((4, 5), bool))
    chosen = np.array([[True, False, True, True, False]])
    crossbar.pulse(select_in_rows(np.array([2]), chosen, 0.33, -0.33, crossbar.shape), 1e-3)
    assert world.state.sum() == 3
    np.testing.assert_array_equal(world.state[2], chosen[0])
    assert world.messages["smu"] == 2 + 2 * 2 + 1, "off, levels, limits and outputs, the pulse"


def whole_row(crossbar):
    """Five columns at -0.3 V: 0.6 V to the driven row, 0.3 V to the three others; cells of 0.2 mS draw 1.5 mA in all."""
    return select_in_rows(np.array([0]), np.ones((1, 5), bool), 0.3, -0.3, crossbar.shape)


def test_the_limit_of_a_shared_channel_grows_with_its_lines_and_comes_back(bench):
    crossbar, world = bench(limits=Limits(line_amperes=1.2e-3), shape=(4, 5))
    crossbar.pulse(whole_row(crossbar), 1e-3)
    high, low = (world.limit[Channel("smu", name)] for name in "ab")
    assert high == 1.2e-3
    assert 1.5 * 1.5e-3 <= low == 2 * 1.2e-3
    crossbar.measure(select_rows(crossbar.shape, [0], 0.01), Lines(columns=(0,)), ReadSettings())
    assert world.limit[Channel("smu", "b")] == 1.2e-3


def test_a_shared_channel_never_gets_more_than_its_lines_survive_together(bench):
    """Doubled until it held 1.5 times 1.5 mA, the limit was 2.56 mA: 0.51 mA for each of five lines that bear 0.32."""
    crossbar, world = bench(limits=Limits(line_amperes=3.2e-4), shape=(4, 5))
    crossbar.pulse(whole_row(crossbar), 1e-3)
    assert world.limit[Channel("smu", "b")] == pytest.approx(5 * 3.2e-4)


def test_lines_that_need_more_than_they_survive_are_refused_before_anything_is_sent(bench):
    crossbar, world = bench(limits=Limits(line_amperes=2e-4), shape=(4, 5))
    messages = dict(world.messages)
    assert "5 lines on channel smu.b would draw 0.0015 A" in str(crossbar.refusal(whole_row(crossbar)))
    with pytest.raises(CannotDo, match=r"limits\.line_amperes.*was not applied"):
        crossbar.pulse(whole_row(crossbar), 1e-3)
    with pytest.raises(CannotDo, match=r"limits\.line_amperes.*was not applied"):
        crossbar.measure(whole_row(crossbar), Lines(rows=(0,)), ReadSettings())
    assert world.messages == messages


def test_a_short_on_one_of_many_lines_draws_what_the_others_leave_and_is_flagged(bench):
    """What the limit does not promise: the one column carries more than a line may, for five share the channel."""
    crossbar, world = bench(limits=Limits(line_amperes=1.2e-3), shape=(4, 5))
    world.line_shorts.append((3, 4 + 1))
    pulse = crossbar.pulse(whole_row(crossbar), 1e-3)
    assert (pulse.flags[0, 4:] == Flag.COMPLIANCE).all()
    assert world.limit[Channel("smu", "b")] == 2 * 1.2e-3 <= 5 * 1.2e-3


def test_compliance_is_flagged_and_the_voltage_then_unknown(bench):
    crossbar, _ = bench(limits=Limits(line_amperes=1e-5))
    currents = crossbar.measure(select_rows(crossbar.shape, [0], 0.1), Lines(rows=(0,)), ReadSettings())
    assert currents.flags[0, 0, 0] == Flag.COMPLIANCE
    assert np.isnan(currents.volts[0, 0, 0])
    pulse = crossbar.pulse(select_rows(crossbar.shape, [0], 0.5), 1e-3)
    assert pulse.flags[0, 0] == Flag.COMPLIANCE
    assert not pulse.flags[0, 1:].any()


def test_a_pulse_that_is_too_short_is_refused_by_name(bench):
    crossbar, world = bench()
    bias = select_cells(crossbar.shape, np.array([[0, 0]]), 0.6)
    assert "too short for smu at TEST::smu: the shortest is 0.0001 s" in str(crossbar.refusal(bias, 1e-6))
    messages = dict(world.messages)
    with pytest.raises(CannotDo, match="was not applied"):
        crossbar.pulse(bias, 1e-6)
    assert world.messages == messages


def test_two_units_give_a_pulse_by_messages_and_say_when(bench, wirings, dense):
    crossbar, world = bench(wirings[0]((4, 5), channels=(("one", "1"), ("two", "1"))))
    bias = select_cells(crossbar.shape, np.array([[1, 2]]), 0.66)
    assert "one and two" in str(crossbar.refusal(bias, 1e-3))
    pulse = crossbar.pulse(bias, 0.02)
    widths = pulse.delivered.step_seconds[0]
    assert len(widths) == 4
    assert widths[1] >= 0.02
    np.testing.assert_array_equal(pulse.delivered.line_volts[0, :, 1], [0.33, 0.33, 0.33, 0])
    np.testing.assert_array_equal(pulse.delivered.line_volts[0, :, 6], [0, -0.33, 0, 0])
    bias = select_rows(crossbar.shape, np.arange(4), 0.1)
    currents = crossbar.measure(bias, columns(crossbar.shape), BOTH)
    np.testing.assert_allclose(currents.amperes, dense(world, bias.line_volts)[:, 4:], rtol=1e-10)
    assert not world.wrongs


def test_one_unit_times_a_short_pulse_while_another_holds_what_disturbs_nothing(bench, wirings):
    crossbar, world = bench(wirings[0]((4, 5), channels=(("one", "1"), ("two", "1"))))
    bias = select_cells(crossbar.shape, np.array([[1, 2], [3, 0]]), [0.28, -0.28])
    assert crossbar.refusal(bias, 1e-4) is None
    begun = world.now()
    pulse = crossbar.pulse(bias, 1e-4)
    seconds, volts = pulse.delivered.step_seconds, pulse.delivered.line_volts
    across = volts[:, :, :4, np.newaxis] - volts[:, :, np.newaxis, 4:]
    for number, (row, column) in enumerate([(1, 2), (3, 0)]):
        whole = np.isclose(np.abs(across[number, :, row, column]), 0.28)
        np.testing.assert_allclose(seconds[number, whole].sum(), 1e-4)
        assert np.abs(across[number, ~whole]).max() <= 0.14
        assert seconds[number, ~whole].sum() > 3e-3, "a level, a look and the message of the pulse"
    assert seconds.sum() + pulse.start_seconds[0] - begun <= world.now() - begun
    assert not world.wrongs


def test_a_short_on_the_side_that_holds_is_flagged(bench, wirings):
    # without the look at the units that hold, only the one that times the pulse could tell
    crossbar, _ = bench(wirings[0]((4, 5), channels=(("one", "1"), ("two", "1"))), limits=Limits(line_amperes=1e-5))
    crossbar.switching.route(crossbar.router.rest())
    pulse = crossbar.pulse(select_cells(crossbar.shape, np.array([[1, 2]]), 0.28), 1e-3)
    assert pulse.flags[0, 1] == pulse.flags[0, 4 + 2] == Flag.COMPLIANCE


def test_units_step_down_in_reverse_so_that_an_inhibit_outlasts_what_it_inhibits(bench, wirings):
    # with the order of stepping up kept for stepping down, row 1 alone would put 0.54 V on cells that shall see a third
    crossbar, _ = bench(wirings[1]((4, 5), direct=4))
    pulse = crossbar.pulse(select_cells(crossbar.shape, np.array([[1, 2]]), 0.54, "third"), 0.02)
    volts = pulse.delivered.line_volts[0]
    across = np.abs(volts[:, :4, np.newaxis] - volts[:, np.newaxis, 4:])
    across[:, 1, 2] = 0
    assert across.max() <= 0.36 + 1e-12


def test_two_units_do_not_need_messages_where_one_does_all(bench, wirings):
    crossbar, world = bench(wirings[0]((4, 5), channels=(("one", "1"), ("two", "1"))))
    before = dict(world.messages)
    pulse = crossbar.pulse(select_rows(crossbar.shape, [1, 1], 0.5), 1e-3)
    assert pulse.delivered.step_seconds.shape == (2, 2)
    assert world.messages["one"] + world.messages["two"] == before["one"] + before["two"] + 1


def test_a_ground_mode_needs_no_relay_for_lines_at_zero(bench, dense, wirings):
    crossbar, world = bench(wirings[0]((4, 5), ground=False, spare=1), grounds_open=True)
    assert not world.closed
    bias = select_rows(crossbar.shape, np.arange(4), 0.1)
    currents = crossbar.measure(bias, columns(crossbar.shape), BOTH)
    np.testing.assert_allclose(currents.amperes, dense(world, bias.line_volts)[:, 4:], rtol=1e-10)
    assert len(world.closed) == 2
    crossbar.pulse(Bias([0.3, np.nan, 0, 0], [-0.3, 0, 0, 0, 0]), 1e-3)
    assert (1, 7, 2) in world.closed, "a floating line lies on a bus that nothing feeds"
    assert "more lines are to float" in str(crossbar.refusal(Bias([0.3, np.nan, np.nan, 0], np.zeros(5))))
    assert not world.wrongs


def test_a_matrix_is_written_through_the_bench(bench):
    crossbar, world = bench(shape=(5, 6), segment_ohms=1.0, lead_ohms=5.0, limits=Limits(cell_volts=0.95))
    reference = reference_maps(crossbar, ReferenceSettings(initialise_volts=0.95))
    assert reference.usable.all()
    target = np.random.default_rng(1).random((5, 6)) < 0.5
    settings = WriteSettings(parallel_volts=0.68, antiparallel_volts=0.8)
    result = write_matrix(crossbar, target, reference, settings)
    assert result.fidelity == 1.0
    np.testing.assert_array_equal(world.state, target)
    assert not world.wrongs


def test_cells_on_rows_that_cannot_be_driven_count_in_no_fidelity(bench, wirings):
    # seen to fail with all cells addressed: the last row holds what it held, and 5 of 20 cells would be wrong
    limits = Limits(cell_volts=0.95)
    crossbar, world = bench(wirings[1]((4, 5), direct=3), segment_ohms=1.0, lead_ohms=5.0, limits=limits)
    reference = reference_maps(crossbar, ReferenceSettings(initialise_volts=0.95))
    assert (reference.outcome == np.where(np.arange(4)[:, np.newaxis] < 3, Outcome.WRITTEN, Outcome.OUTSIDE)).all()
    settings = WriteSettings(parallel_volts=0.68, antiparallel_volts=0.8, pulse_seconds=0.02)
    result = write_matrix(crossbar, np.ones((4, 5), bool), reference, settings)
    assert result.fidelity == 1.0
    assert (result.outcome == reference.outcome).all()
    assert not world.wrongs


def test_nothing_is_applied_before_the_bench_is_armed(bench):
    crossbar, world = bench(arm=False)
    with pytest.raises(UsageError, match="not armed"):
        crossbar.measure(select_rows(crossbar.shape, [0], 0.1), Lines(columns=(0,)), ReadSettings())
    assert not world.messages


def test_arming_opens_what_others_left_closed_and_never_under_voltage(bench):
    crossbar, world = bench(arm=False)
    world.closed |= {(1, 2, 1), (1, 4, 16), (2, 1, 3)}
    world.on[Channel("smu", "a")], world.volts[Channel("smu", "a")] = True, 0.4
    world.limit[Channel("smu", "a")] = 0.01
    crossbar.arm()
    assert world.closed == {(1, 1, row) for row in range(1, 5)} | {(2, 1, column) for column in range(1, 6)}
    assert not world.wrongs


def test_after_an_error_sources_are_brought_to_zero_before_a_relay_moves(bench, monkeypatch):
    crossbar, world = bench()
    unit = crossbar.units["smu"]

    def broken(shots):
        unit._set("a", 0.1)  # and there it stays
        raise InstrumentError("smu", "TEST", "timeout")

    with monkeypatch.context() as patch:
        patch.setattr(unit, "run_shots", broken)
        with pytest.raises(InstrumentError):
            crossbar.measure(select_rows(crossbar.shape, [0], 0.1), Lines(columns=(0,)), ReadSettings())
    read_cells(crossbar, 0.1, ReadSettings())
    assert not world.wrongs


@pytest.mark.parametrize("relays", ["hold", "open"])
def test_making_safe_goes_on_after_a_failure_and_tells_all(bench, wirings, relays):
    crossbar, world = bench(wirings[0]((4, 5), channels=(("one", "1"), ("two", "1"))))
    crossbar.relays_without_sources = relays
    crossbar.units["one"].dead = True
    with pytest.raises(InstrumentError, match="switch these off by hand") as caught:
        crossbar.make_safe()
    assert "one at TEST::one: does not answer" in str(caught.value)
    assert crossbar.units["two"].safe
    assert bool(world.closed) == (relays == "hold")
    opened = [("matrix", "make_safe")] * (relays == "open")
    order = [entry for entry in world.log if entry[-1] in ("level", "make_safe")][-4 - len(opened) :]
    assert order == [
        ("one", "level"),
        ("two", "level"),
        ("one", "make_safe"),
        ("two", "make_safe"),
        *opened,
    ]


def test_a_line_is_named_once_and_an_aperture_is_one_that_the_unit_has(bench):
    crossbar, _ = bench()
    bias = select_rows(crossbar.shape, [0], 0.1)
    with pytest.raises(UsageError, match="named twice"):
        crossbar.measure(bias, Lines(columns=(1, 1)), ReadSettings())
    with pytest.raises(CannotDo, match="smu at TEST::smu integrates from 2e-05 to"):
        crossbar.measure(bias, Lines(columns=(1,)), ReadSettings(aperture_seconds=1.0))
    with pytest.raises(UsageError, match="no range of smu at TEST::smu holds 5 A"):
        crossbar.measure(bias, Lines(columns=(1,)), ReadSettings(range_amperes=5.0))
    with pytest.raises(CannotDo, match="floats and cannot be read"):
        crossbar.measure(Bias([0.1, np.nan, 0, 0], np.zeros(5)), Lines(rows=(1,)), ReadSettings())
