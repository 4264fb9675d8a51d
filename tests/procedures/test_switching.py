"""Switching probability end to end: the hidden law of simulated cells behind wires and a noisy meter is found again."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import brentq

from labmtj.device.mtj import Defect
from labmtj.errors import ProcedureFailed, SettingError, UsageError
from labmtj.quantities import Limits
from labmtj.record import MemoryLog
from labmtj.simulated.meter import MeterModel, MeterRange
from procedures.common.single_cells import groups_sharing_no_line, spread_out
from procedures.switching.procedure import SwitchingProbability

NOISY = MeterModel(
    (MeterRange(1e-4, 2e-4, 2.5e-8, 5e-10), MeterRange(1e-3, 2e-4, 2e-7, 1e-9), MeterRange(1e-2, 2e-4, 2.5e-6, 3e-8)),
    source_gain_fraction=2e-4, source_offset_volts=4e-4,
)  # fmt: skip
"""as the data sheet of a 2602B, rounded"""


def true_medians(crossbar, cells, widths, state):
    """Return the line voltage at which half the pulses switch, (cells, widths), from the network and the law itself."""
    array, shape = crossbar.array, crossbar.shape
    array.restore(array.snapshot() | {"state": np.full(array.state.size, not state), "factorised_ohms": ()})
    answers = np.empty((len(cells), len(widths)))
    for number, (row, column) in enumerate(cells):

        def excess(volts, seconds, row=row, column=column):
            lines = np.zeros(sum(shape))
            signed = volts * (1 if state else -1) * array.cells.polarity
            lines[row], lines[shape[0] + column] = signed / 2, -signed / 2
            rate = array._law.rates(array._solve(lines).cell_volts)[row * shape[1] + column]
            return np.log(rate * seconds / np.log(2))

        answers[number] = [brentq(excess, 0.05, 1.2, args=(seconds,), xtol=1e-5) for seconds in widths]
    return answers


@pytest.mark.parametrize(
    ("hidden", "exponent"),
    [({"stability": 50.0, "exponent": 2}, 2), ({"stability": 40.0, "exponent": 1, "polarity": -1}, 1)],
)
def test_the_median_voltage_of_each_width_is_found_through_wires_and_a_noisy_meter(make, hidden, exponent):
    crossbar = make((8, 8), seed=4, meter=NOISY, **hidden)
    settings = SwitchingProbability(
        pulses=900 if exponent == 2 else 600, widths_seconds=[1e-4, 1e-3, 1e-2], count=2, exponent=exponent
    )
    result = settings.execute(crossbar, MemoryLog())
    assert not crossbar.array.state.any()  # left all-AP
    errors = []
    for direction, state in enumerate((True, False)):
        truth = true_medians(crossbar, result.cells, result.widths_seconds, state)
        found = result.curves[direction].median_volts
        errors.append(found / truth - 1)
        slope = np.polyfit(np.log10(result.widths_seconds), truth.T, 1)[0]
        np.testing.assert_allclose(result.slopes[direction].volts_per_decade, slope, rtol=0.10)
    # 12 curves of 300 or 200 pulses each: a standard error of 0.3 to 0.4 %
    assert np.sqrt(np.mean(np.square(errors))) < 0.006
    assert np.abs(errors).max() < 0.012
    assert result.comes_back.all()
    assert result.limited == 0
    assert all(test.together.exponent[0] in (0, exponent) for test in result.exponents)  # never the wrong one


def test_all_usable_cells_are_tried_and_no_more_than_a_diagonal_has_without_being_named(make):
    few = {"pulses": 40, "widths_seconds": [1e-3]}
    stuck = [((0, 1), Defect.STUCK_AP, 0.0)]
    result = SwitchingProbability(cells="all", **few).execute(make((3, 4), seed=1, defects=stuck), MemoryLog())
    assert sorted(map(tuple, result.cells.tolist())) == sorted({(r, c) for r in range(3) for c in range(4)} - {(0, 1)})
    with pytest.raises(SettingError, match="4 cells are more than the 3") as error:
        SwitchingProbability(count=4, **few).execute(make((3, 4)), MemoryLog())
    assert error.value.key == ("count",)


def test_voltages_across_the_cell_are_quoted_where_the_delivered_fraction_is_given(make):
    settings = SwitchingProbability(pulses=60, widths_seconds=[1e-3], count=2)
    parts = np.stack([np.full((6, 6), 0.9), np.full((6, 6), 0.8)])
    lines, cell = (settings.execute(make((6, 6), seed=1), MemoryLog(), **more) for more in ({}, {"delivered": parts}))
    assert (lines.voltage, cell.voltage) == ("lines", "cell")
    for direction, part in enumerate((0.9, 0.8)):
        np.testing.assert_allclose(
            cell.curves[direction].median_volts, part * lines.curves[direction].median_volts, rtol=1e-6
        )
    with pytest.raises(UsageError, match="one value per cell"):
        settings.execute(make((6, 6), seed=1), MemoryLog(), delivered=np.ones((5, 6)))


def test_every_trial_the_fits_and_the_effort_are_recorded(make):
    log = MemoryLog()
    result = SwitchingProbability(pulses=60, widths_seconds=[1e-3, 1e-2], count=2).execute(make((4, 4)), log)
    rows = log.read("switching/trials")
    assert len(rows["volts"]) == 2 * 2 * 60
    assert set(rows["width_seconds"]) == {1e-3, 1e-2}
    assert rows["to_parallel"].sum() == 120
    np.testing.assert_allclose(log.read("switching")["median_volts"][0], result.curves[0].median_volts)
    told = log.read_attributes("switching")
    assert told["effort_pulses"] == result.cost.pulses > 240
    assert told["voltage"] == "lines"
    assert told["effort_bench_hours"] == pytest.approx(result.cost.seconds / 3600)


def test_a_cell_out_of_range_costs_few_pulses_and_has_no_median(make):
    settings = SwitchingProbability(pulses=200, widths_seconds=[1e-3], count=2, highest_volts=0.2)
    result = settings.execute(make((4, 4)), MemoryLog())
    assert np.isnan(result.curves[0].median_volts).all()
    assert (result.curves[0].trials == 12).all()
    assert (result.outside == 1).all()  # case B5: V50 lies above every amplitude tried
    assert np.isnan(result.laws[0].stability).all()


def test_a_cell_that_does_not_come_back_is_told_and_left_alone(make):
    settings = SwitchingProbability(pulses=100, widths_seconds=[1e-3], count=2, reset_volts=0.2)
    result = settings.execute(make((4, 4)), MemoryLog())
    assert not result.comes_back.any()
    assert (result.curves[0].trials < 40).all()


def test_bystanders_are_counted_and_the_array_is_restored(make):
    crossbar = make((6, 6), stability=22.0, sigma_volts=0.0)  # loses half-selected cells
    result = SwitchingProbability(pulses=100, widths_seconds=[1e-2], count=2).execute(crossbar, MemoryLog())
    assert sum(result.disturbed) > 0


def test_named_cells_must_be_usable_and_inside(make):
    with pytest.raises(ProcedureFailed, match=r"\(1, 1\) stuck"):
        SwitchingProbability(cells=[(1, 1)]).execute(make((4, 4), defects=[((1, 1), Defect.SHORT, 200.0)]), MemoryLog())
    with pytest.raises(SettingError, match=r"cells: \[4, 0\] is outside the 4 x 4"):
        SwitchingProbability(cells=[(4, 0)]).execute(make((4, 4)), MemoryLog())


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"highest_volts": 1.0}, "highest_volts: 1 V exceeds 0.95 V"),
        ({"reset_volts": 1.0}, "reset_volts: 1 V exceeds 0.95 V"),
        ({"widths_seconds": [0.2]}, "widths_seconds: 0.2 s exceeds"),
        ({"widths_seconds": [0.0]}, "widths_seconds: 0 s: the width must be above 0"),
        ({"pulses": 300}, "pulses: 1232 pulses of a cell exceed 1000"),
        ({"lowest_volts": 0.9}, "lowest_volts: not below highest_volts"),
    ],
)
def test_what_the_cells_do_not_survive_is_refused_before_the_first_volt(make, settings, problem):
    crossbar = make((4, 4), limits=Limits(cell_volts=0.95, pulses_per_cell=1000))
    with pytest.raises(SettingError, match=problem):
        SwitchingProbability(**({"pulses": 100} | settings)).execute(crossbar, MemoryLog())
    assert crossbar.clock.now() == 0


def test_cells_are_read_one_by_one_where_columns_are_read_in_turn(make):
    results = []
    for in_turn in (False, True):
        crossbar = make((6, 6), seed=1)
        measure = crossbar.measure

        def late(bias, lines, how, measure=measure, delay=float(in_turn)):
            currents = measure(bias, lines, how)
            return replace(currents, start_seconds=currents.start_seconds + delay * np.arange(len(lines)))

        crossbar.measure = late
        settings = SwitchingProbability(pulses=40, widths_seconds=[1e-3], count=4)
        results.append(settings.execute(crossbar, MemoryLog()))
    together, one_by_one = results
    np.testing.assert_array_equal(together.curves[0].trials, one_by_one.curves[0].trials)
    assert one_by_one.cost.readings < 0.6 * together.cost.readings


def test_groups_share_no_line_and_are_as_few_as_can_be():
    whole = np.argwhere(np.ones((5, 5), bool))
    groups = groups_sharing_no_line(whole)
    assert len(groups) == 5
    assert sorted(np.concatenate(groups).tolist()) == list(range(25))
    for group in groups:
        assert len(set(whole[group, 0])) == len(set(whole[group, 1])) == len(group)


def test_cells_are_spread_over_the_diagonal_around_unusable_ones():
    usable = np.ones((5, 7), bool)
    usable[0, 0] = usable[2, 3] = False
    cells = spread_out(usable, 3)
    assert len(cells) == 3
    assert usable[cells[:, 0], cells[:, 1]].all()
    assert len(set(cells[:, 0])) == len(set(cells[:, 1])) == 3
    with pytest.raises(ProcedureFailed, match="no usable cell"):
        spread_out(np.zeros((3, 3), bool), 2)
