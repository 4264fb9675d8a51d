"""What each extra of pyproject.toml promises works; where it is not installed, one sentence says what to install."""

import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import h5py
import numpy as np
import pytest
import pyvisa

from instruments.session import Session
from labmtj.bench import load_any
from labmtj.bench.session.sessions import driver_class
from labmtj.errors import InstrumentError
from labmtj.extras import EXTRAS
from labmtj.virtual.tsp import sandbox

PROMISED = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]["optional-dependencies"]
IMPORTED = {"pyvisa-py": "pyvisa_py", "import-linter": "importlinter", "netCDF4": "netCDF4", "pytest-xdist": "xdist"}
TYPES = {"types-PyYAML", "msgpack-types", "scipy-stubs"}
"""for mypy: nothing to import"""
PROGRAM = "import sys; sys.modules[sys.argv[1]] = None; from labmtj.cli import main; sys.exit(main(sys.argv[2:]))"


@pytest.mark.parametrize("extra", PROMISED)
def test_what_an_extra_installs_can_be_imported(extra):
    for wanted in PROMISED[extra]:
        name = re.match(r"[\w-]+", wanted)[0]
        if not wanted.startswith("labmtj[") and name not in TYPES:
            module = IMPORTED.get(name, name)
            pytest.importorskip(module) if extra == "check" else importlib.import_module(module)


def test_every_library_of_an_extra_for_users_is_named_where_it_is_missing():
    for extra in ("instruments", "virtual", "notebook"):
        names = {re.match(r"[\w-]+", wanted)[0] for wanted in PROMISED[extra]}
        assert {IMPORTED.get(name, name) for name in names} == {name for name, of in EXTRAS.items() if of == extra}


def test_instruments_brings_drivers_and_sessions():
    bench = load_any("2636b-3706a")
    assert driver_class("smu", bench.instruments["smu"]).__name__ == "Keithley2636B"
    assert "py" in str(pyvisa.ResourceManager("@py").visalib)


def test_virtual_brings_lua():
    assert sandbox.lupa.LuaRuntime().eval("1 + 1") == 2


def test_notebook_brings_datasets_that_xarray_opens_by_itself(tmp_path):
    import xarray

    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["amperes"] = np.arange(3.0)
        file["amperes"].make_scale("line")
    with xarray.open_dataset(tmp_path / "data.h5", engine="h5netcdf") as found:
        assert float(found["amperes"].max()) == 2.0


@pytest.mark.parametrize(
    ("library", "command", "sentence"),
    [
        (
            "pymeasure",
            ["check", "2636b-3706a"],
            r"instruments\.smu\.driver: \S+ needs pymeasure, which is not installed",
        ),
        ("lupa", ["serve", "virtual-2636b-3706a"], r"the virtual Keithley\w+ needs lupa, which is not installed"),
        ("lupa", ["coverage"], r"labmtj: this command needs lupa, which is not installed"),
    ],
)
def test_what_is_missing_is_named_with_what_to_install(library, command, sentence):
    call = [sys.executable, "-c", PROGRAM, library, *command]
    done = subprocess.run(call, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 2
    (said,) = done.stderr.splitlines()
    assert re.search(rf"{sentence}: pip install 'labmtj\[{EXTRAS[library]}\]'$", said), said


@pytest.mark.parametrize(
    ("library", "sentence"),
    [
        ("@py", r"needs pyvisa-py, which is not installed: pip install 'labmtj\[instruments\]'"),
        ("@ivi", "NI or Keysight"),
    ],
)
def test_a_library_of_sessions_that_is_missing_is_named(library, sentence, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyvisa_py", None)
    monkeypatch.setattr(pyvisa.highlevel, "_WRAPPERS", {})
    monkeypatch.setenv("PYVISA_LIBRARY", library)
    with pytest.raises(InstrumentError, match=sentence):
        Session("TCPIP::127.0.0.1::hislip0::INSTR", "smu", visa_library=library)
