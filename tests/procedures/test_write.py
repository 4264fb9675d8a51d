"""Writing a matrix: fidelity of every method, bounded retries, typed outcomes.

The fidelities are those of cells with Delta 50, barrier exponent 1, 5 % spread of resistance and critical voltages,
3 ohm segments and 10 ohm leads; margin is the amplitude over the voltage that switches half of the cells.
"""

import numpy as np
import pytest

from labmtj.circuit import PortState, response_of
from labmtj.device.mtj import Defect, median_switching_volts, switching_probability
from labmtj.errors import SettingError, UsageError
from labmtj.quantities import ArrayInfo, Limits
from procedures.common.amplitude import checkerboard
from procedures.common.reference import Outcome, ReferenceSettings, reference_maps
from procedures.common.write import METHODS, WriteSettings, write_matrix

SHAPE = (15, 15)
SEEDS = range(4)
MILLISECOND = 1e-3


def volts_at(margin, seconds, thermal_stability=50.0):
    """Return the amplitudes to P and to AP."""
    return [
        margin
        * median_switching_volts(
            seconds, critical_volts=critical, thermal_stability=thermal_stability, barrier_exponent=1
        )
        for critical in (0.6, 0.7)
    ]


def settings_at(margin, seconds=MILLISECOND, thermal_stability=50.0, **changes):
    parallel, antiparallel = volts_at(margin, seconds, thermal_stability)
    given = {"parallel_volts": parallel, "antiparallel_volts": antiparallel, "pulse_seconds": seconds}
    return WriteSettings(**(given | changes))


def random_states(seed):
    return np.random.default_rng([seed, 5]).random(SHAPE) < 0.5


