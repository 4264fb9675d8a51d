"""What the tests of the perceptron share."""

import os
from pathlib import Path

import pytest

from labmtj.network import wine
from labmtj.network.solution import Solutions

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def data():
    return wine.load()


@pytest.fixture(scope="session")
def shipped():
    return Solutions.load(ROOT / "data" / "solutions" / "wine-300.npz")


@pytest.fixture(scope="session")
def nist_folder():
    """The public solutions, which are not part of the repository."""
    folder = Path(os.environ.get("LABMTJ_NIST_WINE", ROOT.parent / "shared" / "data" / "nist-wine"))
    if not folder.is_dir():
        pytest.skip("the public solutions are not here; LABMTJ_NIST_WINE names their folder")
    return folder


@pytest.fixture(scope="session")
def public(nist_folder):
    return Solutions.load(nist_folder / "solutions-000-099.npz")
