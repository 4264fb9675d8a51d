"""One BLAS thread for all tests: the matrices are small, and threads that wait for each other cost many times more.

And what tests of several folders share: the count of the fault matrix, samples, and how two runs are compared.
"""

import contextlib
import importlib.util
import os
import random
import re
import socket
import sys
import tempfile
import threading
import types
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import hypothesis
import numpy as np
import pytest
import threadpoolctl

from labmtj.record import hdf5
from labmtj.schema import Column, Table
from labmtj.testing import own_state, procedures, relay_box, resistor_box

__all__ = ["own_state", "relay_box", "resistor_box"]

hypothesis.settings.register_profile("shared machine", deadline=None)  # how long an example takes is no failure
hypothesis.settings.register_profile("one draw", deadline=None, derandomize=True)  # a test that passed passes again
hypothesis.settings.load_profile("one draw")
threadpoolctl.threadpool_limits(1)
for blas in ("OPENBLAS", "MKL", "OMP"):  # processes that tests start
    os.environ[f"{blas}_NUM_THREADS"] = "1"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `pytest --torture` try every case, not a sample."""
    parser.addoption(
        "--torture", action="store_true", help="try every case of the fault matrix and every long draw, in hours"
    )


@pytest.fixture(scope="session")
def torture(request: pytest.FixtureRequest) -> bool:
    """Return whether the full counts are asked for."""
    return bool(request.config.getoption("--torture"))


@pytest.fixture(scope="session")
def required(torture: bool) -> Callable[[float], float]:
    """Return a function from what a requirement allows, in seconds, to what a test does.

    Only a full run, which has the machine for itself, holds labmtj to it; a sample runs beside other tests, and shows
    that it happens at all.
    """
    return lambda seconds: seconds if torture else max(30.0, seconds)


@pytest.fixture
def sample(torture: bool, request: pytest.FixtureRequest) -> Callable[[Iterable[Any], int], list[Any]]:
    """Return a function that gives all of some cases under torture, else one of each `count`-th part of them.

    Which one, the name of the test decides: tests of other faults try other places, and each the same every time.
    """
    draw = random.Random(request.node.name)

    def chosen(cases: Iterable[Any], count: int) -> list[Any]:
        every = list(cases)
        if torture or len(every) <= count:
            return every
        ends = [k * len(every) // count for k in range(count + 1)]
        return [every[draw.randrange(*part)] for part in pairwise(ends)]

    return chosen


TRIED: Counter[int] = Counter()
FAILURES: list[tuple[int, str]] = []
"""cases of the fault matrix, by row: of all processes that run tests"""


class Count:
    """Adds the cases of every test to the count, and tells at once what did not hold: all of them take hours."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "teardown":
            return
        terminal = self.config.pluginmanager.get_plugin("terminalreporter")
        for name, values in report.user_properties:
            TRIED.update(values if name == "tried" else ())
            for each in values if name == "failures" else ():
                FAILURES.append(tuple(each))
                if terminal and self.config.getoption("--torture"):
                    terminal.write_line(f"\n{report.nodeid}: {each[1]}")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Count(config))
    if config.getoption("--torture"):
        hypothesis.settings.load_profile("shared machine")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the count."""
    if not TRIED:
        return
    failed = Counter(row for row, _ in FAILURES)
    terminalreporter.section("fault matrix")
    terminalreporter.write_line(f"{'row':>4} {'tried':>7} {'held':>7} {'failed':>7}")
    for row, tried in sorted(TRIED.items()):
        terminalreporter.write_line(f"{row:>4} {tried:>7} {tried - failed[row]:>7} {failed[row]:>7}")
    for _, text in FAILURES[:50]:
        terminalreporter.write_line(text)


os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="labmtj-tests-")  # no test counts on the user's own chips
os.environ["XDG_RUNTIME_DIR"] = os.environ["XDG_STATE_HOME"]  # nor holds, or waits for, the user's own instruments


def beside(name: str) -> types.ModuleType:
    """Return a module of this folder: tests are no package to import it from."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None  # noqa: PT018
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


small_bench = beside("smallbench").small_bench


