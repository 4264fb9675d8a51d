"""Runs of every experiment on an array that is not square: what their data say of themselves, and their reports."""

import html
import re
import shutil
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import h5py
import matplotlib as mpl
import pytest
import xarray

from labmtj import library
from labmtj.health import Health
from labmtj.report import style, summary_text
from labmtj.report.contents import open_contents
from labmtj.report.kinds import kind_words
from labmtj.run import load_experiment, start
from procedures.common.reference import Outcome
from procedures.patterns.section import pattern_maps, patterns_group

SMALL = {
    "all-ports": {},
    "amplitude": {"points": 8},
    "calibrate": {},
    "disturb": {"volts": [0.6], "pulses": 3, "hold_seconds": 0.0},
    "endurance": {"count": 2, "cycles": 20},
    "health": {},
    "hysteresis": {"cells": "all", "step_volts": 0.1},
    "noise": {"samples": 64},
    "patterns": {"patterns": ["checkerboard"], "amplitude": None},
    "read-map": {},
    "reference": {},
    "retention": {"waits_seconds": [10.0]},
    "switching": {"count": 1, "widths_seconds": [1e-2, 3e-2], "pulses": 20},
    "write-errors": {"volts": [0.5, 0.6], "pulses": 5},
}
"""settings that make each experiment short; `wine` and `methods` have fixtures of their own"""


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A bench with one array of 3 rows and 4 columns."""
    folder = tmp_path_factory.mktemp("bench")
    array = (library.folder() / "arrays" / "mtj-50nm.yaml").read_text()
    (folder / "small.yaml").write_text(re.sub(r"shape: \[15, 15\]", "shape: [3, 4]", array))
    bench = (library.folder() / "benches" / "simulated.yaml").read_text()
    (folder / "bench.yaml").write_text(re.sub(r"arrays: \[.*?\]", "arrays: [small.yaml]", bench))
    return str(folder / "bench.yaml")


def test_no_experiment_is_left_out():
    shipped = {path.stem for path in (library.folder() / "experiments").glob("*.yaml")}
    assert shipped - {"wine", "methods"} == set(SMALL)


@pytest.fixture(scope="module")
def made(bench, tmp_path_factory, reported):
    """Returns a function that runs an experiment, once, and names the flaws of the figures of its report."""

    @cache
    def made(experiment):
        prepared = load_experiment(experiment, bench=bench, seed=2, changes=SMALL[experiment])
        folder = start(prepared, tmp_path_factory.mktemp(experiment), workers=1, show=lambda progress: None)
        return folder, reported(folder.data)

    return made


@pytest.mark.parametrize("experiment", SMALL)
def test_every_integer_code_says_what_it_means(experiment, made, codes_without_meaning):
    assert codes_without_meaning(made(experiment)[0].data) == []


@pytest.mark.parametrize("experiment", SMALL)
def test_figures_can_be_read(experiment, made):
    assert made(experiment)[1] == []


FIRST = {
    "all-ports": r"Resistance of the wires \(standard error\): \S+ row (lead|segment) [\d.]+ ± [\d.]+ ohm",
    "amplitude": r"Write amplitudes .*: \S+ P at 0\.\d+ V \([\d.]+ %\), AP at 0\.\d+ V",
    "calibrate": r"Resistance of the wires",
    "disturb": r"Cells of the family lost after \d+ half-selects at 0\.6 V, in the worst case \(95 % interval\): .* %",
    "endurance": r"Cells broken down within 20 cycles \(95 % interval\): \S+ 0 of 2, of the family below",
    "health": r"Usable cells: \S+ 12 of 12",
    "hysteresis": r"Switching voltages, median \(5 to 95 % of the cells\): \S+ to P 0\.\d+ V \(.* to .*\), to AP -0",
    "noise": r"Noise of the reads, rms over mean, median .*: \S+ 0\.\d+ % \(.*\), \d+ of 12 cells noisy",
    "patterns": r"Write fidelity of 1 test pattern, median \(worst\): \S+ \d+\.\d+ % \(",
    "read-map": r"Conductance of the cells, wires included, median .*: \S+ \d+\.\d µS \(",
    "reference": r"Contrast \(P - AP\) / AP of the read currents, median .*: \S+ \d+\.\d % \(.*\), 12 of 12 usable",
    "retention": r"Cells of the family lost after 10 s \(95 % interval\): \S+ to P below .* %",
    "switching": r"V50 between the lines at 0\.03 s, median .*: \S+ to P 0\.\d+ V \(",
    "write-errors": r"Lowest write error rate, mean over the cells tested \(95 % interval\): \S+ to P .* at 0\.\d V",
}


@pytest.mark.parametrize("experiment", SMALL)
def test_a_report_begins_with_what_was_found(experiment, made):
    """With the main figure, its interval and unit: it began with "records of 1 chip(s)"."""
    page = html.unescape(made(experiment)[0].report.read_text(encoding="utf-8"))
    (lead,) = re.findall(r'<p class="lead">(.*?)</p>', page)
    assert re.match(FIRST[experiment], lead), lead
    assert len(lead) < 300
    text = summary_text(made(experiment)[0].data)
    assert " ".join(text.split()).partition("seed 2 ")[2].startswith(lead)
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("name", sorted({*Outcome.__members__, *Health.__members__}))
def test_kinds_of_cells_have_one_form(name):
    """It was "stuck p" in one table and "stuck in P" in others."""
    words = kind_words(name.lower())
    assert "_" not in words
    assert not words.startswith("stuck") or words in ("stuck in P", "stuck in AP")


def test_the_worst_disturb_is_the_largest_fraction_not_the_widest_interval(made, tmp_path):
    data = shutil.copy(made("disturb")[0].data, tmp_path / "data.h5")
    with h5py.File(data, "r+") as file:
        (group,) = (chip["disturb"] for chip in file["arrays"].values())
        for name, few, many in (("lost", 0.1, 0.6), ("lost_low", 0.0, 0.5), ("lost_high", 0.9, 0.7)):
            group[name][...] = few
            group[name][0, 1, -1] = many
    assert "half to AP 60.0 % (50.0 to 70.0)" in summary_text(data)


def test_a_pattern_is_shown_as_written_beside_as_wanted(made, tmp_path):
    folder, _ = made("patterns")
    assert "Test patterns as written" in folder.report.read_text(encoding="utf-8")
    data = shutil.copy(folder.data, tmp_path / "data.h5")
    with h5py.File(data, "r+") as file:
        (station,) = (each for each in file["patterns"] if each != "summary")
        written = file[f"patterns/{station}/written"]
        written["achieved"][...] = written["target"][...]
        written["achieved"][0, 1, 2] = 1 - written["target"][0, 1, 2]
    with open_contents(data) as contents, style.look():
        shown = pattern_maps(contents, patterns_group(contents, contents.chips[0]))
    assert "marks cells that differ, 1 in all" in shown.text
    assert "checkerboard" in shown.text
    assert b"checkerboard: wanted" in shown.svg


@pytest.mark.parametrize("experiment", SMALL)
def test_every_snippet_of_a_report_works(experiment, made, monkeypatch):
    """Case M8: some had never worked."""
    folder, _ = made(experiment)
    page = html.unescape(folder.report.read_text(encoding="utf-8"))
    snippets = re.findall(r"<code>(xr\.open_dataset\(.*?)</code>", page)
    assert snippets
    assert "cannot be shown" not in page
    mpl.use("Agg")
    from matplotlib import pyplot

    monkeypatch.chdir(folder.path)
    failed = {}
    for snippet in snippets:
        try:
            assert eval(snippet, {"xr": SimpleNamespace(open_dataset=xarray.open_dataset)}) is not None
        except (OSError, LookupError, TypeError, ValueError, AttributeError) as error:
            failed[snippet] = repr(error)
        pyplot.close("all")
    assert failed == {}
    assert Path("report.html").exists()
