"""A program on a bench that hangs where it is asked to: `python hung_run.py BENCH PHASE HOW RESOURCES RECORD`.

It says "hangs" first, or "goes on" where nothing is to hang. Leases are as they are but for their margins, see `QUICK`.
"""

import ctypes
import functools
import itertools
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np

import labmtj.bench.routing.longest
import labmtj.bench.session.armed
import labmtj.bench.session.idling
import labmtj.bench.session.watchdog
from labmtj.bench import load_any, open_laboratory
from labmtj.bench.session import sessions
from labmtj.quantities import Bias, Lines, ReadSettings
from labmtj.record import JournalWriter, files

LEVEL_VOLTS = 0.1
TIMEOUT_SECONDS = 1.0
QUICK = {
    (labmtj.bench.session.watchdog, "MARGIN_SECONDS"): 2.0, (labmtj.bench.session.armed, "MAKE_SAFE_SECONDS"): 8.0,
    (labmtj.bench.session.armed, "IDLE_LEASE_SECONDS"): 4.0, (labmtj.bench.session.idling, "IDLE_SECONDS"): 2.0,
    (labmtj.bench.session.idling, "AGAIN_SECONDS"): 0.5, (labmtj.bench.routing.longest, "BOX_SECONDS"): 0.1,
}  # fmt: skip
"""the lengths that do not follow from the work; at full length a case takes a minute"""


def hang(how):
    """Do as a program does that hangs."""
    os.write(sys.stdout.fileno(), b"hangs\n")  # in one piece: clean-up has a thread for each box
    if how == "stopped":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif how == "interpreter":  # in a call of C that keeps all threads of Python from running
        ctypes.PyDLL(None).pause()
    else:
        lock = threading.Lock()
        with lock:
            lock.acquire()  # without end


def hangs_in(driver, name, how, only_if=lambda *_: True):
    """Let a method of a driver hang when it is done, its levels not at 0 V."""
    do = getattr(driver, name)

    @functools.wraps(do)
    def hanging(*arguments, **options):
        if not only_if(*arguments):
            return do(*arguments, **options)
        if name in ("level", "switch_output", "identify"):
            do(*arguments, **options)
        if name in ("run_shots", "run_pulses"):  # as in the midst of its script
            driver.level(dict.fromkeys(arguments[0].channels, LEVEL_VOLTS))
        hang(how)
        return None

    setattr(driver, name, hanging)


def drives(volts):
    """Whether a message brings a channel to a level."""
    return any(volts.values())


def arrange(bench, phase, how):
    """Let the bench hang in a phase of its operations."""
    for unit in bench.units.values():
        if phase == "measuring":
            hangs_in(unit, "run_shots", how)
            hangs_in(unit, "read_currents", how)  # where several boxes take part, at their levels
        elif phase == "pulse on a box":
            hangs_in(unit, "run_pulses", how)
        elif phase == "pulse by messages":
            hangs_in(unit, "level", how, drives)
        elif phase == "making safe":
            unit.level(
                {channel.name: LEVEL_VOLTS for channel in bench.wiring.channels if bench.units[channel.unit] is unit}
            )
            hangs_in(unit, "make_safe", how)
    if phase == "moving relays":
        for matrix in bench.matrices.values():
            hangs_in(matrix, "switch", how)


def on_a_dead_disk(record):
    """Keep a row on a disk that has stopped to answer."""
    files.sync_data = lambda _: hang("disk")
    with JournalWriter.create(Path(record).parent / "hung.lmj") as journal:
        journal.append({"kind": "mark", "name": "row", "values": {}})
        journal.commit()


def read(bench, repeats=1, aperture_seconds=1e-3):
    """Read the first column with the first row at a level."""
    rows = np.zeros((repeats, bench.shape[0]))
    rows[:, 0] = LEVEL_VOLTS
    bias = Bias(rows, np.zeros((repeats, bench.shape[1])))
    return bench.measure(bias, Lines(columns=(0,)), ReadSettings(aperture_seconds=aperture_seconds))


def pulse(bench):
    """Pulse a cell, by a row and a column."""
    rows, columns = np.zeros(bench.shape[0]), np.zeros(bench.shape[1])
    rows[0], columns[0] = 0.25, -0.25
    bench.pulse(Bias(rows, columns), 0.02)


def compute(seconds):
    """Compute in one call that keeps all other threads from running for about so long."""
    number, begun = 10_000_000, time.monotonic()
    sum(itertools.repeat(1, number))
    sum(itertools.repeat(1, round(number * seconds / (time.monotonic() - begun))))


def hangs_while_opened(phase, how):
    """Let every source hang as soon as it is asked who it is, or has an output on."""
    opened = sessions._opened

    def opening(*arguments):
        driver = opened(*arguments)
        if hasattr(driver, "run_shots"):
            hangs_in(driver, {"connecting": "identify", "arming": "switch_output"}[phase], how)
        return driver

    sessions._opened = opening


def long_computation(bench):
    """Read before and after what takes longer than the lease of a run that is idle."""
    for take_time in (time.sleep, compute):
        take_time(8.0)
        read(bench)


def moved(bench):
    """Read another line than before: relays move."""
    rows, columns = np.zeros(bench.shape[0]), np.full(bench.shape[1], 0.05)
    bench.measure(Bias(rows, columns), Lines(rows=(1,)), ReadSettings(1e-3))


WORK = {
    "a long reading": lambda bench: read(bench, 24, 0.2), "computing": long_computation, "pulse on a box": pulse,
    "pulse by messages": pulse, "moving relays": moved, "measuring": read,
}  # fmt: skip


def main(name, phase, how, resources, record):
    """Open the bench, and hang."""
    for (module, constant), seconds in QUICK.items():
        setattr(module, constant, seconds)
    file = load_any(name).of
    quick = {
        each: one.model_copy(update={"timeout_seconds": TIMEOUT_SECONDS}) for each, one in file.instruments.items()
    }
    file = file.model_copy(update={"instruments": quick})
    if phase in ("connecting", "arming"):
        hangs_while_opened(phase, how)
    with open_laboratory(file, resources=json.loads(resources), record=Path(record), run="hung") as bench:
        read(bench)
        arrange(bench, phase, how)
        print("goes on", flush=True)
        if phase == "idle":
            hang(how)
        elif phase == "recording":
            on_a_dead_disk(record)
        elif phase in WORK:
            WORK[phase](bench)
        elif phase == "closing":
            for driver in (*bench.units.values(), *bench.matrices.values()):
                hangs_in(driver.adapter, "close", how)
    print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
