"""Whether the intervals of a whole calibration say the truth: hidden chips drawn at random, measured, calibrated; printed.

Each chip has wires, defects, offsets and gains of its own, of which the calibration is told nothing. Alone (1.5 min):
pytest tests/benchmarks/test_coverage.py -s
"""

import copy
from dataclasses import dataclass

import numpy as np
import pytest
import yaml

from labmtj import library, yamlfile
from labmtj.arrays import ArrayDescription
from labmtj.bench import load_bench
from labmtj.bench.files.simulated import crossbar_of
from labmtj.calibration.calibrate import calibrate
from labmtj.device.mtj import Defect
from labmtj.record import Checkpointer, JournalLog, JournalWriter
from labmtj.record.recorded import Recorded
from labmtj.run.plain import LogWithin
from procedures.calibration.procedure import CalibrationReads

CHIPS, SHAPE, CHIP = 200, (8, 7), "small-0a"
WIRES = ("row_segment_ohms", "column_segment_ohms", "row_lead_ohms", "column_lead_ohms")
KINDS = {
    Defect.STUCK_P: "stuck_parallel", Defect.STUCK_AP: "stuck_antiparallel", Defect.SHORT: "short", Defect.OPEN: "open",
}  # fmt: skip


@dataclass
class Drawn:
    """A chip and what was found of it."""

    truth: ArrayDescription
    junctions: object
    found: object


def content(*, telegraph):
    """Return the 50 nm family as a small array, with more defects than usual."""
    given = yaml.safe_load((library.folder() / "arrays" / "mtj-50nm.yaml").read_text(encoding="utf-8"))
    given |= {"shape": list(SHAPE), "name": "small"}
    family = given["family"]
    family["thermal_stability"]["relative_sigma"] = 0.02  # none so weak that it flips by itself
    for name in KINDS.values():
        family["defects"][name]["value"] = 0.01
    if not telegraph:
        family["telegraph"] = None
    return given


def drawn(seed, folder, believed, meter):
    """Draw the wires of a chip, measure it through meters with noise, gain and offset, calibrate on the log alone."""
    true, draw = copy.deepcopy(believed), np.random.default_rng(seed)
    for name in WIRES:
        low, high = (1, 8) if "segment" in name else (5, 60)
        true["wires"][name]["value"] = float(draw.uniform(low, high))
    truth = ArrayDescription.from_mapping(true)
    crossbar = crossbar_of(truth, seed=seed, name=CHIP, meter=meter)
    folder.mkdir()
    log = JournalLog(JournalWriter.create(folder / "journal.lmj"))
    run = {"procedure": "-", "bench": {"kind": "simulated", "arrays": {"small": believed}}}
    log.attributes("", {"experiment": "coverage", "run": "-", "seed": seed})
    log.attributes("provenance", {"run_yaml": yamlfile.dumps(run)})
    CalibrationReads().execute(Recorded(crossbar, log, CHIP), LogWithin(log, f"arrays/{CHIP}"))
    log.commit()
    Checkpointer(folder / "journal.lmj", folder / "data.h5").checkpoint()
    log.journal.close()
    return Drawn(truth, crossbar.array.cells, calibrate(folder / "data.h5"))


@pytest.fixture(scope="module", params=[False, True], ids=["quiet", "telegraph"])
def chips(request, tmp_path_factory):
    parent, believed = tmp_path_factory.mktemp("chips"), content(telegraph=request.param)
    meter = load_bench("simulated").meter.model()
    return request.param, [drawn(seed, parent / str(seed), believed, meter) for seed in range(CHIPS)]


def told(name, error, sigma):
    """Print how large relative errors are, and how often they are within 1.96 sigma."""
    size, sigma = np.abs(np.concatenate(error)), np.concatenate(sigma)
    covered = np.mean(size < 1.96 * sigma)
    print(
        f"\n{name:<22} median error {np.median(size):.3%}, largest {size.max():.2%}, "
        f"95 % interval covers {covered:.1%} of {size.size}",
        end="",
    )
    return covered


def test_cells(chips):
    telegraph, every = chips
    print(f"\n\n{CHIPS} chips of {SHAPE}, {'some cells jump' if telegraph else 'no cell jumps'}", end="")
    for name, state in (("parallel", 0.0), ("antiparallel", 1.0)):
        error, sigma = [], []
        for chip in every:
            cells, sound = chip.found.cells, chip.found.decoded.follows & (chip.junctions.defect == 0)
            truth = chip.junctions.parallel_ohms * (1 + state * chip.junctions.tmr)
            error.append((getattr(cells, f"{name}_ohms") / truth - 1)[sound])
            sigma.append(getattr(cells, f"{name}_error")[sound])
        assert 0.90 < told(f"R of cells, {name}", error, sigma) < 0.98


def test_wires(chips):
    for name in WIRES:
        fitted = [chip for chip in chips[1] if name in chip.found.wires.names]
        truth = np.array([getattr(chip.truth.wires, name).value for chip in fitted])
        value = np.array([getattr(chip.found.description.wires, name).value for chip in fitted])
        error = np.array([chip.found.wires.errors()[name] for chip in fitted])
        covered = told(name, [value / truth - 1], [error / truth])
        assert np.abs(value / truth - 1).max() < 0.05
        assert 0.90 < covered < 0.99
    print(f"\nwires refused: {sum(4 - len(chip.found.wires.names) for chip in chips[1])} of {4 * CHIPS}", end="")


def test_defects(chips):
    exact = total = 0
    for chip in chips[1]:
        codes = chip.junctions.defect.reshape(SHAPE)
        total += int((codes > 0).sum())
        truth = {(int(r), int(c), KINDS[Defect(codes[r, c])]) for r, c in np.argwhere(codes)}
        exact += truth == {(each.row, each.column, each.kind) for each in chip.found.cells.defects}
    print(f"\nmap of defects exact: {exact} of {CHIPS} chips, {total} defects")
    assert exact > 0.98 * CHIPS
