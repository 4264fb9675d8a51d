"""The wheel works outside the checkout: built from the sdist, installed into an empty environment, run there.

So does the example of a plug-in beside it; and the conformance kit finds what is planted there.
"""

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = (
    "labmtj",
    "instruments",
    "procedures",
    "data",
    "pyproject.toml",
    "setup.py",
    "MANIFEST.in",
    "README.md",
    "LICENSE",
)

ORIGINS = """
import importlib, pkgutil, sys
for name in ("labmtj", "instruments", "procedures"):
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
for name, module in list(sys.modules.items()):
    if getattr(module, "__file__", None):
        print(name.partition(".")[0], module.__file__, sep="\\t")
from labmtj import library
print("labmtj", library.folder() / "arrays", sep="\\t")
"""


def call(*command, cwd, ok=(0,)):
    """Run a command that sees neither the checkout nor the user's settings; return what it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_", "COV_"))}
    environment |= {"HOME": str(cwd), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode in ok, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from an sdist of a copy: nothing is left in the checkout, and old builds there do not matter."""
    folder = tmp_path_factory.mktemp("build")
    copy = folder / "source"
    copy.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy)
    call(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist", copy, cwd=folder)
    (built,) = (folder / "dist").glob("labmtj-*.whl")
    return built


def environment(folder, *wheels):
    """Return the Python of a fresh environment with the wheels. It borrows the dependencies of this one.

    They stay where they are: a path file adds their folder after its own. Python does not follow path files found
    there, so an editable labmtj of this environment stays out of sight.
    """
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    install = ("install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", *wheels)
    call(sys.executable, "-m", "pip", "--python", python, *install, cwd=folder)
    (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    borrowed = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (packages / "borrowed.pth").write_text("\n".join(borrowed) + "\n")
    return python


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder of an environment with labmtj alone."""
    folder = tmp_path_factory.mktemp("installed")
    environment(folder, wheel)
    return folder


def test_every_file_of_packages_and_data_is_in_the_wheel_and_nothing_else(wheel):
    expected = {
        ("labmtj/" if folder == "data" else "") + path.relative_to(ROOT).as_posix()
        for folder in ("labmtj", "instruments", "procedures", "data")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        assert {name for name in archive.namelist() if ".dist-info/" not in name} == expected


def test_every_module_and_the_data_come_from_the_installation(installed):
    lines = call(installed / "venv" / "bin" / "python", "-c", ORIGINS, cwd=installed).splitlines()
    origins = [(package, Path(path)) for package, path in (line.split("\t") for line in lines)]
    ours = {"labmtj", "instruments", "procedures"}
    mine = [path for package, path in origins if package in ours]
    assert len(mine) > 50
    assert [path for path in mine if not path.is_relative_to(installed)] == []
    checkout = [ROOT / name for name in (*ours, "data")]
    assert [path for _, path in origins if any(path.is_relative_to(folder) for folder in checkout)] == []


def test_a_small_campaign_runs_there(installed):
    labmtj = installed / "venv" / "bin" / "labmtj"
    out = call(labmtj, "run", "--count", "2", "--sizes", "[mtj-100nm]", "--workers", "1", cwd=installed)
    (run,) = (installed / "runs").iterdir()
    assert (run / "DONE").exists()
    assert (run / "data.h5").stat().st_size > 10_000
    assert f"report: {Path('runs') / run.name / 'report.html'}" in out


# -- the example of a plug-in ------------------------------------------------------------------------------------------

PLANTED = """
from labmtj_example.notches import NotchCells, Notches, NotchSwitching
from labmtj_example.ramp import Ramp
from labmtj_example.sm100 import SM100


class Eager(SM100):
    def identify(self):
        found = super().identify()
        self.write(":OUTP 1")
        return found


class Forgetful(Ramp):
    _before = 0.0  # of the array before this one: gone when the process is

    def execute(self, crossbar, log):
        log.put("before", {"volts": Variable(np.array(self._before), "V", "what was kept outside of the record")})
        self._before = self._before + 1.0
        return super().execute(crossbar, log)


class Backwards(NotchSwitching):
    def rates(self, volts):
        return -super().rates(volts)


class BackwardsCells(NotchCells):
    def switching(self, state):
        return Backwards(self, state)


class Unphysical(Notches):
    def draw(self, *arguments):
        return BackwardsCells(**{**vars(super().draw(*arguments))})
"""
PLANTED_TESTS = """
from labmtj.testing import DeviceConformance, ProcedureConformance, UnitConformance
from test_conformance import TestNotches


class TestPlantedDriver(UnitConformance):
    driver = "eager"


class TestPlantedProcedure(ProcedureConformance):
    experiment = "forgetful"


class TestPlantedDevice(DeviceConformance):
    device, family = "unphysical", TestNotches.family


del TestNotches
"""
ENTRIES = """
[labmtj.drivers]
eager = planted:Eager
[labmtj.virtual]
eager = labmtj_example.virtual_sm100:VirtualSM100
[labmtj.procedures]
forgetful = planted:Forgetful
[labmtj.devices]
unphysical = planted:Unphysical
"""
FOUND = {
    "TestPlantedDriver::test_connecting_changes_nothing",
    "TestPlantedDevice::test_rates_are_the_row_sums_of_transitions_and_not_negative",
    "TestPlantedProcedure::test_a_journal_torn_anywhere_is_resumed_to_the_same_result",
}
KILLED = "TestPlantedProcedure::test_a_run_that_was_killed_is_resumed_to_the_same_result"


@pytest.fixture(scope="module")
def beside(wheel, tmp_path_factory):
    """The folder of an environment with labmtj and the example, with its tests and what is planted among them."""
    folder = tmp_path_factory.mktemp("beside")
    shutil.copytree(
        ROOT / "examples" / "plugin", folder / "source", ignore=shutil.ignore_patterns("build", "*.egg-info")
    )
    call(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, folder / "source", cwd=folder)
    (example,) = folder.glob("labmtj_example-*.whl")
    environment(folder, wheel, example)
    tests = shutil.copytree(folder / "source" / "tests", folder / "tests")
    shutil.copytree(folder / "source" / "benches", folder / "benches")
    (tests / "planted.py").write_text("import numpy as np\nfrom labmtj.schema import Variable\n" + PLANTED)
    (tests / "test_planted.py").write_text(PLANTED_TESTS)
    info = tests / "planted-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRIES)
    return folder


def test_a_procedure_of_a_plugin_runs_by_its_name_and_its_report_has_a_section_of_its_own(beside):
    labmtj = beside / "venv" / "bin" / "labmtj"
    out = call(labmtj, "run", "ramp", "--bench", "simulated", "--workers", "1", cwd=beside)
    assert "ramp: mtj-50nm-0a: conductance changes by" in out
    (run,) = (beside / "runs").iterdir()
    page = (run / "report.html").read_text()
    assert "Ramp of mtj-50nm-0a" in page
    assert "cannot be shown" not in page
    listed = call(labmtj, "plugins", cwd=beside)
    assert "labmtj-example 0.1.0 ramp labmtj_example.ramp:Ramp" in " ".join(listed.split())
    assert "cannot be loaded" not in listed


def test_the_kit_passes_on_the_example_and_finds_what_is_planted(beside, torture):
    python, tests = beside / "venv" / "bin" / "python", beside / "tests"
    chosen = [] if torture else ["-k", "not (spoilt or killed or PyMeasure or same_run or 0.3 or both_units)"]
    out = call(python, "-m", "pytest", "-q", "-rf", "-p", "no:cacheprovider", *chosen, cwd=tests, ok=(1,))
    failed = [line.split()[1].partition("::")[2] for line in out.splitlines() if line.startswith("FAILED ")]
    assert {name.partition("[")[0] for name in failed} == (FOUND | {KILLED} if torture else FOUND), out
    assert " passed" in out
