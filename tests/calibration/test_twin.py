"""A twin calibrated on one log predicts another of the same chip, and says where it does not describe the chip."""

import numpy as np
import pytest

from labmtj import library
from labmtj.arrays import ArrayDescription
from labmtj.bench import load_array
from labmtj.bench.files.simulated import crossbar_of
from labmtj.calibration.calibrate import calibrate
from labmtj.calibration.observed import observed
from labmtj.calibration.predict import Model
from labmtj.calibration.states import decode
from labmtj.calibration.text import twin_lines
from labmtj.calibration.twin import twin
from labmtj.calibration.writing import array_text
from labmtj.device.cellmap import CellMap
from labmtj.errors import DataError
from labmtj.quantities import Bias, Lines, ReadSettings
from labmtj.run import load_experiment, start
from procedures.common.reference import ReferenceSettings, reference_maps
from procedures.common.schemes import select_cells

SHAPE = (8, 7)
INPUTS = np.random.default_rng(3).uniform(0, 0.1, (40, SHAPE[0]))


def written_and_read(crossbar, log):
    """Another campaign on the same chip: random states, written cell by cell, maps and products read in between."""
    random = np.random.default_rng(7)
    reference_maps(crossbar, ReferenceSettings())
    columns = Lines(columns=tuple(range(SHAPE[1])))
    for _ in range(8):
        for sign in (1, -1):
            cells = np.argwhere(random.random(SHAPE) < 0.3)
            crossbar.pulse(select_cells(SHAPE, cells, sign * 0.72), 1e-3)
        rows = Bias(0.1 * np.eye(SHAPE[0]), np.zeros(SHAPE[1]))
        crossbar.measure(rows, columns, ReadSettings(polarity="both"))
        crossbar.measure(Bias(INPUTS, np.zeros(SHAPE[1])), columns, ReadSettings(range_amperes=1e-3))
        crossbar.measure(
            Bias(np.zeros(SHAPE[0]), np.zeros(SHAPE[1])), columns, ReadSettings(repeats=4, range_amperes=1e-3)
        )


@pytest.fixture(scope="module")
def second(log_of, hidden):
    """A second log of the very chip of the first: the same crossbar goes on."""
    return log_of(written_and_read, hidden.description.model_dump(), crossbar=hidden.crossbar)


@pytest.fixture(scope="module")
def on(hidden, tmp_path_factory):
    """The twin of the first log, as its file is read back."""
    path = tmp_path_factory.mktemp("on") / "small.yaml"
    path.write_text(array_text(calibrate(hidden.data).description), encoding="utf-8")
    return load_array(str(path))


@pytest.fixture(scope="module")
def result(second, on):
    return twin(second.data, on)


def test_99_percent_of_the_currents_of_another_log_lie_within_3_sigma(result):
    assert result.within >= 0.99
    (chip,) = result.chips
    assert len(chip.residuals.line) > 2000
    assert not chip.failing_cells.any()


def test_the_stated_uncertainty_is_no_larger_than_it_must_be(result):
    (chip,) = result.chips
    single = chip.residuals.cell >= 0
    assert 0.4 < np.sqrt(np.mean(chip.residuals.z[single] ** 2)) < 1.3
    usable = single & (chip.residuals.predicted_amperes > 1e-6)
    assert np.median((chip.residuals.sigma_amperes / chip.residuals.predicted_amperes)[usable]) < 0.003


def test_the_states_are_those_that_the_cells_were_in(second):
    """The last stretch against the hidden chip itself."""
    seen = observed(second.data)
    states, broken = decode(seen).states[-1], second.crossbar.array.cells
    free = broken.is_free
    assert np.array_equal(states[free], second.crossbar.array.state[free])


def test_a_cell_that_the_twin_has_wrong_is_named_with_its_column(second, on):
    cells = on.cells
    wrong = cells.parallel_ohms.array
    wrong[4, 1] *= 1.05
    changed = cells.model_copy(update={"parallel_ohms": CellMap.of(wrong)})
    (chip,) = twin(second.data, on.model_copy(update={"cells": changed})).chips
    assert np.argwhere(chip.failing_cells).tolist() == [[4, 1]]
    assert chip.failing_lines.tolist() == [SHAPE[0] + 1]


