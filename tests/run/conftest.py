"""A campaign small enough for a test, and an undisturbed run of it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from labmtj.run import RunFolder, load_experiment, start

SETTINGS = {
    "sizes": ["mtj-75nm", "mtj-100nm"], "count": 2, "amplitude": None,
    "write": {"parallel_volts": 0.62, "antiparallel_volts": 0.72, "max_rounds": 1},
}  # fmt: skip
OPTIONS = [
    "--sizes", "[mtj-75nm, mtj-100nm]", "--count", "2", "--amplitude", "null",
    "--write.parallel-volts", "0.62", "--write.antiparallel-volts", "0.72",
    "--write.max-rounds", "1",
]  # fmt: skip


@pytest.fixture(scope="session")
def experiment():
    return load_experiment("wine", changes=SETTINGS)


@pytest.fixture(scope="session")
def undisturbed(experiment, tmp_path_factory):
    return start(experiment, tmp_path_factory.mktemp("undisturbed"), workers=1, show=lambda progress: None)


@pytest.fixture(scope="session")
def single():
    """The same campaign on one array alone."""
    return load_experiment("wine", changes={**SETTINGS, "sizes": SETTINGS["sizes"][:1]})


@pytest.fixture(scope="session")
def undisturbed_single(single, tmp_path_factory):
    return start(single, tmp_path_factory.mktemp("single"), workers=1, show=lambda progress: None)


@pytest.fixture
def copy(undisturbed_single, tmp_path):
    """A copy of the finished run on one array that does not know how it ended."""
    folder = RunFolder(Path(shutil.copytree(undisturbed_single.path, tmp_path / undisturbed_single.path.name)))
    folder.begin()
    return folder


@pytest.fixture
def command(tmp_path):
    """Starts `labmtj ...` as a process of its own."""
    started = []

    def command(*arguments, prefix=("-m", "labmtj"), **options):
        root = Path(__file__).resolve().parents[2]
        environment = {**os.environ, "PYTHONPATH": str(root), "OPENBLAS_NUM_THREADS": "1"}
        process = subprocess.Popen(
            [sys.executable, *prefix, *map(str, arguments)], cwd=tmp_path, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options,
        )  # fmt: skip
        started.append(process)
        return process

    yield command
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def options():
    return OPTIONS
