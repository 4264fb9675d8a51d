"""Which unit steps when, on a 2 x 3 array: rows on `r0` and `r1`, columns on `c`."""

import numpy as np
import pytest

from labmtj.bench.routing.steps import Step, parts_of, step_order_of
from labmtj.quantities import Bias

UNITS = ["r0", "r1", "c", "c", "c"]
SHAPE = (2, 3)


def turns(*volts, disturb_volts=0.15):
    return step_order_of(np.array(volts, float), UNITS, SHAPE, disturb_volts)


def test_one_unit_times_by_itself():
    assert turns([0.5, 0, 0, 0, 0]) == (("r0",), True)
    assert turns([0, 0, 0.5, 0, -0.5]) == (("c",), True)
    assert turns([0, 0, 0, 0, 0]) == ((), True)


@pytest.mark.parametrize(("volts", "held"), [(0.15, True), (0.1501, False)])
def test_half_a_pulse_is_held_up_to_what_disturbs_nothing(volts, held):
    assert turns([volts, 0, -volts, 0, 0]) == (("r0", "c"), held)


def test_the_unit_that_puts_least_across_cells_holds():
    assert turns([0.1, 0, -0.4, 0, 0]) == (("r0", "c"), True)
    assert turns([0.4, 0, -0.1, 0, 0]) == (("c", "r0"), True)
    assert turns([0.1, -0.1, 0.1, 0, 0]).units[-1] == "c", "two rows of 0.1 V against grounded columns, all three equal"


def test_what_two_units_hold_together_counts():
    assert turns([0.1, 0.1, -0.3, 0, 0]) == (("r0", "r1", "c"), True)
    assert not turns([0.2, 0.2, -0.3, 0, 0]).last_unit_is_timer


def test_a_floating_line_may_carry_anything_between():
    assert turns([0.1, -0.1, -0.4, 0, 0]).last_unit_is_timer
    assert not turns([0.1, -0.1, -0.4, np.nan, 0]).last_unit_is_timer, (
        "0.2 V between the rows, through the floating column"
    )


def test_a_batch_that_several_units_give_goes_bias_by_bias():
    bias = Bias(np.array([[0.1, 0], [0, 0.1]]), np.array([[-0.3, 0, 0], [0, -0.3, 0]]))
    step = Step(np.zeros(5, int), (0, 1), ())
    assert [(part.biases, who.units) for part, who in parts_of(step, bias, UNITS, 0.15)] == [
        ((0,), ("r0", "c")),
        ((1,), ("r1", "c")),
    ]
    alone = Bias(np.array([[0.5, 0], [0.3, 0]]), np.zeros(3))
    assert [part.biases for part, _ in parts_of(step, alone, UNITS, 0.15)] == [(0, 1)]
