"""Exported files hold what the run holds: read back by others, whole or not there at all."""

import csv
import os

import numpy as np
import pytest
import xarray

import labmtj
from labmtj import cli
from labmtj.errors import DataError, RecordError, UsageError
from labmtj.reading import export as exporting
from labmtj.reading.export import export

READS = "arrays/mtj-35nm-0a/reads"


def sheet(path):
    with path.open(newline="") as file:
        heads, *lines = csv.reader(file)
    return heads, lines


def test_every_kind_of_group_comes_back_from_netcdf_as_it_was(run, tmp_path):
    kinds = {group.rpartition("/")[2]: group for group in run.groups()}
    for number, group in enumerate(kinds.values()):
        export(run, group, tmp_path / f"{number}.nc")
        with xarray.open_dataset(tmp_path / f"{number}.nc", engine="h5netcdf") as copy:
            assert (copy.attrs["run"], copy.attrs["group"]) == (run.name, group)
            ours = run[group]
            assert all(np.array_equal(copy.attrs[name], value) for name, value in ours.attrs.items())
            copy.attrs = ours.attrs = {}  # the copy has those of the file besides
            xarray.testing.assert_identical(copy, ours)


def test_a_table_becomes_a_line_per_row(run, tmp_path):
    export(run, READS, tmp_path / "reads.csv")
    heads, lines = sheet(tmp_path / "reads.csv")
    found = dict(zip(heads, zip(*lines, strict=True), strict=True))
    reads = run.data.group(READS)
    assert len(lines) == len(reads["purpose"])
    for line in (0, 14):
        assert np.array_equal(np.array(found[f"amperes[c{line}]"], float), reads["amperes"][:, line], equal_nan=True)
    assert np.array_equal(np.array(found["shot"], int), reads["shot"])
    assert "row_volts[14]" in heads


def test_a_table_is_cut_into_blocks_without_a_seam(run, tmp_path, monkeypatch):
    export(run, READS, tmp_path / "whole.csv")
    monkeypatch.setattr("labmtj.reading.spreadsheet._BLOCK_BYTES", 50_000)
    export(run, READS, tmp_path / "cut.csv")
    assert (tmp_path / "cut.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_maps_become_a_line_per_cell(run, tmp_path):
    group = "arrays/mtj-35nm-0a/reference"
    export(run, group, tmp_path / "maps.csv")
    heads, lines = sheet(tmp_path / "maps.csv")
    assert heads[:2] == ["row", "column"]
    assert "parallel_amperes" in heads
    expected = run.data.read(f"{group}/parallel_amperes")
    for line in lines:
        assert float(line[heads.index("parallel_amperes")]) == expected[int(line[0]), int(line[1])]
    assert len(lines) == expected.size


def test_what_lacks_an_axis_is_repeated_along_it(run, tmp_path):
    export(run, "wine/mtj-35nm-0/accuracy", tmp_path / "accuracy.csv")
    heads, lines = sheet(tmp_path / "accuracy.csv")
    assert heads == ["variant", "split", "solution", "accuracy", "per_solution_gain"]
    frame = run.accuracy("mtj-35nm-0").to_dataframe().reset_index()  # pandas does the same
    for line, row in zip(lines, frame[heads].itertuples(index=False), strict=True):
        assert line == [str(each) for each in row]


def test_one_array_is_exported_with_its_axes(run, tmp_path):
    export(run, "wine/mtj-35nm-0/refit_both/gain1", tmp_path / "gain.csv")
    heads, lines = sheet(tmp_path / "gain.csv")
    assert heads == ["solution", "hidden", "gain1"]
    assert len(lines) == 3 * 6
    export(run, f"{READS}/purpose", tmp_path / "purpose.csv")
    assert sheet(tmp_path / "purpose.csv")[0] == ["purpose"]


def test_what_is_no_one_sheet_says_what_to_do(run, tmp_path):
    with pytest.raises(DataError, match=r"no one sheet; export each by its path, or the group to \.nc"):
        export(run, "wine/mtj-35nm-0/refit_both", tmp_path / "both.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_only_by_force(run, tmp_path):
    path = tmp_path / "maps.csv"
    path.write_text("mine")
    with pytest.raises(UsageError, match="--force"):
        export(run, READS, path)
    assert path.read_text() == "mine"
    export(run, READS, path, force=True)
    assert path.read_text().startswith("amperes[c0]")


@pytest.mark.parametrize("name", ["out.csv", "out.nc"])
def test_a_write_that_fails_leaves_nothing(run, tmp_path, monkeypatch, name):
    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting.files, "rename", full)
    with pytest.raises(RecordError, match="No space left"):
        export(run, READS, tmp_path / name)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(RecordError, match="give another FILE"):
        export(run, READS, tmp_path / "nowhere" / name)


def test_the_command_says_what_it_did_or_why_not(wine, tmp_path, capsys):
    assert cli.main(["export", str(wine.path), READS, str(tmp_path / "reads.nc")]) == 0
    assert "reads.nc: " in capsys.readouterr().out
    wrong = [
        ([READS, "reads.xlsx"], "ends in .nc or .csv"),
        (["arrays/mtj-35nm-0a/amplitude", "a.nc"], "labmtj run amplitude"),
        ([READS, "reads.nc"], "--force"),
    ]
    for (group, name), words in wrong:
        assert cli.main(["export", str(wine.path), group, str(tmp_path / name)]) == 2
        said = capsys.readouterr().err
        assert words in said
        assert said.startswith("labmtj: ")
    assert os.listdir(tmp_path) == ["reads.nc"]  # noqa: PTH208


def test_an_export_of_a_killed_run_says_what_is_missing(spoiled, tmp_path, capsys):
    folder = spoiled()
    (folder.path / "DONE").unlink()
    assert cli.main(["export", str(folder.path), "arrays/mtj-50nm-0a/reads", str(tmp_path / "out.nc")]) == 0
    assert "labmtj resume" in capsys.readouterr().err


def test_values_that_are_no_numbers_stay_so(spoiled, tmp_path):
    def spoil(file):
        file["arrays/mtj-50nm-0a/reference/parallel_amperes"][2, 3] = np.nan

    with labmtj.open(spoiled(spoil).path) as run:
        export(run, "arrays/mtj-50nm-0a/reference/parallel_amperes", tmp_path / "maps.csv")
    _, lines = sheet(tmp_path / "maps.csv")
    assert [line[:2] for line in lines if line[2] == "nan"] == [["2", "3"]]
