"""What the leases of the watchdog cost: an operation of a bench with them and without, by turns in one run."""

import time

import numpy as np
import pytest

from labmtj.bench.files.loading import load_any
from labmtj.bench.session.standing import open_any
from labmtj.bench.session.watch import NoWatch
from labmtj.quantities import Bias, Lines, ReadSettings

OPERATIONS = 300


@pytest.fixture(scope="module")
def opened():
    """Return an armed bench."""
    with open_any(load_any("virtual-2636b-3706a")) as bench:
        yield bench


@pytest.fixture(scope="module")
def echoes(opened):
    """Return the times of what an operation says to the watchdog, (operations,)."""
    found = []
    for _ in range(OPERATIONS):
        begun = time.perf_counter()
        opened.watch.require("measuring", 1.0)
        opened.watch.announce("idle", 60.0)
        found.append(time.perf_counter() - begun)
    return found


@pytest.fixture(scope="module")
def seconds(opened):
    """Return the times of an operation, (operations, 2): with leases and without."""
    bias, lines, how = Bias(np.eye(15)[:1] * 0.1, np.zeros(15)), Lines(columns=(0,)), ReadSettings(range_amperes=1e-3)
    watches, found = (opened.watch, NoWatch()), np.empty((OPERATIONS, 2))
    for row in found:
        for place, watch in enumerate(watches):
            opened.watch = watch
            begun = time.perf_counter()
            opened.measure(bias, lines, how)
            row[place] = time.perf_counter() - begun
    opened.watch = watches[0]
    return found


def test_cost_of_leases(seconds, capsys):
    with_leases, without = np.quantile(seconds, 0.1, axis=0)  # the rest is what else the machine does
    with capsys.disabled():
        print(
            f"\n\na reading of a line on a virtual bench: {1e6 * with_leases:.0f} us with leases, {1e6 * without:.0f} us"
        )
        print(
            f"without: {with_leases / without:.3f} times as long, {1e6 * (with_leases - without):.0f} us more (aim: 100)"
        )


def test_cost_of_an_echo(echoes, capsys):
    with capsys.disabled():
        print(f"\nthe lease of an operation and its echo: {1e6 * np.median(echoes):.0f} us (aim: under 100)")