@pytest.fixture
def line_server() -> Iterator[Callable[[Any], int]]:
    """Return a function that serves an instrument on a free port of the loopback interface, line by line."""
    sockets: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def talk(listener: socket.socket, instrument: Any) -> None:
        try:
            link, _ = listener.accept()
        except OSError:
            return
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sockets.append(link)
        with link, link.makefile("rb") as lines:
            for line in lines:
                reply = instrument.handle(line.decode("latin-1").strip("\r\n"))
                if reply is not None:
                    link.sendall(reply.encode("latin-1") + b"\n")

    def serve(instrument: Any) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        sockets.append(listener)
        threads.append(threading.Thread(target=talk, args=(listener, instrument)))
        threads[-1].start()
        return int(listener.getsockname()[1])

    yield serve
    for each in sockets:
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()
    for thread in threads:
        thread.join(5)


@pytest.fixture(scope="session")
def long_log():
    """Return a function that makes the folder of a run whose one chip was read so often, without any read."""
    rows_at_once = 100_000
    columns = {
        "amperes": Column("f8", "A", "current", ("line",), noisy=True),
        "start_seconds": Column("f8", "s", "clock"),
        "purpose": Column("u1", "1", "what for"),
    }
    amperes = np.random.default_rng(1).normal(1e-5, 1e-7, (rows_at_once, 15))
    block = {"start_seconds": np.arange(rows_at_once) * 0.02, "purpose": np.arange(rows_at_once) % 3}

    def long_log(path, rows, lines=15):
        path.mkdir(parents=True)
        (path / "run.yaml").write_text("experiment: reference\nprocedure: procedures.reference.ReferenceMap\n")
        (path / "DONE").touch()
        with h5py.File(path / "data.h5", "w") as file:
            hdf5.begin(file)
            hdf5.declare_table(file, Table("arrays/chip/reads", "read", columns, sizes={"line": lines}))
            for start in range(0, rows, rows_at_once):
                part = {name: values[: rows - start] for name, values in block.items()}
                hdf5.append_rows(file["arrays/chip/reads"], [{**part, "amperes": amperes[: rows - start, :lines]}])
            file.attrs.update({"labmtj_record_version": 1, "run": path.name, "experiment": "reference", "seed": 1})
        return path

    return long_log


@pytest.fixture(scope="session")
def journal_frames():
    """The frames of a journal: without commits, which say where they stand, and without who and when."""
    return lambda folder: list(procedures.journal_frames(folder))


@pytest.fixture(scope="session")
def assert_same_run():
    """Asserts that two runs hold the same, frame by frame and dataset by dataset."""

    def assert_same_run(one, other):
        procedures.assert_same_run(one, other)
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


COUNTS = {
    "attempts", "broken_at", "cells", "closures", "column", "columns", "cycles", "disagreement", "flipped", "hardware",
    "away", "jumps", "limited", "number", "pulses", "read_cells", "read_flipped", "rounds", "row", "rows", "shot",
    "sign", "software", "solution", "step", "steps", "errors", "trials", "whole", "why", "write_pulses", "chips",
    "outvoted",
}  # fmt: skip
"""arrays of integers that are counts or numbers of something: all others are codes"""


@pytest.fixture(scope="session")
def codes_without_meaning():
    """Returns a function that names what a run's data.h5 holds as integers whose meanings it does not say (CF)."""

    def unnamed(item):
        name = item.name.rpartition("/")[2]
        plain = re.sub(r"^layer\d_", "", name) in COUNTS or "dtype" in item.attrs  # truth values
        axis = item.is_scale and item.attrs["NAME"].startswith(hdf5.PURE_AXIS.encode())
        if item.dtype.kind not in "iu" or plain or axis:
            return False
        masks = "flag_masks" in item.attrs
        values = item.attrs.get("flag_masks" if masks else "flag_values", np.empty(0))
        meanings = str(item.attrs.get("flag_meanings", "")).split()
        used = np.unique(item[()])
        known = (used & ~np.bitwise_or.reduce(values) == 0) if masks and values.size else np.isin(used, values)
        return values.dtype != item.dtype or not len(values) == len(meanings) > 0 or not known.all()

    def codes_without_meaning(data):
        found = []
        with h5py.File(data) as file:
            file.visititems(lambda path, item: found.append(path) if _is_array(item) and unnamed(item) else None)
        return found

    return codes_without_meaning


def _is_array(item):
    return isinstance(item, h5py.Dataset)


@pytest.fixture(scope="session")
def misfits() -> types.ModuleType:
    """The module of chips that the simplest model does not describe."""
    return beside("misfits")
