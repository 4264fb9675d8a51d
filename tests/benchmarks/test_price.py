"""What durability costs: rows a second that survive a power cut, beside the disk alone and other ways to keep rows."""

import csv
import os
import sqlite3
import time

import h5py
import numpy as np

from labmtj.record import JournalLog, JournalWriter
from labmtj.schema import Column, Table

BLOCK = 8
BLOCKS = 150
REPEATS = 5
COLUMNS = 12
NAMES = [f"value{i}" for i in range(COLUMNS)]
TABLE = Table("reads", "read", {name: Column("f8", "A", name) for name in NAMES})
VALUES = np.random.default_rng(1).normal(1e-5, 1e-7, (BLOCKS, BLOCK, COLUMNS))


def journal(folder):
    with JournalWriter.create(folder / "journal.lmj") as writer:
        log = JournalLog(writer)
        log.table(TABLE)
        log.commit()
        begun = time.perf_counter()
        for block in VALUES:
            log.append("reads", dict(zip(NAMES, block.T, strict=True)))
            log.commit()
        return time.perf_counter() - begun


def bare(folder):
    """The same bytes, in the same pieces."""
    journal(folder)
    size = (folder / "journal.lmj").stat().st_size // BLOCKS
    descriptor = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT)
    begun = time.perf_counter()
    for number in range(BLOCKS):
        os.pwrite(descriptor, bytes(size), number * size)
        os.fdatasync(descriptor)
    taken = time.perf_counter() - begun
    os.close(descriptor)
    return taken


def sqlite(folder):
    database = sqlite3.connect(folder / "rows.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute(f"CREATE TABLE reads ({', '.join(f'{name} REAL' for name in NAMES)})")
    insert = f"INSERT INTO reads VALUES ({', '.join('?' * COLUMNS)})"
    begun = time.perf_counter()
    for block in VALUES:
        database.execute("BEGIN")
        database.executemany(insert, block.tolist())
        database.execute("COMMIT")
    taken = time.perf_counter() - begun
    database.close()
    return taken


def csv_synced(folder):
    with (folder / "rows.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(NAMES)
        begun = time.perf_counter()
        for block in VALUES:
            writer.writerows(block.tolist())
            file.flush()
            os.fsync(file.fileno())
        return time.perf_counter() - begun


def h5py_flushed(folder):
    """Flushed row by row, as loops in laboratories do; it survives neither every kill nor a power cut."""
    with h5py.File(folder / "rows.h5", "w") as file:
        data = {name: file.create_dataset(name, (0,), "f8", maxshape=(None,), chunks=(1024,)) for name in NAMES}
        begun = time.perf_counter()
        for number, row in enumerate(VALUES.reshape(-1, COLUMNS)):
            for name, value in zip(NAMES, row, strict=True):
                data[name].resize(number + 1, 0)
                data[name][number] = value
            file.flush()
        return time.perf_counter() - begun


WAYS = {
    "bare fdatasync of the same bytes": bare,
    "labmtj journal": journal,
    "SQLite, WAL, synchronous FULL": sqlite,
    "CSV, fsync": csv_synced,
    "h5py, flush per row": h5py_flushed,
}


def test_durable_rows_per_second(tmp_path, capsys):
    """In turn, so that what else the disk does hits all of them; the median of each."""
    taken = {name: [] for name in WAYS}
    for repeat in range(REPEATS):
        for number, (name, way) in enumerate(WAYS.items()):
            folder = tmp_path / f"{repeat}-{number}"
            folder.mkdir()
            taken[name].append(way(folder))
    rates = {name: BLOCKS * BLOCK / np.median(seconds) for name, seconds in taken.items()}
    with capsys.disabled():
        print(f"\nblocks of {BLOCK} rows of {COLUMNS} numbers, {BLOCKS} blocks{'rows/s':>14}{'x bare':>9}")
        for name, rate in rates.items():
            print(f"  {name:<50}{rate:>10.0f}{rate / rates['bare fdatasync of the same bytes']:>9.2f}")