def test_the_model_is_the_network_of_the_simulated_crossbar(hidden):
    """Two ways to the same current: states set by hand, no noise."""
    description = calibrate(hidden.data).description
    crossbar = crossbar_of(description, seed=3, name="x", cell_noise=False)
    state = np.random.default_rng(0).random(SHAPE[0] * SHAPE[1]) < 0.5
    crossbar.array.restore(crossbar.array.snapshot() | {"state": state})
    bias = Bias(INPUTS, np.zeros(SHAPE[1]))
    plain = description.model_copy(update={"offsets": None, "family": description.family})
    shown = crossbar.measure(bias, Lines(columns=tuple(range(SHAPE[1]))), ReadSettings()).amperes
    volts = bias.line_volts + np.array(description.offsets.source_volts)
    predicted = -Model(plain).solve(state, volts).line_amperes[:, SHAPE[0] :]
    factors = 0.005  # each state of a simulated cell has a factor of its own, drawn at its last flip
    assert np.max(np.abs(predicted / shown - 1)) < factors


def test_the_text_fits_80_columns_and_tells_where_the_model_fails(result):
    lines = twin_lines(result)
    assert max(map(len, lines)) <= 80
    assert any("within 3 sigma" in line for line in lines)
    assert any("the model fails" in line for line in lines)


def test_an_array_file_of_another_chip_or_without_cells_is_refused(second, on, assumed):
    other = on.model_copy(update={"cells": on.cells.model_copy(update={"chip": "B2"})})
    with pytest.raises(DataError, match="is of chip 'B2'"):
        twin(second.data, other)
    with pytest.raises(DataError, match="labmtj calibrate RUN"):
        twin(second.data, ArrayDescription.from_mapping(assumed()))
    with pytest.raises(DataError, match="of another chip"):
        twin(second.data, on.model_copy(update={"shape": (8, 8)}))


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    """Two runs on the same simulated chip: reference maps, and a small Wine campaign on it in turn."""
    bench = tmp_path_factory.mktemp("bench") / "one.yaml"
    text = (library.folder() / "benches" / "simulated.yaml").read_text(encoding="utf-8")
    bench.write_text(text.replace("[mtj-35nm, mtj-50nm, mtj-75nm, mtj-100nm]", "[mtj-50nm]"), encoding="utf-8")
    runs = tmp_path_factory.mktemp("runs")
    wine = {"count": 2, "mapping": "sequential"}
    return [
        start(load_experiment(name, bench=str(bench), seed=5, changes=changes), runs, workers=1, show=lambda _: None)
        for name, changes in (("reference", {}), ("wine", wine))
    ]


def test_accuracy_and_fidelity_of_a_second_run_are_predicted(campaign):
    first, second = campaign
    result = twin(second.data, calibrate(first.data).description)
    accuracy, fidelity = result.figures
    assert list(accuracy.measured.values) == ["g = 1", "common g", "g per solution", "refitted"]
    for gains, measured in accuracy.measured.values.items():
        assert abs(measured - accuracy.same_states[gains]) <= 0.7
    assert abs(fidelity.measured.values[""] - fidelity.again[""]) <= 0.005
    assert result.within >= 0.99
    assert "common g" in accuracy.again


def test_accuracies_follow_the_twin_that_is_asked(campaign):
    """A twin with twice the resistance halves every product: at g = 1 the network is another one."""
    first, second = campaign
    on = calibrate(first.data).description
    doubled = on.cells.model_copy(update={"parallel_ohms": CellMap.of(2 * on.cells.parallel_ohms.array)})
    result = twin(second.data, on.model_copy(update={"cells": doubled}), again=False)
    accuracy, _ = result.figures
    assert accuracy.same_states["g = 1"] < accuracy.measured.values["g = 1"] - 5
    assert result.within < 0.1
