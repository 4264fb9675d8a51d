"""What reads a log takes no more memory than a few blocks of it, however long it is."""

import gc
import tracemalloc
from contextlib import contextmanager

import numpy as np
import pytest

import labmtj
from labmtj.reading import rows
from labmtj.reading.export import export
from labmtj.record import extract
from labmtj.report import summary_text

ROWS = 1_000_000
WHOLE_COLUMN = ROWS  # bytes: one per row, the smallest column there is


@pytest.fixture(scope="module")
def log(long_log, tmp_path_factory):
    return long_log(tmp_path_factory.mktemp("long") / "run", ROWS, lines=2)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """As if memory were a thousand times smaller than it is."""
    monkeypatch.setattr(rows, "BLOCK_BYTES", 1 << 16)
    monkeypatch.setattr(extract, "_BLOCK_BYTES", 1 << 16)


@contextmanager
def peak():
    """Yields a list that the most memory taken within is put into, in bytes."""
    taken = []
    gc.collect()
    tracemalloc.start()
    try:
        yield taken
        taken.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


def test_the_measure_sees_a_whole_column(log):
    with labmtj.open(log) as run, peak() as taken:
        run.data.read("arrays/chip/reads/purpose")
    assert taken[0] >= WHOLE_COLUMN


def test_a_summary(log):
    summary_text(log / "data.h5")  # loads what is loaded once
    with peak() as taken:
        text = summary_text(log / "data.h5")
    assert f"{ROWS}" in text
    assert taken[0] < WHOLE_COLUMN / 2


def test_blocks(log):
    with labmtj.open(log) as run, peak() as taken:
        total = sum(float(block["amperes"].sum()) for block in run.blocks("arrays/chip/reads", ["amperes"]))
    assert taken[0] < WHOLE_COLUMN / 2
    with labmtj.open(log) as run:
        assert total == pytest.approx(float(run.data.read("arrays/chip/reads/amperes").sum()), rel=1e-9)


def test_an_export_to_netcdf(log, tmp_path):
    with labmtj.open(log) as run, peak() as taken:
        export(run, "arrays/chip/reads", tmp_path / "reads.nc")
    assert taken[0] < WHOLE_COLUMN / 2
    with labmtj.open(log) as run, run.data as data:
        whole = data.read("arrays/chip/reads/purpose")
    with labmtj.record.open_data(tmp_path / "reads.nc") as copied:
        assert np.array_equal(copied.read("purpose"), whole)
