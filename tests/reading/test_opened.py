"""A run is opened without knowing its layout, whatever became of it, and without being changed."""

import datetime
import hashlib
import os
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest
import xarray

import labmtj
from labmtj.errors import DataError, UsageError
from labmtj.record import files


def digest(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.path.iterdir()}


def test_a_run_says_what_it_was(run, wine):
    assert (run.experiment, run.seed, run.ended) == ("wine", 3, "done")
    assert run.procedure == "procedures.classify.WineCampaign"
    assert run.settings["write"]["max_rounds"] == 0
    assert run.bench["kind"] == "simulated"
    assert run.tags == ("first", "unrepaired")
    assert run.chips == ("mtj-35nm-0a", "mtj-35nm-0b", "mtj-75nm-0a", "mtj-75nm-0b")
    assert run.stations == ("mtj-35nm-0", "mtj-75nm-0")
    assert abs(datetime.datetime.now(datetime.UTC) - run.created) < datetime.timedelta(hours=1)
    assert (run.operator, run.notes, run.remarks) == ("", "", ())
    assert (
        repr(run) == f"<labmtj run {wine.path.name}: done, 4 chips, {len(run.groups())} groups; print(run) says more>"
    )
    assert len(repr(run)) <= 100
    text = str(run)
    assert wine.path.name in text
    assert "mtj-35nm-0a" in text


def test_every_kind_of_group_is_what_xarray_itself_finds_in_the_file(run, tmp_path):
    """h5netcdf shares nothing with this reading but the file."""
    copy = shutil.copy(run.data.path, tmp_path / "copy.h5")
    kinds = {group.rpartition("/")[2]: group for group in run.groups()}
    assert {"reads", "pulses", "reference", "solutions", "accuracy", "dataset", "pulsed"} <= set(kinds)
    for group in kinds.values():
        with xarray.open_dataset(copy, group=group, engine="h5netcdf") as theirs:
            xarray.testing.assert_identical(run[group], theirs)


@pytest.mark.parametrize(
    "key", [{"read": 5}, {"read": slice(3, 30, 7)}, {"read": [9, 2, 2]}, {"line": slice(None, None, -1)}]
)
def test_what_is_selected_is_what_is_read(run, key):
    reads = run.reads("mtj-35nm-0a").amperes
    with h5py.File(run.data.path, locking=False) as file:
        values = file["arrays/mtj-35nm-0a/reads/amperes"][:]
    index = tuple(key.get(dim, slice(None)) for dim in ("read", "line"))
    assert np.array_equal(reads.isel(key).values, values[index], equal_nan=True)
    assert reads.shape == values.shape


def test_a_dataset_reads_no_more_than_is_asked_for(run, monkeypatch):
    asked = []
    part = run.data.part
    monkeypatch.setattr(run.data, "part", lambda path, key: asked.append((path, key)) or part(path, key))
    reads = run.reads("mtj-35nm-0a")
    repr(reads)
    assert all(path.endswith("/line") for path, _ in asked)
    asked.clear()
    assert reads.amperes[3].values.shape == (15,)
    assert [path for path, _ in asked] == ["arrays/mtj-35nm-0a/reads/amperes"]
    assert asked[0][1][0] == 3


def test_shortcuts_lead_to_their_groups(run):
    assert run.solutions("mtj-35nm-0").sizes["solution"] == 3
    assert set(run.accuracy("mtj-35nm-0").variant.values) > {"software", "common"}
    assert run.pulses("mtj-35nm-0a").sizes["pulse"] > 30
    assert run.groups("reference") == [f"arrays/{chip}/reference" for chip in run.chips]
    assert "arrays/mtj-35nm-0a/reads" in run
    assert run.attributes("arrays/mtj-35nm-0a/reference")["polarity"] == 1


def test_a_data_file_opens_as_its_folder_does(wine, tmp_path):
    with labmtj.open(str(wine.data)) as run:
        assert run.ended == "done"
    alone = shutil.copy(wine.data, tmp_path / "elsewhere.h5")
    with labmtj.open(alone) as run:
        assert (run.ended, run.experiment, run.name) == ("unknown", "wine", wine.path.name)


def test_a_run_that_was_killed_opens_with_what_there_is(spoiled):
    folder = spoiled()
    (folder.path / "DONE").unlink()
    with folder.journal.open("ab") as journal:
        journal.write(bytes(100))
    before = digest(folder)
    with labmtj.open(folder.path) as run:
        assert run.ended == "killed"
        assert f"labmtj resume {folder.path}" in run.remarks[0]
        assert "100 bytes" in run.remarks[1]
        assert f"labmtj recover {folder.path}" in str(run)
        assert run.reads("mtj-50nm-0a").sizes["read"] == 90
    assert digest(folder) == before


def test_a_run_that_goes_on_says_so(spoiled):
    folder = spoiled()
    (folder.path / "DONE").unlink()
    descriptor = files.open_existing(folder.journal)
    files.lock(descriptor, folder.journal)
    with labmtj.open(folder.path) as run:
        assert run.ended == "running"
        assert "open it again" in str(run)
    os.close(descriptor)


def test_a_group_that_is_not_there_is_named_with_what_would_make_it(run):
    with pytest.raises(DataError, match=r"no group 'arrays/mtj-35nm-0a/amplitude'.*labmtj run amplitude"):
        run.of("mtj-35nm-0a", "amplitude")
    with pytest.raises(DataError, match=r"did you mean arrays/mtj-35nm-0a/reads"):
        run["arrays/mtj-35nm-0a/raeds"]
    with pytest.raises(DataError, match=r"no group 'arrays/chip-9/reads'; did you mean arrays/mtj-35nm-0a/reads"):
        run.reads("chip-9")


def newer(file):
    file.attrs["labmtj_record_version"] = 2


def foreign(file):
    del file.attrs["labmtj_record_version"]


@pytest.mark.parametrize(
    ("change", "words"), [(newer, "record version 2.*install a newer"), (foreign, "not a data file")]
)
def test_files_of_others_and_of_the_future_are_refused(spoiled, change, words):
    with pytest.raises(DataError, match=words):
        labmtj.open(spoiled(change).path)


def test_what_is_no_run_or_cut_short_is_refused(spoiled, tmp_path):
    with pytest.raises(UsageError, match="not there"):
        labmtj.open(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="not a run"):
        labmtj.open(tmp_path)
    folder = spoiled()
    os.truncate(folder.data, folder.data.stat().st_size // 2)
    with pytest.raises(DataError, match=r"data\.h5 cannot be read"):
        labmtj.open(folder.path)
    folder.data.unlink()
    with pytest.raises(DataError, match="labmtj recover"):
        labmtj.open(folder.path)


def test_a_damaged_description_leaves_the_data_readable(spoiled):
    folder = spoiled(lambda file: file["provenance"].attrs.__setitem__("run_yaml", "a: [1"))
    with labmtj.open(folder.path) as run:
        assert (run.settings, run.procedure, run.created) == ({}, "unknown", None)
        assert run.chips


def test_reading_needs_no_xarray_until_a_dataset_is_asked_for(wine):
    program = (
        "import sys; sys.modules['xarray'] = None; import labmtj; run = labmtj.open(sys.argv[1]);"
        "print(len(next(run.blocks('arrays/mtj-35nm-0a/reads', ['purpose']))['purpose']));"
        "run.reads('mtj-35nm-0a')"
    )
    done = subprocess.run([sys.executable, "-c", program, wine.path], capture_output=True, text=True, check=False)
    assert int(done.stdout) > 90
    assert "pip install 'labmtj[notebook]'" in done.stderr.splitlines()[-1]
