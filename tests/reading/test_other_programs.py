"""Other programs use a run's files beside labmtj, in the same process, in another one, or through netCDF's library."""

import concurrent.futures
import csv
import multiprocessing
import pickle
import subprocess
import sys

import h5py
import netCDF4
import numpy as np
import pytest
import xarray

import labmtj
from labmtj.reading.export import export
from labmtj.record.portable import portable

READS = "arrays/mtj-35nm-0a/reads"


@pytest.mark.parametrize("first", ["labmtj", "h5py", "xarray"])
def test_labmtj_h5py_and_xarray_have_one_file_open_in_any_order(wine, first):
    """Case M2."""
    ways = {
        "labmtj": lambda: labmtj.open(wine.path),
        "h5py": lambda: h5py.File(wine.data),
        "xarray": lambda: xarray.open_dataset(wine.data, group="arrays/mtj-35nm-0a/reference", engine="h5netcdf"),
    }
    with ways.pop(first)() as opened, ways.popitem()[1]() as second, ways.popitem()[1]() as third:
        assert all((opened, second is not None, third is not None))


def test_a_file_that_another_program_changes_can_still_be_read(spoiled):
    with labmtj.open(spoiled().path) as run, h5py.File(run.data.path, "r+") as file:
        file.attrs["mine"] = 1
        assert run.groups("reference")


def test_the_library_of_netcdf_sees_every_attribute_of_an_export(run, tmp_path):
    """Cases use/08 and use/10; in a process of its own, for it brings its own HDF5."""
    groups = {group.rpartition("/")[2]: group for group in run.groups()}
    for name in ("pulsed", "reads"):
        export(run, groups[name], tmp_path / f"{name}.nc")
    with netCDF4.Dataset(tmp_path / "pulsed.nc") as file:
        with h5py.File(tmp_path / "pulsed.nc", locking=False, driver="stdio") as stored:
            assert set(stored.attrs) - {"_NCProperties"} == set(file.ncattrs())
        assert file.kept == 0
    with netCDF4.Dataset(tmp_path / "reads.nc") as file:
        for name, held in file.variables.items():
            for attribute in {"flag_masks", "flag_values"} & set(held.ncattrs()):
                assert held.getncattr(attribute).dtype == held.dtype, (name, attribute)
        assert file["flags"].flag_masks.dtype == np.uint8


def one_of_each_kind(run):
    """Return a group of each kind: those of other chips have the same columns."""
    return {group.rpartition("/")[2]: group for group in run.groups()}.values()


def test_every_kind_of_group_of_a_run_becomes_netcdf_by_xarray(run, tmp_path):
    """Case use/08: to_netcdf."""
    for number, group in enumerate(one_of_each_kind(run)):
        run[group].to_netcdf(tmp_path / f"{number}.nc", engine="h5netcdf")
        with netCDF4.Dataset(tmp_path / f"{number}.nc") as file:
            assert set(run[group].attrs) <= set(file.ncattrs())


def test_truth_values_of_older_files_are_portable_too():
    found = portable({"one": True, "many": [True, False], "none": [], "text": ["a"], "number": 3})
    assert (found["one"], found["one"].dtype, found["many"].dtype) == (1, np.int8, np.int8)
    assert (found["none"], found["text"], found["number"]) == ([], ["a"], 3)


def test_runs_and_datasets_go_to_another_process(run):
    """Case use/11."""
    for group in one_of_each_kind(run):
        xarray.testing.assert_identical(pickle.loads(pickle.dumps(run[group])), run[group])
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, context) as pool:
        largest = pool.submit(np.max, run[READS].amperes).result()
    assert float(largest) == float(run[READS].amperes.max())
    with pickle.loads(pickle.dumps(run)) as again:
        assert again.groups() == run.groups()


def test_a_sheet_is_numbers_under_one_line_of_names(run, tmp_path):
    """A line of units had made every column text (numpy and pandas take the type from the first value)."""
    export(run, READS, tmp_path / "reads.csv")
    table = np.genfromtxt(tmp_path / "reads.csv", delimiter=",", names=True, deletechars="")
    assert np.array_equal(table["amperes[c3]"], run[READS].amperes[:, 3], equal_nan=True)
    with (tmp_path / "reads.csv").open() as file:
        names = next(csv.reader(file))
    assert names[0] == "amperes[c0]"
    assert names.index("flags[c0]") < names.index("row_volts[0]") < names.index("column_volts[0]") < names.index("sign")


def test_a_name_without_its_unit_has_it_in_brackets(run, tmp_path):
    group = next(group for group in run.groups("reference"))
    export(run, group, tmp_path / "maps.csv")
    with (tmp_path / "maps.csv").open() as file:
        names = next(csv.reader(file))
    for name, variable in run[group].variables.items():
        unit = variable.attrs["units"]
        assert name in names or f"{name} ({unit})" in names
        assert unit == "1" or f"{name} ({unit})" in names or name.endswith(("amperes", "siemens", "volts"))


def test_labmtj_reads_without_the_optional_libraries():
    """What a plain installation has: no xarray, no pyvisa, no netCDF4."""
    code = (
        "import sys\nfor name in ('xarray', 'pyvisa', 'pymeasure', 'lupa', 'netCDF4', 'h5netcdf'):\n"
        "    sys.modules[name] = None\nimport labmtj.reading, procedures.classify.procedure, labmtj.report, labmtj.run"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
