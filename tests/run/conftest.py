"""A campaign small enough for a test, an undisturbed run of it, and a comparison that sees every byte."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from labmtj.record import JournalReader, frames
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
def copy(undisturbed, tmp_path):
    """A copy of the finished run that does not know how it ended."""
    folder = RunFolder(Path(shutil.copytree(undisturbed.path, tmp_path / undisturbed.path.name)))
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


@pytest.fixture(scope="session")
def journal_frames():
    """The frames of a journal: without commits, which say where they stand, and without who and when."""

    def journal_frames(folder):
        reader = JournalReader(folder.journal)
        for offset, payload in reader.payloads():
            if frames.has_kind(payload, "attributes"):
                record = reader.decoded(offset, payload)
                if record["path"] in ("", "provenance"):
                    continue
            if not frames.has_kind(payload, "commit"):
                yield payload
        assert reader.torn_bytes == 0

    return lambda folder: list(journal_frames(folder))


@pytest.fixture(scope="session")
def assert_same_run(journal_frames):
    """Asserts that two runs hold the same, frame by frame and dataset by dataset."""

    def assert_same_run(one, other):
        assert journal_frames(one) == journal_frames(other)
        with h5py.File(one.data) as first, h5py.File(other.data) as second:
            names = _names(first)
            assert names == _names(second)
            for name in names:
                _assert_same(first[name], second[name])

    return assert_same_run


def _names(file):
    names = []
    file.visit(names.append)
    return sorted(names)


def _assert_same(one, other):
    left, right = ({key: str(value) for key, value in item.attrs.items()} for item in (one, other))
    for attributes in (left, right):
        for reference in ("REFERENCE_LIST", "DIMENSION_LIST"):  # addresses within the file
            attributes.pop(reference, None)
    if one.name != "/provenance":
        assert left == right, one.name
    if isinstance(one, h5py.Dataset):
        assert one.dtype == other.dtype, one.name
        values, others = one[()], other[()]
        same = values.tobytes() == others.tobytes() if one.dtype.kind != "O" else np.array_equal(values, others)
        assert same, one.name
