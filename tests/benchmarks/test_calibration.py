"""How long a calibration takes, and the twin of a campaign: seconds, printed."""

import time

import pytest

from labmtj import library
from labmtj.calibration.calibrate import calibrate
from labmtj.calibration.twin import twin
from labmtj.run import load_experiment, start


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    bench = tmp_path_factory.mktemp("bench") / "one.yaml"
    text = (library.folder() / "benches" / "simulated.yaml").read_text(encoding="utf-8")
    bench.write_text(text.replace("[mtj-35nm, mtj-50nm, mtj-75nm, mtj-100nm]", "[mtj-50nm]"), encoding="utf-8")
    parent = tmp_path_factory.mktemp("runs")
    return [
        start(load_experiment(name, bench=str(bench), changes=changes), parent, workers=1, show=lambda _: None).data
        for name, changes in (("calibrate", {}), ("wine", {"count": 20, "mapping": "sequential"}))
    ]


def test_calibration_of_one_array_and_its_twin(runs):
    reads, wine = runs
    begun = time.perf_counter()
    found = calibrate(reads)
    print(f"\n15 x 15 cells and four wires from {found.cells.reads} reads: {time.perf_counter() - begun:.2f} s")
    begun = time.perf_counter()
    result = twin(wine, found.description, again=False)
    count = sum(len(chip.residuals.line) for chip in result.chips)
    print(
        f"{count} values of 20 solutions predicted: {time.perf_counter() - begun:.2f} s, {result.within:.2%} within 3 sigma"
    )
