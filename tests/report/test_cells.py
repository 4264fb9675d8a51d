"""What single cells did, in the page and in the terminal: one small array, every procedure on it."""

import h5py
import numpy as np
import pytest

from labmtj import library
from labmtj.report import write_report
from labmtj.report.contents import open_contents
from labmtj.report.sections import sections
from labmtj.report.summary import summary_lines
from labmtj.run import load_experiment, start
from procedures.common.cell_section import CellSection

PROCEDURES = {
    "hysteresis": ({"cells": [[0, 0], [7, 7]], "aperture_seconds": 0.001}, "R-V loops", "loops of 2 cells, 2 switch"),
    "switching": (
        {"pulses": 60, "widths_seconds": [1e-3, 1e-2], "count": 1},
        "Switching probability",
        "V50 between the lines at 0.01 s",
    ),
    "write-errors": (
        {"volts": [0.3, 0.9], "pulses": 4, "count": 1},
        "Write errors",
        "write errors, mean over the cells tested, at 95 %",
    ),
    "disturb": (
        {"volts": [0.6], "pulses": 3, "count": 1, "hold_seconds": 0.1},
        "Half-select disturb",
        "disturb: cells of the family lost after",
    ),
    "retention": (
        {"waits_seconds": [60.0]},
        "Cells of the family lost after 60 s",
        "Cells of the family lost after",
    ),
    "noise": ({"samples": 64, "cells": [[0, 0], [1, 1]]}, "spectra of 2 cells", "of 2 cells noisy"),
    "endurance": ({"cycles": 3, "count": 1}, "Endurance", "Cells broken down within 3 cycles (95 % interval): 0 of 1"),
}


def groups_of_cells(contents):
    return [group for section in sections(contents) if isinstance(section, CellSection) for group in section.groups]


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A simulated bench with one array, without defects."""
    folder = tmp_path_factory.mktemp("bench")
    text = (library.folder() / "benches" / "simulated.yaml").read_text()
    (folder / "one.yaml").write_text(text.replace("[mtj-35nm, mtj-50nm, mtj-75nm, mtj-100nm]", "[mtj-50nm]"))
    return str(folder / "one.yaml")


@pytest.mark.parametrize("name", PROCEDURES)
def test_every_procedure_runs_by_its_file_and_is_shown(name, bench, tmp_path):
    changes, on_page, in_terminal = PROCEDURES[name]
    folder = start(load_experiment(name, bench=bench, changes=changes), tmp_path, workers=1, show=lambda progress: None)
    assert folder.ending == "DONE"
    write_report(folder.data, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "of chip mtj-50nm-0a" in page
    assert on_page in page
    assert "cannot be shown" not in page
    assert "nan" not in page.partition("Cells of chip")[2].partition("Bench time")[0].lower().replace("nano", "")
    with open_contents(folder.data) as contents:
        assert groups_of_cells(contents) == [f"arrays/mtj-50nm-0a/{name.replace('-', '_')}"]
        text = " ".join(summary_lines(contents))
    assert in_terminal in text
    assert "on the bench" in text
    if name in ("disturb", "retention"):
        _as_older_record(folder.data, name)
        with open_contents(folder.data) as contents:
            assert " ".join(summary_lines(contents)) == text


def _as_older_record(data, name):
    """Leave the counts alone, as records were that took all cells for alike: fractions are worked out from them."""
    with h5py.File(data, "r+") as file:
        group = file[f"arrays/mtj-50nm-0a/{name}"]
        for array in ("lost", "lost_low", "lost_high"):
            del group[array]
        if name == "disturb":
            group["exposures"] = np.full(group["flipped"].shape, group.attrs["exposures"], float)
            del group.attrs["exposures"]


def test_a_run_of_another_procedure_has_no_such_section(data, page):
    with open_contents(data) as contents:
        assert groups_of_cells(contents) == []
    assert "Cells of chip" not in page
