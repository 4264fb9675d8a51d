"""Small real runs, made once and read-only; and a folder to spoil copies of them in."""

import shutil
from pathlib import Path

import h5py
import pytest

import labmtj
from labmtj.run import RunFolder, load_experiment, start


def made(folder, experiment, **options):
    return start(load_experiment(experiment, **options), folder, workers=1, show=lambda progress: None)


@pytest.fixture(scope="session")
def wine(tmp_path_factory):
    """Three solutions on two sizes, not repaired."""
    changes = {"count": 3, "sizes": ["mtj-35nm", "mtj-75nm"], "amplitude": None, "write": {"max_rounds": 0}}
    return made(tmp_path_factory.mktemp("wine"), "wine", seed=3, changes=changes, tags=("first", "unrepaired"))


@pytest.fixture(scope="session")
def repaired(tmp_path_factory):
    """The same with repair, on the same chips."""
    changes = {"count": 3, "sizes": ["mtj-35nm", "mtj-75nm"], "amplitude": None, "write": {"max_rounds": 3}}
    return made(tmp_path_factory.mktemp("repaired"), "wine", seed=3, changes=changes)


@pytest.fixture(scope="session")
def reference(tmp_path_factory):
    """Reference maps of four chips."""
    return made(tmp_path_factory.mktemp("reference"), "reference", seed=3)


@pytest.fixture
def run(wine):
    """The wine run, open."""
    with labmtj.open(wine.path) as run:
        yield run


@pytest.fixture
def spoiled(reference, tmp_path):
    """Returns a function that copies the reference run and does something to its open data.h5."""

    def spoiled(change=lambda file: None):
        folder = RunFolder(Path(shutil.copytree(reference.path, tmp_path / "spoiled")))
        with h5py.File(folder.data, "r+") as file:
            change(file)
        return folder

    return spoiled
