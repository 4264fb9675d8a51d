"""A physical stand-in for instruments: sources, relays and a resistive array solved as one network, in plain steps."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager

import numpy as np
import pytest

from labmtj.bench.crossbar import BenchCrossbar
from labmtj.bench.files.loading import load_any
from labmtj.bench.files.wiring import Bus, Channel, Column, Line, Wiring
from labmtj.bench.session.opening import open_laboratory
from labmtj.circuit import PortState, Wires, response_of, settle
from labmtj.errors import InstrumentError, UsageError
from labmtj.quantities import Flag, Limits
from labmtj.shots import DeliveredPulses, Identity, ShotReadings, UnitFacts
from labmtj.virtual.assembly import assemble
from labmtj.virtual.server.serving import ServedInstruments, serve

FACTS = UnitFacts(
    highest_volts=200.0, highest_amperes=1.5, range_amperes=(1e-6, 1e-4, 1e-2, 1.0), over_range=1.02,
    shortest_pulse_seconds=1e-4, times_pulses=True, aperture_seconds=(2e-5, 0.5), line_hertz=50.0,
    source_settle_seconds=1e-4,
)  # fmt: skip
OHMS = {True: 5000.0, False: 10000.0}
TO_PARALLEL, TO_ANTIPARALLEL = 0.6, -0.7
HOT_VOLTS = 0.01


class World:
    """Time, an array, the nodes that relays and wires join, and what happened that must not."""

    def __init__(self, wiring, state, segment_ohms=3.0, lead_ohms=20.0, grounds_open=False):
        self.wiring, self.state, self.grounds_open = wiring, np.array(state, bool), grounds_open
        ohms = {"row_segment_ohms": segment_ohms, "column_segment_ohms": segment_ohms}
        wires = Wires.uniform(wiring.shape, **ohms, row_lead_ohms=lead_ohms, column_lead_ohms=lead_ohms)
        self.ports = PortState(response_of(wires), self.ohms())
        self.seconds, self.messages, self.closures = 0.0, Counter(), Counter()
        self.closed, self.volts, self.limit, self.on = set(), {}, {}, {}
        self.stuck_open, self.stuck_closed, self.line_shorts, self.cut = set(), set(), [], set()
        self.wrongs, self.log = [], []

    # -- the clock of the bench
    def now(self):
        return self.seconds

    def sleep(self, seconds):
        self.seconds += seconds
        self.log.append(("sleep", seconds))

    def ohms(self):
        return np.where(self.state, OHMS[True], OHMS[False]).astype(float).ravel()

    # -- the network
    def nodes(self):
        """Return the node of every line, and of every bus by its row; node 0 is ground."""
        count = len(self.wiring.lines)
        parent = list(range(1 + count + 20))

        def find(node):
            while parent[node] != node:
                node = parent[node]
            return node

        def join(a, b):
            parent[max(find(a), find(b))] = min(find(a), find(b))

        row_node = {bus.row: 1 + count + number for number, bus in enumerate(self.wiring.buses)}
        for bus in self.wiring.buses:
            if bus.ground:
                join(0, row_node[bus.row])
        for line in set(range(count)) - self.cut:
            for row in self.rows_of(self.wiring.lines[line].end):
                join(1 + line, row_node[row] if row else 0)
        for a, b in self.line_shorts:
            join(1 + a, 1 + b)
        return [find(1 + line) for line in range(count)], {row: find(node) for row, node in row_node.items()}

    def rows_of(self, end):
        """Return the rows of the matrix that a line touches, 0 = ground."""
        if not isinstance(end, Column):
            return [0] if end is None else []
        contacts = (self.closed - self.stuck_open) | self.stuck_closed
        touched = [row for slot, row, column in contacts if (slot, column) == end[1:]]
        told = any((slot, column) == end[1:] for slot, _, column in self.closed)
        return touched if told or not self.grounds_open else [*touched, 0]

    def node_of(self, channel, lines, rows):
        for bus in self.wiring.buses:
            if bus.channel == channel:
                return rows[bus.row]
        for line, each in enumerate(self.wiring.lines):
            if each.end == channel:
                return lines[line]
        return None

    def solve(self):
        """Return the volts of all lines, and (amperes out of it, limited, volts) of every channel."""
        lines, rows = self.nodes()
        names = sorted({*lines, 0})
        member = np.array([[node == name for name in names] for node in lines], float)
        volts, limits, holders = np.full(len(names), np.nan), np.full(len(names), 1e6), {}
        volts[names.index(0)] = 0.0
        answers = {}
        for channel in self.wiring.channels:
            node = self.node_of(channel, lines, rows)
            if not self.on.get(channel):
                continue
            if node == 0:  # shorted to ground: nothing, or its limit
                level = self.volts[channel]
                answers[channel] = (np.sign(level) * self.limit[channel], level != 0, 0.0)
            elif node in names:
                if node in holders:
                    self.wrongs.append(f"{channel} and {holders[node]} meet")
                holders[node] = channel
                volts[names.index(node)], limits[names.index(node)] = self.volts[channel], self.limit[channel]
            else:
                answers[channel] = (0.0, False, self.volts[channel])
        settled = settle(member.T @ self.ports.admittance @ member, volts, line_amperes=limits)
        for node, channel in holders.items():
            at = names.index(node)
            answers[channel] = (settled.line_amperes[at], bool(settled.limited[at]), settled.line_volts[at])
        return member @ settled.line_volts, answers

    def live(self, seconds):
        """Let time pass: cells flip at once beyond their threshold."""
        self.seconds += seconds
        for _ in range(20):
            line_volts, answers = self.solve()
            across = self.ports.cell_volts(line_volts).reshape(self.wiring.shape)
            new = (self.state | (across >= TO_PARALLEL)) & ~(across <= TO_ANTIPARALLEL)
            if (new == self.state).all():
                return answers
            self.state = new
            self.ports = PortState(self.ports.wires, self.ohms())
        raise AssertionError("the cells do not settle")


class FakeUnit:
    """Two channels, or as many as are named; channels step one after another, `skew` apart."""

    def __init__(self, world, name, channels=("a", "b"), facts=FACTS, skew=1e-5):
        self.world, self.name, self.channels, self.facts, self.skew = world, name, channels, facts, skew
        self.address, self.dead, self.safe = f"TEST::{name}", False, False

    def _message(self, what):
        self.world.messages[self.name] += 1
        self.world.log.append((self.name, what))
        self.world.seconds += 1e-3
        if self.dead:
            raise InstrumentError(self.name, self.address, "does not answer")

    def _channel(self, name):
        assert name in self.channels
        return Channel(self.name, name)

    def _set(self, channel, volts):
        assert not volts or self.world.on.get(self._channel(channel)), "a level without output"
        self.world.volts[self._channel(channel)] = float(volts)

    def _show(self, read):
        answers = self.world.live(0.0)
        values = [answers[self._channel(name)] for name in read]
        flags = [Flag.COMPLIANCE if limited else 0 for _, limited, _ in values]
        return [amperes for amperes, _, _ in values], flags

    def identify(self):
        self._message("identify")
        return Identity("Nobody", self.name, "1", "1.0")

    def self_test(self):
        return []

    def confirm(self):
        self._message("confirm")

    @contextmanager
    def bounded_wait(self, seconds):
        yield

    def limit(self, channel, amperes, highest_volts):
        self._message("limit")
        assert self.world.volts.get(self._channel(channel), 0.0) == 0.0, "limits are set at 0 V"
        assert 0 < amperes <= self.facts.highest_amperes
        assert highest_volts <= self.facts.highest_volts
        self.world.limit[self._channel(channel)] = amperes

    def switch_output(self, channel, *, on):
        self._message("output")
        assert self._channel(channel) in self.world.limit
        assert self.world.volts.get(self._channel(channel), 0.0) == 0.0
        self.world.on[self._channel(channel)] = on

    def outputs(self):
        return {name: self.world.on.get(self._channel(name), False) for name in self.channels}

    def level(self, volts):
        self._message("level")
        for name, value in volts.items():
            self._set(name, value)
        self.world.live(0.0)

    def limited(self):
        self._message("limited")
        on = [name for name in self.channels if self.world.on.get(self._channel(name))]
        return {name: bool(flag) for name, flag in zip(on, self._show(on)[1], strict=True)}

    def read_currents(self, channels, aperture_seconds, range_amperes):
        self._message("read_currents")
        self.world.live(aperture_seconds)
        amperes, flags = self._show(channels)
        whole = np.array([amperes])
        return ShotReadings(whole, np.array([flags], np.uint8), np.full(whole.shape, range_amperes or 1.0), np.zeros(1))

    def run_shots(self, shots):
        self._message("shots")
        begun, rows = self.world.seconds, []
        for volts in shots.volts:
            for name, value in zip(shots.channels, volts, strict=True):
                self._set(name, value)
            self.world.live(shots.settle_seconds)
            start = self.world.seconds - begun
            self.world.live(shots.aperture_seconds)
            rows.append((start, *self._show(shots.read)))
        for name in shots.channels:
            self._set(name, 0.0)
        amperes = np.array([row[1] for row in rows])
        return ShotReadings(
            amperes, np.array([row[2] for row in rows], np.uint8), np.full(amperes.shape, shots.range_amperes or 1.0),
            np.array([row[0] for row in rows]),
        )  # fmt: skip

    def run_pulses(self, pulses):
        self._message("pulses")
        begun, steps = self.world.seconds, 2 * len(pulses.channels)
        step_seconds = np.zeros((len(pulses), steps))
        step_volts = np.zeros((len(pulses), steps, len(pulses.channels)))
        flags, starts = np.zeros(pulses.volts.shape, np.uint8), np.zeros(len(pulses))
        for number, volts in enumerate(pulses.volts):
            starts[number] = self.world.seconds - begun
            held = np.zeros(len(pulses.channels))
            for step in range(steps):
                place = step % len(pulses.channels)
                held[place] = volts[place] if step < len(pulses.channels) else 0.0
                self._set(pulses.channels[place], held[place])
                seconds = pulses.seconds if step == len(pulses.channels) - 1 else self.skew
                self.world.live(seconds)
                flags[number] |= np.array(self._show(pulses.channels)[1], np.uint8)
                step_seconds[number, step], step_volts[number, step] = seconds, held
        return DeliveredPulses(step_seconds, step_volts, flags, starts)

    def abort(self):
        self.world.log.append((self.name, "abort"))

    def make_safe(self):
        self._message("make_safe")
        for name in self.channels:
            self.world.volts[self._channel(name)] = 0.0
            self.world.on[self._channel(name)] = False
        self.safe = True


class FakeMatrix:
    """Cards of 8 rows and 16 columns."""

    relay_seconds = 4e-3

    def __init__(self, world, name="matrix", slots=(1, 2)):
        self.world, self.name, self.slots, self.address = world, name, slots, f"TEST::{name}"
        self.grounds_open_lines, self.dead = world.grounds_open, False

    def identify(self):
        return Identity("Nobody", self.name, "2", "1.0")

    def self_test(self):
        return []

    def confirm(self):
        pass

    @contextmanager
    def bounded_wait(self, seconds):
        yield

    def crosspoint(self, slot, row, column):
        if slot not in self.slots or not (1 <= row <= 8 and 1 <= column <= 16):
            raise UsageError(f"no relay {slot}, {row}, {column}; a card has 8 rows and 16 columns")
        return f"{slot}{row}{column:02d}"

    def closed(self):
        return frozenset(f"{slot}{row}{column:02d}" for slot, row, column in self.world.closed)

    def switch(self, opening, closing):
        self.world.messages[self.name] += 1
        self.world.log.append((self.name, "switch", tuple(opening), tuple(closing)))
        if self.dead:
            raise InstrumentError(self.name, self.address, "does not answer")
        for relay in opening:
            self._move(relay, close=False)
        self.world.seconds += self.relay_seconds * bool(opening)
        for relay in closing:
            self._move(relay, close=True)
        self.world.seconds += self.relay_seconds * bool(closing)

    def _move(self, relay, *, close):
        if any(abs(volts) > HOT_VOLTS for channel, volts in self.world.volts.items() if self.world.on.get(channel)):
            self.world.wrongs.append(f"relay {relay} moved under voltage")
        point = (int(relay[0]), int(relay[1]), int(relay[2:]))
        assert (point in self.world.closed) != close, "a relay is told to move to where it is"
        (self.world.closed.add if close else self.world.closed.remove)(point)
        self.world.closures[point] += close
        column = [row for slot, row, number in self.world.closed if (slot, number) == (point[0], point[2])]
        if len(column) > 1:
            self.world.wrongs.append(f"column {point[2]} of slot {point[0]} lies on rows {column}")

    def closures(self):
        return {f"{slot}{row}{column:02d}": count for (slot, row, column), count in self.world.closures.items()}

    def abort(self):
        pass

    def make_safe(self):
        self.world.log.append((self.name, "make_safe"))
        if self.dead:
            raise InstrumentError(self.name, self.address, "does not answer")
        self.world.closed.clear()


def matrix_wiring(shape, *, channels=(("smu", "a"), ("smu", "b")), ground=True, spare=0):
    """Rows on slot 1, columns on slot 2; row 1 of the matrix is ground, then one bus per channel."""
    buses = [Bus("ground", 1, None, ground=True)] if ground else []
    buses += [Bus(f"bus{number}", 2 + number, Channel(*each), ground=False) for number, each in enumerate(channels)]
    buses += [Bus(f"spare{number}", 7 + number, None, ground=False) for number in range(spare)]
    lines = [Line(Column("matrix", 1, 1 + row), ("lines", "rows", str(row))) for row in range(shape[0])]
    lines += [Line(Column("matrix", 2, 1 + column), ("lines", "columns", str(column))) for column in range(shape[1])]
    return Wiring(shape, tuple(lines), tuple(buses))


def rack_wiring(shape=(15, 15), direct=13, names=tuple((f"smu{unit}", name) for unit in range(1, 8) for name in "ab")):
    """Seven units of two channels: thirteen on rows, the last on a bus for the columns; the last rows on ground."""
    names = [Channel(*name) for name in names]
    lines = [Line(names[row] if row < direct else None, ("lines", "rows", str(row))) for row in range(shape[0])]
    lines += [Line(Column("matrix", 2, 1 + column), ("lines", "columns", str(column))) for column in range(shape[1])]
    buses = (Bus("ground", 1, None, ground=True), Bus("reader", 2, names[direct], ground=False))
    return Wiring(shape, tuple(lines), buses)


def checkerboard(shape):
    return np.add.outer(np.arange(shape[0]), np.arange(shape[1])) % 2 == 0


@pytest.fixture
def wirings():
    """Return the functions that make wirings: `matrix_wiring` and `rack_wiring`."""
    return matrix_wiring, rack_wiring


@pytest.fixture
def bench():
    """Return a function that builds a world and an armed bench on it: (crossbar, world)."""

    def build(wiring=None, *, shape=(4, 5), state=None, limits=None, arm=True, facts=FACTS, **world):
        wiring = wiring or matrix_wiring(shape)
        built = World(wiring, checkerboard(wiring.shape) if state is None else state, **world)
        names = dict.fromkeys(channel.unit for channel in wiring.channels)
        units = {
            name: FakeUnit(built, name, tuple(each.name for each in wiring.channels if each.unit == name), facts)
            for name in names
        }
        crossbar = BenchCrossbar(
            wiring, units, {"matrix": FakeMatrix(built)}, limits or Limits(), built, cell_siemens=1 / OHMS[True]
        )
        if arm:
            crossbar.arm()
        return crossbar, built

    return build


@pytest.fixture
def dense():
    """Return a function from a world and line volts (batch, lines) to the currents out of the array, all lines driven."""

    def answer(world, line_volts):
        return -np.array([world.ports.currents(volts) for volts in line_volts])

    return answer


@pytest.fixture
def virtual_bench():
    """Return a context manager that serves a virtual bench in this process and opens it: (bench, served)."""

    @contextmanager
    def opened(name, **changes):
        file = load_any(name)
        file = file.model_copy(update=changes)
        with ServedInstruments(assemble(file, record=True)) as served:
            resources = {greeting["name"]: greeting["resource"] for greeting in served.greetings()}
            with open_laboratory(file.of, resources=resources, clock=NetworkClock(served.bench.network)) as bench:
                yield bench, served

    return opened


class NetworkClock:
    """The clock of a virtual bench in the same process."""

    def __init__(self, network):
        self.now, self._network = network.now, network

    def sleep(self, seconds):
        self._network.spend(seconds, "wait")


@pytest.fixture(scope="module")
def served_bench():
    """A virtual 2636B and 3706A, served in this process."""
    with serve("virtual-2636b-3706a") as instruments:
        yield instruments


@pytest.fixture
def with_resources(tmp_path, served_bench):
    """Return a function that writes the bench file of the served instruments, with something changed in its text."""

    def write(change=lambda text: text):
        text = f"""kind: instruments
instruments:
  smu: {{driver: instruments.keithley2600.Keithley2636B, resource: "{served_bench.servers["smu"].resource}"}}
  matrix: {{driver: instruments.keithley3706.Keithley3706A, resource: "{served_bench.servers["matrix"].resource}", cards: {{1: "3730", 2: "3730"}}}}
buses: {{ground: {{row: 1, ground: true}}, high: {{row: 2, channel: smu.a}}, low: {{row: 3, channel: smu.b}}}}
lines: {{rows: [matrix.1.1-15], columns: [matrix.2.1-15]}}
chip: {{id: test, array: mtj-50nm}}
"""
        path = tmp_path / "bench.yaml"
        path.write_text(change(text))
        return str(path)

    return write


@pytest.fixture
def is_safe(served_bench):
    """Return a function that tells whether the first source of the served bench is at 0 V and all relays are open."""

    def is_safe():
        network = served_bench.bench.network
        return abs(network.channels["smu", "a"].sense(0.0).volts) < 1e-3 and not network.relays["matrix"].closed()

    return is_safe
