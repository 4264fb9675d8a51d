"""What a virtual 2636B and 3706A book for a read map, a transfer matrix and a full write, beside a QCoDeS loop.

Both work on the same chip with the same settle time, aperture, amplitudes and bounds. The loop is what one writes with
QCoDeS drivers, unchanged, cell by cell: sources to 0 V, open, close, levels, settle, measure; for every cell to write
level, sleep, back to 0 V and a verify read; then a read map, and again what it shows to be wrong, for a write counts
when the whole array is as it shall be. Seconds are those of the bench, not of the computer.
"""

import time
import warnings
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import pytest

from labmtj.bench.files.loading import load_any
from labmtj.bench.files.simulated import crossbar_of
from labmtj.bench.session.opening import open_laboratory
from labmtj.bench.session.served import BookedClock, ServedBench
from labmtj.network import Block
from labmtj.quantities import ReadSettings
from procedures.common.amplitude import AmplitudeSettings, scan_amplitudes
from procedures.common.infer import InferSettings, Multiplier
from procedures.common.reference import ReferenceSettings, read_cells, reference_maps
from procedures.common.write import WriteSettings, write_matrix

FILE = load_any("virtual-2636b-3706a")
SHAPE = (15, 15)
READ_VOLTS, PULSE_SECONDS, RANGE_AMPERES = 0.1, 1e-3, 1e-4
HOW = ReadSettings(range_amperes=RANGE_AMPERES, polarity="both")
BLOCKS = (Block(0, 0, 13, 12), Block(0, 0, 6, 6))
FIRST_PASS = "the first pass over each layer"
NEEDED = ("aperture", "delay", "relay", "pulse")


class Cost(NamedTuple):
    """What a piece of work took."""

    round_trips: int
    closures: int
    seconds: float
    booked: dict
    wall: float


def together(one, other):
    booked = {purpose: one.booked.get(purpose, 0.0) + seconds for purpose, seconds in other.booked.items()}
    return Cost(*(a + b for a, b in zip(one[:3], other[:3], strict=True)), booked, one.wall + other.wall)


class Bill:
    """Cost by work, from what the bench says before and after."""

    def __init__(self, served):
        self._served, self.costs = served, {}

    @contextmanager
    def of(self, work):
        begun, before = time.perf_counter(), self._asked()
        yield
        trips, closures, booked = self._asked()
        spent = {purpose: booked[purpose] - before[2].get(purpose, 0.0) for purpose in booked}
        cost = Cost(trips - before[0], closures - before[1], sum(spent.values()), spent, time.perf_counter() - begun)
        self.costs[work] = together(self.costs[work], cost) if work in self.costs else cost

    def _asked(self):
        trips, closures, booked = map(self._served.ask, ("round_trips", "closures", "booked"))
        return sum(trips.values()), sum(closures.values()), booked


@pytest.fixture(scope="module")
def known():
    """Return reference maps and write settings of this very chip, from its simulation."""
    array = next(iter(FILE.arrays.values()))
    chip = crossbar_of(array, seed=FILE.seed, name=f"{array.name}-0a")
    settings = ReferenceSettings()
    reference = reference_maps(chip, settings)
    scan = scan_amplitudes(chip, reference, settings, WriteSettings(), AmplitudeSettings())
    write = WriteSettings(
        parallel_volts=scan.parallel_volts, antiparallel_volts=scan.antiparallel_volts, pulse_seconds=PULSE_SECONDS
    )
    return reference, write


@pytest.fixture(scope="module")
def targets():
    """Return a state to begin with, and two layers: each changes about half of the cells."""
    return [np.random.default_rng(number).random(SHAPE) < 0.5 for number in range(3)]


def written(array, known, target, state=None):
    return write_matrix(array, target, *known, known=state)


@pytest.fixture(scope="module")
def bills(known, targets):
    """Return the costs of both, by name; without QCoDeS only ours."""
    found = {}
    with ServedBench(FILE) as served:
        with open_laboratory(FILE.of, resources=served.resources, clock=BookedClock(served)) as bench:
            found["labmtj"] = ours(bench.protected(), Bill(served), known, targets)
            assert served.ask("events") == []
            written(bench.protected(), known, targets[0])
        try:
            found["QCoDeS"] = theirs(served, known, targets)
        except ImportError:
            print("\nno qcodes here: the loop is left out")
    return found


