"""The wheel works outside the checkout: built from the sdist, installed into an empty environment, run there."""

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


def call(*command, cwd):
    """Run a command that sees neither the checkout nor the user's settings; return what it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_", "COV_"))}
    environment |= {"HOME": str(cwd), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
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


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A fresh environment with the wheel. It borrows the dependencies of this one, which stay where they are.

    A path file adds the folder of the dependencies behind its own. Python does not follow path files found there, so an
    editable labmtj of this environment stays out of sight.
    """
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    install = ("install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", wheel)
    call(sys.executable, "-m", "pip", "--python", python, *install, cwd=folder)
    (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    borrowed = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (packages / "borrowed.pth").write_text("\n".join(borrowed) + "\n")
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
