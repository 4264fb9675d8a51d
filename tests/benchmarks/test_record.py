"""How many rows a second the record takes, journal and HDF5 together, beside the CSV recorder of PyMeasure."""

import time
from queue import Queue

import numpy as np
import pytest
from pymeasure.experiment import Procedure, Results
from pymeasure.experiment.listeners import Recorder

from labmtj.record import Checkpointer, JournalLog, JournalWriter
from labmtj.schema import Column, Table

SCALARS = 9
LINES = 15
REPEATS = 3


def best(run, tmp_path):
    """Seconds (wall, processor) of the fastest of several runs, each in its own folder."""
    taken = []
    for repeat in range(REPEATS):
        folder = tmp_path / f"{run.__name__}{time.monotonic_ns()}-{repeat}"
        folder.mkdir()
        wall, processor = time.perf_counter(), time.process_time()
        run(folder)
        taken.append((time.perf_counter() - wall, time.process_time() - processor))
    return min(taken)


def columns(rows, lines):
    """Values as a bench gives them: noise around a level, in two thirds of the columns; settings in the others."""
    random = np.random.default_rng(1)
    shape = (rows, lines) if lines else (rows,)
    noisy = {f"noisy{i}": random.normal(1e-5, 1e-7, shape) for i in range(SCALARS * 2 // 3)}
    return noisy | {f"set{i}": random.choice([0.1, 0.2], shape) for i in range(SCALARS - len(noisy))}


def pymeasure_recorder(values):
    """Return a run that hands row after row, ready made, to the recorder as a PyMeasure worker does."""
    flat = {}
    for name, array in values.items():
        for line, part in enumerate(array.reshape(len(array), -1).T):
            flat[f"{name} {line}"] = part.tolist()
    rows = [dict(zip(flat, row, strict=True)) for row in zip(*flat.values(), strict=True)]

    class Reads(Procedure):
        DATA_COLUMNS = list(flat)  # noqa: RUF012 - so PyMeasure wants it

    def run(folder):
        recorder = Recorder(Results(Reads(), str(folder / "data.csv")), Queue())
        for row in rows:
            recorder.handle(row)
        for handler in recorder.handlers:
            handler.close()

    return run


def labmtj_record(values, rows_per_append, rows_per_commit):
    """Return a run that appends, commits and, at the end, brings data.h5 up to date."""
    lines = next(iter(values.values())).shape[1:]
    described = {name: Column("f8", "A", name, ("line",) if lines else ()) for name in values}
    table = Table("reads", "read", described, sizes={"line": lines[0]} if lines else {})
    total = len(next(iter(values.values())))

    def run(folder):
        with JournalWriter.create(folder / "journal.lmj") as journal:
            log = JournalLog(journal)
            log.table(table)
            for start in range(0, total, rows_per_append):
                end = start + rows_per_append
                log.append("reads", {name: array[start:end] for name, array in values.items()})
                if end % rows_per_commit == 0:
                    log.commit()
        Checkpointer(folder / "journal.lmj", folder / "data.h5").checkpoint()

    return run


@pytest.mark.parametrize(("lines", "rows"), [(0, 50_000), (LINES, 10_000)])
def test_rows_per_second_beside_pymeasure(tmp_path, capsys, lines, rows):
    values = columns(rows, lines)
    peer = best(pymeasure_recorder(values), tmp_path)
    ways = {
        "blocks of 500, synced per block": (500, 500),
        "row by row, synced per 500": (1, 500),
    }
    with capsys.disabled():
        print(
            f"\n{SCALARS * max(1, lines):>3} numbers per row, {rows} rows{'rows/s':>32}{'us cpu/row':>14}{'x peer':>9}"
        )
        print(f"  {'PyMeasure CSV, never synced':<50}{rows / peer[0]:>12.0f}{peer[1] / rows * 1e6:>14.1f}{'1.00':>9}")
        for name, way in ways.items():
            wall, processor = best(labmtj_record(values, *way), tmp_path)
            print(f"  {'labmtj, ' + name:<50}{rows / wall:>12.0f}{processor / rows * 1e6:>14.1f}{peer[0] / wall:>9.2f}")


def test_a_large_journal_into_hdf5(tmp_path, capsys):
    rows, block = 120_000, 500
    random = np.random.default_rng(1)
    names = {"amperes": "f8", "range_amperes": "f4", "flags": "u1", "start_seconds": "f8", "volts": "f8"}
    table = Table("reads", "read", {n: Column(t, "A", n, ("line",)) for n, t in names.items()}, sizes={"line": 40})
    with JournalWriter.create(tmp_path / "journal.lmj") as journal:
        log = JournalLog(journal)
        log.table(table)
        for start in range(0, rows, block):
            amperes = random.normal(1e-5, 1e-7, (block, 40))
            seconds = np.arange(start, start + block)[:, None] * 0.02 + np.arange(40) * 1e-4
            volts = random.choice([0.0, 0.1], (block, 40))
            entries = {"amperes": amperes, "range_amperes": np.full((block, 40), 1e-4), "flags": 0, "volts": volts}
            log.append("reads", {**entries, "start_seconds": seconds})
            log.commit()
    checkpointer = Checkpointer(tmp_path / "journal.lmj", tmp_path / "data.h5")
    began = time.process_time()
    checkpointer.checkpoint()
    processor = time.process_time() - began
    sizes = [(tmp_path / name).stat().st_size / 1e6 for name in ("journal.lmj", "data.h5")]
    with capsys.disabled():
        print(f"\n{'journal MB':>12}{'data.h5 MB':>12}{'cpu s':>10}{'wall s':>10}")
        print(f"{sizes[0]:>12.0f}{sizes[1]:>12.0f}{processor:>10.2f}{checkpointer.cost_seconds:>10.2f}")