def ours(array, bill, known, targets):
    state = written(array, known, targets[0]).achieved
    with bill.of("read map"):
        read_cells(array, READ_VOLTS, HOW)
    with bill.of("transfer matrices"):
        for block in BLOCKS:
            Multiplier(array, block, InferSettings(read_volts=READ_VOLTS), RANGE_AMPERES).transfer()
    with bill.of("write, both layers"):
        for target in targets[1:]:
            result = written(array, known, target, state)
            state = result.achieved
            print(f"\nlabmtj: fidelity {result.fidelity:.3f}, {result.pulses} pulses, {result.rounds} rounds", end="")
    return bill.costs


def theirs(served, known, targets):
    from qcodes.instrument_drivers.Keithley import Keithley2636B, Keithley3706A

    warnings.simplefilter("ignore")  # theirs, about themselves
    at = {name: {"address": each, "visalib": "@py", "terminator": "\n"} for name, each in served.resources.items()}
    unit, matrix = Keithley2636B("smu", **at["smu"]), Keithley3706A("matrix", **at["matrix"])
    bill = Bill(served)
    try:
        loop = Loop(unit, matrix, Patience(served, {"smu": unit, "matrix": matrix}))
        with bill.of("read map"):
            loop.read_block(*SHAPE)
        with bill.of("transfer matrices"):
            for block in BLOCKS:
                loop.read_block(block.rows, block.columns)
        state = targets[0]
        for target in targets[1:]:
            with bill.of(FIRST_PASS):
                state = loop.write(state, target, *known)
            print(f"\nQCoDeS: fidelity {(state == target).mean():.3f} after the first pass", end="")
            for _ in range(known[1].max_rounds):
                if (state != target).any():
                    with bill.of("further passes"):
                        state = loop.write(state, target, *known)
            print(f", {(state == target).mean():.3f} in the end", end="")
        bill.costs["write, both layers"] = together(
            bill.costs.get("further passes", Cost(0, 0, 0.0, {}, 0.0)), bill.costs[FIRST_PASS]
        )
    finally:
        unit.close()
        matrix.close()
    return bill.costs


class Patience:
    """What `time.sleep` is on a bench: the boxes have done by then what they were told before."""

    def __init__(self, served, clients):
        self._served, self._sent = served, served.ask("messages")
        for name, client in clients.items():
            self._count(name, client.visa_handle)

    def _count(self, name, handle):
        write = handle.write

        def counted(*arguments, **options):
            self._sent[name] += 1
            return write(*arguments, **options)

        handle.write = counted

    def __call__(self, seconds):
        while self._served.ask("messages") != self._sent:
            time.sleep(2e-4)
        self._served.ask("wait", seconds=seconds)


