"""Series of reads of simulated cells: telegraph cells put there are found, with their jumps; the rest is quiet."""

from dataclasses import replace

import numpy as np
import pytest

from labmtj.device.mtj import Defect
from labmtj.device.telegraph import Telegraph
from labmtj.errors import ProcedureFailed, SettingError
from labmtj.record import MemoryLog
from labmtj.simulated import SimulatedCrossbar
from procedures.noise.procedure import NoiseSeries


@pytest.fixture
def jumping(make):
    """Return a function that makes a 6 x 6 array of which some cells are telegraph cells, a meter on every line."""

    def build(cells, jump, low, high, **more):
        plain = make((6, 6), seed=2, **more)
        telegraph = Telegraph(
            np.array([row * 6 + column for row, column in cells]), np.array(jump), np.array(low), np.array(high)
        )
        junctions = replace(plain.array.cells, telegraph=telegraph, pink_noise=np.full((2, 36), 1e-8))
        return SimulatedCrossbar(plain.array.wires, junctions, seed=2, limits=plain.limits)

    return build


def test_telegraph_cells_are_found_with_their_jumps_and_dwell_times(jumping):
    cells = [(1, 2), (4, 4), (5, 0)]
    crossbar = jumping(cells, [0.01, 0.015, 0.02], [0.3, 0.5, 0.2], [0.4, 0.2, 0.2])
    result = NoiseSeries(samples=1500).execute(crossbar, MemoryLog())
    assert [tuple(cell) for cell in np.argwhere(result.noisy)] == cells
    assert result.judged.all()
    numbers = [6 * row + column for row, column in cells]
    # the wires take a little of the change: a cell's current changes by less than its resistance
    np.testing.assert_allclose(result.telegraph.jump[numbers], [0.01, 0.015, 0.02], rtol=0.12)
    # a high resistance is a low current
    np.testing.assert_allclose(result.telegraph.high_seconds[numbers], [0.3, 0.5, 0.2], rtol=0.5)
    np.testing.assert_allclose(result.telegraph.low_seconds[numbers], [0.4, 0.2, 0.2], rtol=0.5)


def test_no_pulse_is_given_and_states_stay(jumping, true_state):
    crossbar = jumping([(0, 0)], [0.01], [0.1], [0.1])
    before = true_state(crossbar).copy()
    result = NoiseSeries(cells=[(0, 0), (2, 3), (2, 5)], samples=64).execute(crossbar, MemoryLog())
    assert result.cost.pulses == 0
    assert result.cost.seconds > 2 * 64 * 0.02
    assert result.cells.tolist() == [[0, 0], [2, 3], [2, 5]]
    assert result.judged.sum() == 3
    np.testing.assert_array_equal(true_state(crossbar), before)


def test_opens_and_shorts_are_not_judged(jumping):
    crossbar = jumping(
        [(0, 0)], [0.01], [0.1], [0.1], defects=[((2, 2), Defect.OPEN, 1e9), ((3, 3), Defect.SHORT, 200.0)]
    )
    result = NoiseSeries(samples=64).execute(crossbar, MemoryLog())
    assert not result.judged[2, 2]


def test_what_was_found_is_recorded(jumping):
    log = MemoryLog()
    result = NoiseSeries(samples=128).execute(jumping([(1, 1)], [0.02], [0.1], [0.1]), log)
    kept = log.read("noise")
    np.testing.assert_array_equal(kept["noisy"], result.noisy)
    assert kept["density"].shape == (36, len(kept["frequency"]))
    assert log.read_attributes("noise")["effort_pulses"] == 0


def test_uneven_reads_are_refused(jumping):
    crossbar = jumping([(0, 0)], [0.01], [0.1], [0.1])
    measure = crossbar.measure

    def uneven(bias, lines, how):
        currents = measure(bias, lines, how)
        return replace(currents, start_seconds=currents.start_seconds**2)

    crossbar.measure = uneven
    with pytest.raises(ProcedureFailed, match="uneven times"):
        NoiseSeries(samples=64).execute(crossbar, MemoryLog())


def test_voltages_and_cells_are_checked(make):
    with pytest.raises(SettingError, match=r"read_volts: 0\.3 V"):
        NoiseSeries(read_volts=0.3).execute(make((4, 4)), MemoryLog())
    with pytest.raises(SettingError, match="names no cell"):
        NoiseSeries(cells=[]).execute(make((4, 4)), MemoryLog())
