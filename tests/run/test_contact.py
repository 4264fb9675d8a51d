"""What a run makes of its touch-down: bad lines are told and recorded, each time; without any contact it is refused."""

import logging

import pytest
import xarray as xr

from labmtj.bench import load_any
from labmtj.errors import ProcedureFailed, Stopped
from labmtj.record import open_data
from labmtj.report import summary_text, write_report
from labmtj.run import RunFolder, load_experiment, resume, start
from labmtj.virtual.assembly import assemble
from labmtj.virtual.server.serving import ServedInstruments
from procedures.common.reference import Outcome

SETTINGS = {"aperture_seconds": 0.001}


def quiet(progress):
    """Show nothing."""


def stop_behind_the_block(progress):
    if progress.phase == "blocks":
        raise Stopped


@pytest.fixture(scope="module")
def served(small_bench, tmp_path_factory):
    """A virtual bench whose column 2 no relay reaches, and the folder of its files."""
    folder = small_bench(tmp_path_factory.mktemp("bench"))
    with ServedInstruments(assemble(load_any(str(folder / "virtual.yaml")))) as instruments:
        for row in (1, 2, 3):
            instruments.arm_fault(f"matrix:stuck_open:2-{row}-3")
        yield instruments


@pytest.fixture(scope="module")
def bench(served, small_bench, tmp_path_factory):
    """The file of that bench, as one of real instruments."""
    resources = [server.resource for server in served.servers.values()]
    return str(small_bench(tmp_path_factory.mktemp("reached"), resources=resources) / "bench.yaml")


@pytest.fixture(scope="module")
def resumed(bench, tmp_path_factory):
    """The folder of a run that was stopped behind its block, and finished."""
    parent = tmp_path_factory.mktemp("runs")
    with pytest.raises(Stopped):
        start(
            load_experiment("reference", bench=bench, changes=SETTINGS), parent, workers=1, show=stop_behind_the_block
        )
    (path,) = parent.iterdir()
    return resume(RunFolder.open(path), workers=1, show=quiet)


def test_every_touch_down_is_a_row_of_the_record(resumed):
    """With the row put in a group in the place of a table, the second check overwrote the first."""
    with xr.open_dataset(resumed.data, group="bench/contact", engine="h5netcdf") as contact:
        assert contact.amperes.shape == (2, 8)
        assert contact.amperes.attrs["units"] == "A"
        assert contact.utc_seconds[1] > contact.utc_seconds[0]
        assert contact.line[contact.open[1].to_numpy()].to_numpy().tolist() == ["column 2"]
        assert not contact.shorted.any()


def test_the_report_and_the_summary_name_the_line(resumed):
    write_report(resumed.data, resumed.report)
    page = resumed.report.read_text(encoding="utf-8")
    assert "Contact of the lines" in page
    assert "column 2 is open" in page
    assert "column 2 is open" in summary_text(resumed.data)


def test_a_run_tells_a_bad_line_as_it_begins(bench, tmp_path, caplog):
    experiment = load_experiment("reference", bench=bench, changes=SETTINGS)
    with caplog.at_level(logging.WARNING), pytest.raises(Stopped):
        start(experiment, tmp_path, workers=1, show=stop_behind_the_block)
    assert "column 2 is open" in caplog.text
    assert "goes on" in caplog.text


def test_with_the_probes_up_a_run_is_refused_and_nothing_is_read(tmp_path):
    """Without the refusal the run measures noise for hours."""
    (tmp_path / "up.yaml").write_text("kind: virtual\nof: 2636b-3706a.yaml\ncables: {series_ohms: 1e+9}\n")
    experiment = load_experiment("reference", bench=str(tmp_path / "up.yaml"), changes=SETTINGS)
    with pytest.raises(ProcedureFailed, match=r"(?s)no line has contact.*outputs off"):
        start(experiment, tmp_path / "runs", workers=1, show=quiet)
    (path,) = (tmp_path / "runs").iterdir()
    assert (path / "FAILED").exists()
    with open_data(path / "data.h5") as data:
        (chip,) = {group.split("/")[1] for group in data.tree() if group.startswith("arrays/")}
        assert data.kind(f"arrays/{chip}/reads/amperes").shape[0] == 0, "no block has begun"


def test_rows_that_the_bench_cannot_drive_are_told_and_their_cells_are_nobodys_failure(small_bench, tmp_path, caplog):
    """Seen to fail with these cells classified by their current, as open ones, and with NaN left out of the findings."""
    outside = "row 2, row 3 cannot be driven: 8 of 16 cells are outside of the run"
    small_bench(tmp_path, change=lambda bench: bench["lines"]["rows"].__setitem__(slice(2, 4), [{"ground": True}] * 2))
    experiment = load_experiment("reference", bench=str(tmp_path / "virtual.yaml"), changes=SETTINGS)
    with caplog.at_level(logging.WARNING):
        folder = start(experiment, tmp_path, workers=1, show=quiet)
    assert outside in caplog.text
    assert outside in " ".join(summary_text(folder.data).split())
    with open_data(folder.data) as data:
        (path,) = (f"arrays/{chip}/reference/outcome" for chip in ("small-0a",))
        outcome = data.read(path)
    assert (outcome[2:] == Outcome.OUTSIDE).all()
    assert (outcome[:2] < Outcome.OUTSIDE).all()
    assert (outcome == Outcome.OPEN).sum() < 2
