"""Disturb: the probabilities are those of the law at half and a third of the voltage, and nothing is left disturbed."""

import numpy as np
import pytest

from labmtj.device.mtj.analytic import switching_probability, switching_rate
from labmtj.errors import SettingError
from labmtj.quantities import Limits
from labmtj.record import MemoryLog
from procedures.disturb.procedure import Disturb, victims

SETTINGS = {"volts": [0.3, 0.4, 0.5], "pulses": 40, "pulse_seconds": 1e-2, "hold_seconds": 0.0, "count": 4}


def law(volts, state, stability, seconds=1e-2):
    critical = 0.60 if state else 0.70  # towards P, towards AP
    return switching_probability(
        volts, seconds, critical_volts=critical, thermal_stability=stability, barrier_exponent=1
    )


@pytest.mark.parametrize("polarity", [1, -1])
def test_fractions_lost_to_half_selects_are_those_of_the_law(make, polarity):
    stability = 30.0
    crossbar = make(
        (15, 15), sigma_ohms=0.0, sigma_volts=0.0, stability=stability, segment_ohms=0.0, lead_ohms=0.0,
        polarity=polarity, seed=3,
    )  # fmt: skip
    result = Disturb(**SETTINGS).execute(crossbar, MemoryLog())
    part = {"half": 1 / 2, "third": 1 / 3, "third_rest": 1 / 3}
    checked = 0
    for k, kind in enumerate(result.kinds):
        for d, state in enumerate((True, False)):
            single = law(result.volts * part[kind], state, stability)
            truth = 1 - (1 - single) ** SETTINGS["pulses"]
            low, high = result.lost.low[k, d], result.lost.high[k, d]
            assert ((low <= truth * 1.05) & (truth * 0.95 <= high)).sum() >= 2  # 95 % intervals, 18 of them
            least, largest = (each[k, d] for each in result.probability_bounds)
            assert ((least <= single * 1.05) & (single <= largest)).sum() >= 2
            checked += int((result.flipped[k, d] > 0).sum())
    assert checked >= 6
    assert not crossbar.array.state.any()  # left all-AP


def test_no_flip_gives_an_upper_limit_of_the_fraction_that_counts_every_cell_once(make):
    settings = Disturb(**(SETTINGS | {"pulses": 5, "kinds": ["half"], "volts": [0.4]}))
    result = settings.execute(make((6, 6), stability=60.0), MemoryLog())
    assert result.flipped.sum() == 0
    assert result.exposures == 5
    assert (result.lost.low == 0).all()
    # 40 half-selects of 28 cells: 12 are victims of two selected cells; mid-P of none in 28
    assert result.cells[0, 0, 0] == 40
    assert result.lost.high[0, 0, 0] == pytest.approx(1 - 0.05 ** (1 / 28), rel=1e-6)


def test_victims_by_hand():
    usable = np.ones((3, 4), bool)
    usable[1, 3] = False
    x, o = True, False
    lines = [[o, x, o, o], [x, o, x, o], [o, x, o, o]]
    rest = [[x, o, x, x], [o, o, o, o], [x, o, x, x]]
    for kind, expected in (("half", lines), ("third", lines), ("third_rest", rest)):
        np.testing.assert_array_equal(victims(usable, np.array([1, 1]), kind), expected)


def test_read_disturb_is_the_rate_of_the_law(make):
    stability = 23.0  # loses a cell in 10 s at rest, in 1 s at 0.1 V
    crossbar = make((10, 10), sigma_ohms=0.0, sigma_volts=0.0, stability=stability, segment_ohms=0.0, lead_ohms=0.0)
    result = Disturb(kinds=["half"], volts=[0.1], pulses=1, pulse_seconds=1e-6, count=1, hold_seconds=0.2).execute(
        crossbar, MemoryLog()
    )
    truth = [switching_rate(0.1, critical_volts=v, thermal_stability=stability, barrier_exponent=1) for v in (0.6, 0.7)]
    lost = -np.expm1(-np.array(truth) * result.read.seconds)
    # the row-by-row reads before and after disturb a little, too
    assert (result.read.lost.low <= lost * 1.3).all()
    assert (result.read.lost.high >= lost * 0.8).all()
    assert (result.read.least_rate <= np.array(truth) * 1.3).all()
    assert 0.2 <= result.read.seconds < 0.22
    assert result.read.flipped.min() > 0


def test_what_the_cells_do_not_survive_is_refused(make):
    for settings, problem in (
        ({"volts": [0.5, 1.0]}, "volts: 1 V exceeds"),
        ({"volts": [0.0]}, "volts: 0 V: the amplitude must be above 0"),
        ({"pulses": 1000}, "pulses: 30000 pulses of a cell"),
        ({"pulse_seconds": 1.0}, "pulse_seconds: 1 s exceeds"),
    ):
        with pytest.raises(SettingError, match=problem):
            Disturb(**settings).execute(make((4, 4), limits=Limits(pulses_per_cell=10_000)), MemoryLog())


def test_the_result_is_recorded(make):
    log = MemoryLog()
    result = Disturb(volts=[0.5], pulses=2, hold_seconds=0.1).execute(make((4, 4)), log)
    kept = log.read("disturb")
    np.testing.assert_array_equal(kept["lost_high"], result.lost.high)
    np.testing.assert_array_equal(kept["probability_low"], result.lost.low / 2)
    assert kept["read_lost_high"].shape == (2,)
    assert log.read_attributes("disturb")["effort_pulses"] == result.cost.pulses


def test_the_crossbar_is_only_asked_for_what_it_can_give(make):
    """A crossbar that cannot hold all rows at once reads them one after another."""
    crossbar = make((4, 4))

    plain = crossbar.refusal

    def refusal(bias, seconds=0.0):
        from labmtj.quantities import Refusal

        if (np.count_nonzero(bias.row_volts, axis=1) > 1).any() and not np.count_nonzero(bias.column_volts):
            return Refusal("one row at a time", "ask for less")
        return plain(bias, seconds)

    crossbar.refusal = refusal
    asked = []
    measure = crossbar.measure
    crossbar.measure = lambda bias, lines, how: (asked.append(bias), measure(bias, lines, how))[1]
    Disturb(kinds=["half"], volts=[0.3], pulses=1, hold_seconds=0.1).execute(crossbar, MemoryLog())
    assert max(np.count_nonzero(bias.row_volts, axis=1).max() for bias in asked) == 1
