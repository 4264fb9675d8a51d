"""An exception in a user's procedure, in the display, in the report: safe, kept, told; who looks on stops nothing."""

import os
from pathlib import Path

import h5py
import numpy as np
import pytest

import labmtj
from labmtj.cli import main
from labmtj.errors import LabmtjWarning
from labmtj.run import RunFolder

PROCEDURE = """
import sys, threading
from pydantic import BaseModel
from labmtj.errors import LimitExceeded
from labmtj.quantities import Bias, Lines, ReadSettings

ERRORS = {
    "ValueError": lambda: 1 + int("x"), "MemoryError": lambda: bytearray(1 << 62), "RecursionError": lambda: again(),
    "SystemExit": lambda: sys.exit(0), "KeyError": lambda: {}["x"],
    "AssertionError": lambda: (_ for _ in ()).throw(AssertionError("wrong")),
}

def again():
    return again()

class Broken(BaseModel):
    how: str

    def execute(self, crossbar, log):
        bias = Bias([0.1, 0.0, 0.0, 0.0], [0.0] * 4)
        for _ in range(3):
            crossbar.measure(bias, Lines(columns=(0,)), ReadSettings())
        ERRORS[self.how]()
"""


@pytest.fixture
def broken(rigs, monkeypatch):
    """Return a bench with the experiment of a procedure that raises, and the path of that experiment."""
    rig = rigs()
    (rig.folder / "breaks.py").write_text(PROCEDURE)
    path = rig.folder / "broken.yaml"
    path.write_text(f"procedure: breaks.Broken\nbench: {rig.bench}\nsettings: {{how: ValueError}}\n")
    monkeypatch.setenv("PYTHONPATH", f"{rig.folder}{os.pathsep}{Path(labmtj.__file__).parents[1]}")
    monkeypatch.syspath_prepend(str(rig.folder))
    return rig, path


@pytest.mark.parametrize(
    "how", ["ValueError", "MemoryError", "RecursionError", "SystemExit", "KeyError", "AssertionError"]
)
def test_whatever_a_procedure_raises_the_bench_is_safe_and_its_rows_are_kept(broken, tally, capsys, how):
    """Fails without the clean-up in `opening._armed`; for SystemExit, without its being caught in `_guarded`: code 0."""
    rig, path = broken
    with tally(12, f"{how} in a procedure"):
        assert main(["run", str(path), "--how", how, "--out", str(rig.runs)]) == 1
        rig.assert_safe()
        said = capsys.readouterr().err
        assert ("not enough memory" if how == "MemoryError" else f"labmtj: {how}") in said
        assert "the trace is in" in said
        assert "Traceback" not in said
        folder = RunFolder(rig.last())
        assert folder.ending == "FAILED"
        assert "Traceback" in folder.log.read_text()
        with h5py.File(folder.data) as file:
            amperes = file["arrays/small-0a/reads/amperes"][:, 0]
        assert amperes.shape == (3,)
        assert np.isfinite(amperes).all()


def test_a_display_that_breaks_does_not_stop_the_run(rig, tally, reference, metrics_of):
    """Fails without the `except` in `_Course._show`."""

    def broken_display(progress):
        raise RuntimeError("no window any more")

    with tally(12, "the display breaks"):
        folder = rig.start(show=broken_display)
        rig.assert_safe()
        for name, value in reference["metrics"].items():
            np.testing.assert_array_equal(metrics_of(folder.data)[name], value)
        assert folder.log.read_text().count("the display failed") == 1


def test_a_viewer_that_dies_does_not_stop_the_run(rigs, tally):
    """Fails if the progress lets the error of a closed pipe through."""
    rig = rigs()
    process = rig.spawn()
    process.stdout.close()
    process.stderr.close()
    with tally(12, "whoever reads the output dies"):
        assert process.wait(timeout=60) == 0
        rig.assert_safe()
        assert RunFolder(rig.last()).ending == "DONE"


def broken_report(*_, **__):
    return 1 / 0


@pytest.mark.parametrize("hook", ["labmtj.report.write_report", "labmtj.report.summary_text"])
def test_a_report_that_breaks_costs_no_data_and_is_made_again(rig, tally, monkeypatch, capsys, hook):
    """Fails without the `except` in `commands._finish`: a traceback is all that is said."""
    with tally(12, hook):
        with monkeypatch.context() as patched:
            patched.setattr(hook, broken_report)
            assert main(["run", str(rig.experiment_file()), "--out", str(rig.runs)]) == 1
        said = capsys.readouterr().err
        assert "is complete, but its report failed: ZeroDivisionError" in said
        assert "Traceback" not in said
        rig.assert_safe()
        assert RunFolder(rig.last()).ending == "DONE"
        assert main(["report", str(rig.last())]) == 0


def test_a_part_of_the_report_that_breaks_is_one_gap_in_it(rig, tally, monkeypatch):
    """Fails without `report.blocks.tried`."""
    run = rig.start()
    with tally(12, "a table or a plot"):
        monkeypatch.setattr("procedures.patterns.section.patterns_table", broken_report)
        with pytest.warns(LabmtjWarning, match="cannot be shown: division by zero"):
            assert main(["report", str(run.path)]) == 0
        assert "cannot be shown: division by zero" in run.report.read_text()
    rig.assert_safe()
