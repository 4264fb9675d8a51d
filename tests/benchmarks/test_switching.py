"""What the switching procedure recovers of every cell of a hidden chip, behind wires and a noisy meter: printed.

225 cells in two directions are 450 draws of barrier and critical voltage, and 1800 of V50. Some five minutes; alone:
pytest tests/benchmarks/test_switching.py -s
"""

import numpy as np
import pytest
from scipy.optimize import brentq

import labmtj
from labmtj import library
from labmtj.bench.files.simulated import crossbar_of
from labmtj.calibration.calibrate import calibrate
from labmtj.run import load_experiment, start

SEED = 1
LAW = ("thermal_stability", "stray_field", "critical_volts_to_parallel", "critical_volts_to_antiparallel")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    bench = tmp_path_factory.mktemp("bench") / "one.yaml"
    text = (library.folder() / "benches" / "simulated.yaml").read_text(encoding="utf-8")
    bench.write_text(text.replace("[mtj-35nm, mtj-50nm, mtj-75nm, mtj-100nm]", "[mtj-50nm]"), encoding="utf-8")
    experiment = load_experiment("switching", bench=str(bench), changes={"cells": "all"})
    return start(experiment, tmp_path_factory.mktemp("runs"), workers=1, show=lambda _: None)


@pytest.fixture(scope="module")
def found(run):
    return calibrate(run.data)


@pytest.fixture(scope="module")
def truth(found):
    """The chip as it was drawn."""
    return crossbar_of(found.observed.assumed, seed=SEED, name=found.observed.chip).array


def true_medians(array, cells, widths, state):
    """Return the line voltage at which half the pulses switch, (cells, widths), from the network and the law itself."""
    rows, columns = array.shape
    array.restore(array.snapshot() | {"state": np.full(array.state.size, not state), "factorised_ohms": ()})

    def excess(volts, cell, seconds):
        lines, half = np.zeros(rows + columns), volts / 2 * (1 if state else -1) * array.cells.polarity
        lines[cell[0]], lines[rows + cell[1]] = half, -half
        rate = array._law.rates(array._solve(lines).cell_volts)[cell[0] * columns + cell[1]]
        return np.log(max(rate, 1e-290) * seconds / np.log(2))

    return np.array([[brentq(excess, 0.05, 1.2, args=(cell, t), xtol=1e-5) for t in widths] for cell in cells])


def told(name, error, low, high, within):
    covered = np.mean((np.minimum(low, high) <= 0) & (np.maximum(low, high) >= 0))
    print(
        f"\n{name:<32} median error {np.median(np.abs(error)):.2%}, within {within:.0%} in "
        f"{np.mean(np.abs(error) < within):.1%}, 95 % interval covers {covered:.1%} of {error.size}",
        end="",
    )
    return covered


def test_medians_and_slopes(run, truth):
    with labmtj.open(run.path) as opened:
        data = opened.of(opened.chips[0], "switching").load()
        effort = opened.attributes(f"arrays/{opened.chips[0]}/switching")
    print(f"\n{effort['effort_pulses']} pulses, {effort['effort_bench_hours']:.1f} h on the bench", end="")
    cells, widths = data["cells"].values.astype(int), data["width"].values
    for direction, state in enumerate((True, False)):
        here, median = data.isel(direction=direction), true_medians(truth, cells, widths, state)
        found, low, high = (here[f"median_{name}volts"].values / median - 1 for name in ("", "low_", "high_"))
        assert told(f"V50 to {'P' if state else 'AP'}", found, low, high, 0.01) > 0.9
        slope = np.polyfit(np.log10(widths), median.T, 1)[0]
        found, low, high = (here[f"volts_per_decade{name}"].values / slope - 1 for name in ("", "_low", "_high"))
        assert told("its slope per decade of width", found, low, high, 0.10) > 0.9


def test_the_law_through_calibrate(found, truth):
    for name in LAW:
        fitted = getattr(found.description.cells, name)
        true = np.broadcast_to(getattr(truth.junctions, name), truth.state.size)
        scale = 1.0 if name == "stray_field" else true
        error, reach = (fitted.array.ravel() - true) / scale, 1.96 * fitted.errors.ravel() / scale
        assert told(name, error, error - reach, error + reach, 0.03) > 0.9
    print(f"\n{found.switching_summary}")