class Loop:
    """A script of a user of QCoDeS: two channels on rows 2 and 3 of the matrix, ground on row 1."""

    def __init__(self, unit, matrix, sleep):
        self.row_source, self.column_source, self.matrix, self.sleep = unit.smua, unit.smub, matrix, sleep
        self.selected = []
        for channel in (self.row_source, self.column_source):
            channel.mode("voltage")
            channel.volt(0.0)
            channel.sourcerange_v(2.0)
            channel.limiti(1e-3)
            channel.nplc(1.0)
            channel.measurerange_i(RANGE_AMPERES)
            channel.output("on")
        matrix.open_channel("allslots")
        matrix.close_channel(",".join(f"{slot}1{line:02}" for slot in (1, 2) for line in range(1, 16)))

    def route(self, row, column):
        """Bring the lines of a cell from ground to the sources, those of the cell before back."""
        self.row_source.volt(0.0)
        self.column_source.volt(0.0)
        self.sleep(FILE.of.settle_seconds)
        wanted = [f"12{row + 1:02}", f"23{column + 1:02}"]
        if opening := [each for each in self.selected if each not in wanted]:
            self.matrix.open_channel(",".join(opening))
            self.matrix.close_channel(",".join(self.grounded(opening)))
        if closing := [each for each in wanted if each not in self.selected]:
            self.matrix.open_channel(",".join(self.grounded(closing)))
            self.matrix.close_channel(",".join(closing))
        self.selected = wanted
        self.sleep(FILE.of.relay_settle_seconds)

    @staticmethod
    def grounded(relays):
        return [f"{relay[0]}1{relay[2:]}" for relay in relays]

    def read(self, row, column):
        """Return the mean current of a cell over both polarities."""
        self.route(row, column)
        found = []
        for sign in (1, -1):
            self.row_source.volt(sign * READ_VOLTS)
            self.sleep(HOW.settle_seconds)
            found.append(-sign * self.column_source.curr())
        self.row_source.volt(0.0)
        return np.mean(found)

    def read_block(self, rows, columns):
        return np.array([[self.read(row, column) for column in range(columns)] for row in range(rows)])

    def pulse(self, row, column, volts):
        self.route(row, column)
        self.row_source.volt(volts / 2)
        self.column_source.volt(-volts / 2)
        self.sleep(PULSE_SECONDS)
        self.row_source.volt(0.0)
        self.column_source.volt(0.0)

    def write(self, before, target, reference, settings):
        """Write and verify cell by cell what differs, one direction first; then read everything."""
        threshold = reference.threshold_amperes * (READ_VOLTS / reference.read_volts)
        for state in (False, True):
            for row, column in np.argwhere((before != target) & (target == state)):
                self.write_cell(row, column, state, threshold[row, column], reference.polarity, settings)
        return self.read_block(*SHAPE) > threshold

    def write_cell(self, row, column, state, threshold, polarity, settings):
        amplitude = polarity * (settings.parallel_volts if state else -settings.antiparallel_volts)
        for attempt in range(1 + settings.max_rounds):
            self.pulse(row, column, amplitude * (1 + settings.step_fraction * max(0, attempt - 1)))
            if (self.read(row, column) > threshold) == state:
                return


def needed_seconds(cost):
    """Return the sum of settle, aperture, pulse and relay times."""
    return sum(cost.booked.get(purpose, 0.0) for purpose in NEEDED)


def ratios(bills, work):
    """Return how many times as many round trips and bench seconds the loop takes."""
    ours, theirs = bills["labmtj"][work], bills["QCoDeS"][work]
    return theirs.round_trips / ours.round_trips, theirs.seconds / ours.seconds


def test_bench_time(bills, capsys):
    with capsys.disabled():
        print(f"\n\n{'':<20}{'':>8}{'round trips':>12}{'closures':>10}{'bench s':>10}{'/ needed':>10}{'wall s':>8}")
        for work in bills["labmtj"]:
            for name, costs in bills.items():
                cost = costs[work]
                print(
                    f"{work:<20}{name:>8}{cost.round_trips:>12}{cost.closures:>10}{cost.seconds:>10.2f}"
                    f"{cost.seconds / needed_seconds(cost):>10.2f}{cost.wall:>8.1f}"
                )
            if "QCoDeS" in bills:
                trips, seconds = ratios(bills, work)
                print(f"{'':<20}{'ratio':>8}{trips:>12.1f}{'':>10}{seconds:>10.2f}")
        if "QCoDeS" in bills:
            first = bills["QCoDeS"][FIRST_PASS]
            print(f"of the loop's writes, {FIRST_PASS}: {first.round_trips} round trips, {first.seconds:.2f} s")
        for name, costs in bills.items():
            booked = costs["write, both layers"].booked
            print(f"write, {name}: " + ", ".join(f"{k} {v:.2f} s" for k, v in sorted(booked.items()) if v >= 0.005))
    assert all(cost.seconds <= 1.5 * needed_seconds(cost) for cost in bills["labmtj"].values())
    if "QCoDeS" in bills:
        trips, _ = ratios(bills, "write, both layers")
        assert trips >= 10
        # how many passes the loop needs is chance, 3.0 to 4.9 times our time so far (the aim is 3); the first one is not
        assert bills["QCoDeS"][FIRST_PASS].seconds >= 1.5 * bills["labmtj"]["write, both layers"].seconds