def delivered(wires, parallel_ohms):
    """Return the part of a selected cell's voltage that its lines leave to it, cells in a checkerboard."""
    ohms = parallel_ohms * np.where(checkerboard(SHAPE).ravel(), 1.0, 2.0)
    transfer = PortState(response_of(wires), ohms).transfer
    cells = np.arange(225)
    per_volt = (transfer[cells, cells // 15] - transfer[cells, 15 + cells % 15]) / 2
    return (per_volt * ohms).reshape(SHAPE)


@pytest.fixture
def written(spread_array, states):
    """Return a function that writes a random matrix into arrays of several seeds: results and true fidelities."""

    def run(parallel_ohms, settings, start="antiparallel", sigma_volts=0.05, **cells):
        results, true = [], []
        for seed in SEEDS:
            crossbar = spread_array(parallel_ohms, seed, 0.05, sigma_volts, **cells)
            reference = reference_maps(crossbar, ReferenceSettings(initialise_volts=0.9))
            if start == "random":
                put_states(crossbar, random_states(seed + 100))
            target = random_states(seed)
            part = delivered(crossbar.array.wires, parallel_ohms) if METHODS[settings.method].compensate else None
            results.append(write_matrix(crossbar, target, reference, settings, delivered=part))
            true.append((states(crossbar) == target).mean())
        return results, np.array(true)

    return run


def put_states(crossbar, target):
    """Put the cells into states without a pulse."""
    snapshot = crossbar.snapshot()
    snapshot["array"]["state"] = target.reshape(-1).copy()
    crossbar.restore(snapshot)


@pytest.mark.parametrize(
    ("parallel_ohms", "seconds", "margin", "method", "start", "lowest", "highest"),
    [
        (3e3, 1e-7, 1.2, "open_loop", "random", 0.95, 0.99),
        (3e3, 1e-7, 1.4, "open_loop", "random", 0.99, 1.0),
        (3e3, 1e-3, 1.2, "open_loop", "antiparallel", 0.96, 0.99),
        (3e3, 1e-3, 1.2, "open_loop", "random", 0.944, 0.993),
        (3e3, 1e-3, 1.2, "row_parallel", "antiparallel", 0.93, 0.97),
        (3e3, 1e-3, 1.4, "compensated", "antiparallel", 0.987, 1.0),
        (1e4, 1e-3, 1.3, "open_loop", "random", 0.99, 1.0),
        (1e3, 1e-3, 1.3, "open_loop", "antiparallel", 0.90, 0.95),
        (1e3, 1e-3, 1.3, "open_loop", "random", 0.78, 0.85),
        (1e3, 1e-3, 1.3, "compensated", "random", 0.98, 1.0),
        (1e3, 1e-7, 1.15, "open_loop", "random", 0.52, 0.64),
    ],
)
def test_one_pass_writes_the_fraction_expected(written, parallel_ohms, seconds, margin, method, start, lowest, highest):
    """The mean of four arrays, all of one Delta; from a random start the array conducts more while AP is written."""
    results, true = written(parallel_ohms, settings_at(margin, seconds, method=method), start)
    assert lowest <= true.mean() <= highest
    np.testing.assert_array_equal([result.fidelity for result in results], true)
    assert all(result.rounds == 0 for result in results)


@pytest.mark.parametrize(
    ("parallel_ohms", "seconds", "margin", "thermal_stability", "sigma_volts", "scheme", "lowest", "highest"),
    [
        (3e3, 1e-7, 1.2, 50.0, 0.05, "half", 0.978, 0.987),
        (3e3, 1e-3, 1.2, 50.0, 0.05, "half", 0.964, 0.973),
        (1e4, 1e-3, 1.3, 50.0, 0.05, "half", 0.998, 1.0),
        (1e4, 1e-3, 1.3, 30.0, 0.10, "half", 0.89, 0.93),
        (1e4, 1e-3, 1.3, 30.0, 0.10, "third", 0.94, 0.96),
        (1e3, 1e-3, 1.3, 50.0, 0.05, "half", 0.80, 0.84),
        (1e3, 1e-7, 1.15, 50.0, 0.05, "half", 0.56, 0.62),
    ],
)
def test_a_pass_cell_by_cell_meets_the_bands_of_the_prototype(
    spread_array, parallel_ohms, seconds, margin, thermal_stability, sigma_volts, scheme, lowest, highest
):
    """The mean of eight arrays; its standard error is 0.003 to 0.006, and 0.015 at 1 kOhm.

    What the bands leave open was found by trial, over starts (random, all AP, all P, checkerboard), targets, orders
    (P first, AP first, by rows, by columns, shuffled), amplitudes (each direction's own, one for both) and spreads:
    only a random start, the AP cells first and a Delta that varies by a tenth from cell to cell meet them all. P first
    gives 0.78 in the place of 0.82 at 1 kOhm; all of one Delta gives 0.96 in the place of 0.92 at Delta 30.
    """
    settings = settings_at(margin, seconds, thermal_stability, method="open_loop", scheme=scheme)
    true = []
    for seed in range(8):
        stability = thermal_stability * (1 + 0.1 * np.random.default_rng([seed, 6]).standard_normal(SHAPE).clip(-4, 4))
        crossbar = spread_array(parallel_ohms, seed, 0.05, sigma_volts, thermal_stability=stability)
        reference = reference_maps(crossbar, ReferenceSettings(initialise_volts=1.5))
        put_states(crossbar, random_states(seed + 100))
        result = write_matrix(crossbar, random_states(seed), reference, settings)
        true.append((crossbar.array.state.reshape(SHAPE) == result.target).mean())
    assert lowest <= np.mean(true) <= highest


@pytest.mark.parametrize("method", ["closed_loop", "row_parallel_repair"])
@pytest.mark.parametrize("start", ["antiparallel", "random"])
def test_repair_with_rising_amplitude_makes_it_whole(written, method, start):
    results, true = written(3e3, settings_at(1.2, method=method), start)
    np.testing.assert_array_equal(true, 1.0)
    assert max(result.rounds for result in results) <= 4
    assert all((result.outcome == Outcome.WRITTEN).all() for result in results)


def test_repair_without_rise_gains_but_leaves_the_hardest_cells(written):
    results, true = written(3e3, settings_at(1.2, method="converge"))
    assert (true >= 0.98).all()
    assert all(result.rounds <= 5 for result in results)


def test_low_resistance_arrays_need_repair_or_compensation(written):
    _, once = written(1e3, settings_at(1.3, method="row_parallel"))
    _, repaired = written(1e3, settings_at(1.3, method="row_parallel_repair"))
    _, compensated = written(1e3, settings_at(1.3, method="compensated"))
    assert once.mean() < 0.9
    assert repaired.mean() >= 0.996
    assert compensated.mean() >= 0.98


def test_half_select_disturb_is_that_of_the_law(written):
    """Delta 30, spread of 10 %: AP cells are written first, every P write on the same row or column disturbs them."""
    settings = settings_at(1.3, thermal_stability=30.0, method="open_loop")
    expected = []
    for seed in SEEDS:
        target = random_states(seed)
        writes = target.sum(axis=1, keepdims=True) + target.sum(axis=0, keepdims=True)
        spread = np.random.default_rng(seed).standard_normal((2000, 1, 1))
        flips = switching_probability(
            settings.parallel_volts / 2,
            writes * MILLISECOND,
            critical_volts=0.6 * (1 + 0.1 * spread),
            thermal_stability=30.0,
            barrier_exponent=1,
        ).mean(axis=0)
        expected.append(flips[~target].sum() / target.size)
    lost = 1 - written(1e4, settings, sigma_volts=0.1, thermal_stability=30.0)[1].mean()
    assert lost == pytest.approx(np.mean(expected), abs=0.012)  # four arrays: 900 cells, some 35 lost
    third = settings.model_copy(update={"scheme": "third"})
    assert 1 - written(1e4, third, sigma_volts=0.1, thermal_stability=30.0)[1].mean() < 0.75 * lost


@pytest.mark.parametrize(
    ("method", "pulses"), [("open_loop", 225), ("row_parallel", 30), ("compensated", 30), ("closed_loop", 0)]
)
def test_the_first_move_costs_what_it_should(written, method, pulses):
    results, _ = written(1e4, settings_at(1.3, method=method, max_rounds=0))
    assert [result.pulses for result in results] == [pulses] * len(SEEDS)


@pytest.mark.parametrize("method", ["closed_loop", "converge", "row_parallel_repair"])
def test_a_matrix_that_is_there_already_costs_no_pulse(spread_array, method):
    crossbar = spread_array()
    reference = reference_maps(crossbar, ReferenceSettings())
    target = random_states(1)
    put_states(crossbar, target)
    result = write_matrix(crossbar, target, reference, settings_at(1.3, method=method))
    assert (result.pulses, result.rounds, result.fidelity) == (0, 0, 1.0)


@pytest.mark.parametrize("method", ["closed_loop", "converge", "row_parallel_repair"])
@pytest.mark.parametrize("max_rounds", [0, 3])
def test_cells_that_never_switch_are_given_up_after_the_last_round(spread_array, method, max_rounds):
    crossbar = spread_array(sigma_ohms=0.05)
    reference = reference_maps(crossbar, ReferenceSettings())
    target = random_states(2)
    settings = WriteSettings(method=method, parallel_volts=0.05, antiparallel_volts=0.05, max_rounds=max_rounds)
    result = write_matrix(crossbar, target, reference, settings)
    rows = method == "row_parallel_repair"
    assert result.rounds == max_rounds
    assert result.pulses == max_rounds * target.sum() + rows * 15
    np.testing.assert_array_equal(result.attempts, np.where(target, max_rounds + rows, 0))
    np.testing.assert_array_equal(result.outcome, np.where(target, Outcome.STUCK_AP, Outcome.WRITTEN))
    assert result.fidelity == (~target).mean()


def stuck_later(crossbar, cells):
    """Let cells get stuck after the reference maps were made: (row, column) -> defect."""
    junctions = crossbar.array.cells
    for (row, column), defect in cells.items():
        junctions = junctions.with_defect(row * 15 + column, defect)
    snapshot = crossbar.snapshot()
    crossbar.array._pristine = junctions
    crossbar.restore(snapshot)


def test_a_cell_that_got_stuck_after_the_maps_is_typed_by_the_state_it_keeps(spread_array):
    crossbar = spread_array(sigma_ohms=0.05)
    reference = reference_maps(crossbar, ReferenceSettings())
    stuck_later(crossbar, {(3, 4): Defect.STUCK_P, (8, 1): Defect.STUCK_AP, (0, 0): Defect.STUCK_P})
    target = random_states(3)
    target[3, 4], target[8, 1], target[0, 0] = False, True, True
    result = write_matrix(crossbar, target, reference, settings_at(1.3, max_rounds=4))
    expected = np.full(SHAPE, Outcome.WRITTEN)
    expected[3, 4], expected[8, 1] = Outcome.STUCK_P, Outcome.STUCK_AP  # (0, 0) keeps what it should
    np.testing.assert_array_equal(result.outcome, expected)
    assert result.attempts[3, 4] == result.attempts[8, 1] == 5
    assert result.rounds == 4
    assert result.fidelity == 1 - 2 / 225


def test_unusable_cells_are_not_pulsed_and_count_where_the_target_disagrees(spread_array):
    crossbar = spread_array(defects=(((3, 4), Defect.STUCK_P, np.nan), ((8, 1), Defect.OPEN, 1e9)))
    reference = reference_maps(crossbar, ReferenceSettings())
    target = random_states(3)
    target[3, 4], target[8, 1] = False, False
    result = write_matrix(crossbar, target, reference, settings_at(1.3))
    assert result.attempts[3, 4] == result.attempts[8, 1] == 0
    assert (result.outcome[3, 4], result.outcome[8, 1]) == (Outcome.STUCK_P, Outcome.OPEN)
    assert result.rounds < 5
    assert result.fidelity == 1 - 1 / 225
    addressed = np.ones(SHAPE, bool)
    addressed[3, 4] = False
    assert write_matrix(crossbar, target, reference, settings_at(1.3), addressed=addressed).fidelity == 1.0


def test_known_states_save_the_first_read(spread_array):
    crossbar = spread_array()
    reference = reference_maps(crossbar, ReferenceSettings())
    settings, target = settings_at(1.3, max_rounds=0), random_states(4)
    begun = crossbar.clock.now()
    write_matrix(crossbar, target, reference, settings)
    between = crossbar.clock.now()
    put_states(crossbar, np.zeros(SHAPE, bool))
    again = crossbar.clock.now()
    write_matrix(crossbar, target, reference, settings, known=np.zeros(SHAPE, bool))
    saved = (between - begun) - (crossbar.clock.now() - again)
    assert saved == pytest.approx(15 * 2 * 0.022)  # 15 rows, both polarities: source, settle, aperture, transfer


def test_compensation_asks_for_what_the_wires_deliver(spread_array):
    crossbar = spread_array()
    reference = reference_maps(crossbar, ReferenceSettings())
    with pytest.raises(UsageError, match="delivered"):
        write_matrix(crossbar, random_states(1), reference, settings_at(1.3, method="compensated"))


@pytest.mark.parametrize(
    ("setting", "value"),
    [("parallel_volts", 0.91), ("antiparallel_volts", 0.91), ("pulse_seconds", 0.11), ("read_volts", 0.16)],
)
def test_what_the_array_does_not_survive_is_refused_with_its_key(setting, value):
    info = ArrayInfo("x", (2, 2), 1e-4, 1e-4, 5e-8, np.ones((2, 2)), Limits())
    with pytest.raises(SettingError) as refused:
        WriteSettings(**{setting: value}).check(info, "write")
    assert setting in str(refused.value)
