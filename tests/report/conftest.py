"""One small real run, made once, and runs that were stopped on the way; all read-only."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest

from labmtj.errors import Stopped
from labmtj.report import write_report
from labmtj.run import Progress, load_experiment, start

SIZES = ["mtj-35nm", "mtj-100nm"]
COUNT = 4


def run(folder: Path, show: Callable[[Progress], None]) -> Path:
    """Run the campaign on two sizes and return data.h5."""
    changes = {"count": COUNT, "sizes": SIZES, "amplitude": {"points": 4}}
    experiment = load_experiment("wine", seed=5, changes=changes)
    return start(experiment, folder, workers=1, show=show).data


@pytest.fixture
def stopped(tmp_path: Path) -> Callable[[Callable[[Progress], None]], Path]:
    """Return a function that runs the campaign until `show` raises Stopped."""

    def make(show: Callable[[Progress], None]) -> Path:
        with pytest.raises(Stopped):
            run(tmp_path, show)
        return next(tmp_path.glob("*/STOPPED")).with_name("data.h5")

    return make


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("whole"), lambda progress: None)


@pytest.fixture(scope="session")
def page(data: Path) -> str:
    write_report(data, data.with_name("report.html"))
    return data.with_name("report.html").read_text(encoding="utf-8")


@pytest.fixture
def changed(data: Path, tmp_path: Path) -> Callable[[Callable[[h5py.File], None]], Path]:
    """Return a function that gives a copy of the file with something done to it."""

    def make(change: Callable[[h5py.File], None]) -> Path:
        copy = Path(shutil.copy(data, tmp_path / "data.h5"))
        with h5py.File(copy, "r+") as file:
            change(file)
        return copy

    return make
