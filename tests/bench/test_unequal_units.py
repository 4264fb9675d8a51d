"""What one refusal says on a bench whose units are not equally fast: a value that works with all of them."""

from dataclasses import replace

import numpy as np
import pytest

from labmtj.errors import CannotDo
from labmtj.quantities import Lines, ReadSettings
from procedures.common.schemes import select_rows

UNEQUAL = {"one": 0.003, "two": 0.03, "three": 0.3, "four": 0.001, "five": 0.02}
"""units whose shortest pulse, and shortest aperture, differ: in seconds"""


@pytest.mark.parametrize("rows", [(0, 1, 2, 3), (3, 2, 1, 0), (3, 0)])
def test_a_width_is_refused_once_with_the_shortest_that_all_units_can(bench, wirings, rows):
    crossbar, _ = unequal(bench, wirings)
    refusal = crossbar.refusal(select_rows(crossbar.shape, np.array(rows), 0.1), 1e-4)
    slowest = max(list(UNEQUAL.values())[row] for row in rows)
    assert refusal.instead.works == slowest
    (unit,) = (name for name, seconds in UNEQUAL.items() if seconds == slowest)
    assert f"too short for {unit} at TEST::{unit}: the shortest is {slowest:g} s" in str(refusal)
    assert crossbar.refusal(select_rows(crossbar.shape, np.array(rows), 0.1), slowest) is None


def test_an_aperture_is_refused_once_with_one_that_all_units_can(bench, wirings):
    crossbar, _ = unequal(bench, wirings)
    bias = select_rows(crossbar.shape, [0], 0.1)
    with pytest.raises(CannotDo, match=r"three at TEST::three integrates from 0\.3 to 3 s, not 0\.001 s") as refused:
        crossbar.measure(bias, Lines(columns=(0,)), ReadSettings(aperture_seconds=1e-3))
    assert refused.value.instead.works == 0.3
    with pytest.raises(CannotDo, match=r"four at TEST::four integrates from 0\.001 to 0\.5 s, not 9 s") as refused:
        crossbar.measure(bias, Lines(columns=(0,)), ReadSettings(aperture_seconds=9.0))
    assert refused.value.instead.works == 0.5


def unequal(bench, wirings):
    """Return a bench of five units, four on the rows and one on the columns, that are not equally fast."""
    crossbar, world = bench(wirings[1]((4, 5), direct=4, names=[(name, "a") for name in UNEQUAL]))
    for name, seconds in UNEQUAL.items():
        longest = 0.5 if name == "four" else 3.0
        crossbar.units[name].facts = replace(
            crossbar.units[name].facts, shortest_pulse_seconds=seconds, aperture_seconds=(seconds, longest)
        )
    return crossbar, world
