"""The small run that every fault is injected into, the bench of virtual instruments it runs on, and the count of rows.

A test takes `rig` for a bench of its own, `reference` for what the run leaves when nothing goes wrong, and says of every
case whether the row of the fault matrix held: `with tally(3, "disconnect at call 17"): ...`.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml

from labmtj.bench.files.loading import load_any
from labmtj.bench.session.opening import open_laboratory
from labmtj.device.mtj.junctions import Defect
from labmtj.errors import AnswerLost, LabmtjError
from labmtj.run import RunFolder, load_experiment, resume, start
from labmtj.simulated.array import SimulatedArray
from labmtj.testing.benches import plain_array
from labmtj.testing.benches import take as taken
from labmtj.virtual.assembly import assemble
from labmtj.virtual.server.serving import ServedInstruments

OFFSET_VOLTS = 2e-3
"""the sources of some boxes have an offset with the output off, too"""
DEFECTS = {
    "short": (Defect.SHORT, 200.0), "open": (Defect.OPEN, 1e9), "stuck in P": (Defect.STUCK_P,),
    "stuck in AP": (Defect.STUCK_AP,),
}  # fmt: skip
PATTERNS = ["checkerboard"]
TIMEOUT_SECONDS = 0.3
"""where answers are lost on purpose; a busy machine may delay others for longer, which costs a retry"""
PATIENT_SECONDS = 2.0
"""where nothing is late but what a busy machine delays"""
MOST_BENCHES = 10
"""of one test that are open at a time; hundreds would have more sockets than `select` can watch"""
SETTINGS = {
    "patterns": PATTERNS,
    "amplitude": None,
    "reference": {"aperture_seconds": 1e-3, "initialise_volts": 0.7},
    "write": {"parallel_volts": 0.5, "antiparallel_volts": 0.56, "aperture_seconds": 1e-3, "max_rounds": 2},
}
BENCH = """
kind: instruments
instruments:
  smu: {driver: instruments.keithley2600.Keithley2636B, resource: "TCPIP::127.0.0.1::9::SOCKET", timeout_seconds: %(timeout)s}
  matrix: {driver: instruments.keithley3706.Keithley3706A, resource: "TCPIP::127.0.0.1::9::SOCKET", timeout_seconds: %(timeout)s, cards: {1: "3730"}}
buses:
  ground: {row: 1, ground: true}
  high: {row: 2, channel: smu.a}
  low: {row: 3, channel: smu.b}
lines:
  rows: [matrix.1.1-4]
  columns: [matrix.1.5-8]
settle_seconds: 1e-6
relay_settle_seconds: 1e-6
chip: {id: "small", array: small.yaml}
"""
TWO_BOXES = (
    BENCH.replace(
        'smu: {driver: instruments.keithley2600.Keithley2636B, resource: "TCPIP::127.0.0.1::9::SOCKET", timeout_seconds: %(timeout)s}',
        "\n  ".join(
            f'{name}: {{driver: instruments.keithley2400.Keithley2400, resource: "TCPIP::127.0.0.1::9::SOCKET", '
            "timeout_seconds: %(timeout)s}"
            for name in ("smu", "other")
        ),
    )
    .replace("keithley3706.Keithley3706A", "keithley7000.Keithley7002")
    .replace('"3730"', '"7012-S"')
    .replace("smu.a", "smu.1")
    .replace("smu.b", "other.1")
)
"""the same with two 2400 and a 7002: messages time its pulses"""
VIRTUAL = "kind: virtual\nof: bench.yaml\narrays: [small.yaml]\nseed: 3\nnoise: false\n"


# -- the count ---------------------------------------------------------------------------------------------------------


class Tally:
    """Which rows of the fault matrix a test tried, and what did not hold.

    Args:
        onward: whether a case that does not hold is kept for the end of the test, so that the others are tried.
    """

    def __init__(self, onward):
        self.onward, self.tried, self.failures = onward, [], []

    @contextlib.contextmanager
    def __call__(self, row, case=""):
        """Count a case; it held if nothing was raised within."""
        self.tried.append(row)
        try:
            yield
        except (Exception, pytest.fail.Exception) as error:
            said = next(iter(str(error).splitlines()), "")
            self.failures.append((row, f"row {row}, {case}: {type(error).__name__}: {said}"))
            if not self.onward:
                raise


@pytest.fixture
def tally(request, torture):
    """Return the count of this test; tests/conftest.py adds them up, over all processes."""
    counted = Tally(torture)
    yield counted
    request.node.user_properties += [("tried", counted.tried), ("failures", counted.failures)]
    if torture and counted.failures:
        pytest.fail("\n".join(text for _, text in counted.failures))


# -- the bench ---------------------------------------------------------------------------------------------------------


def write_files(folder, timeout=PATIENT_SECONDS, virtual=VIRTUAL, bench=BENCH):
    """Write the files of the bench into a folder: a 4 x 4 array without defects, by default on a 2636B and a 3706A."""
    array = plain_array("small", (4, 4))
    (folder / "small.yaml").write_text(yaml.safe_dump(array))
    (folder / "bench.yaml").write_text(bench % {"timeout": timeout})
    (folder / "virtual.yaml").write_text(virtual)
    return load_any(str(folder / "virtual.yaml"))


PROGRESS = ("run ", "checking", "at work", "blocks", "analysis", "report")


def complaint(said):
    """Return what a command said on stderr without the lines of its progress."""
    return "\n".join(line for line in said.splitlines() if not line.startswith(PROGRESS))


class Rig:
    """A bench of virtual instruments in this process, with a chip as new; and runs on it, here or in a process.

    Args:
        folder: for the files of the bench and the runs.
    """

    def __init__(self, folder, **files):
        self.folder = folder
        self.file = write_files(folder, **files)
        self.served = ServedInstruments(assemble(self.file))
        text = (folder / "bench.yaml").read_text()
        for greeting in self.served.greetings():
            text = text.replace("TCPIP::127.0.0.1::9::SOCKET", greeting["resource"], 1)
        self.bench = folder / "bench-at-ports.yaml"
        self.bench.write_text(text)
        self.runs = folder / "runs"
        self._spawned = []

    def close(self):
        """End the runs that a failed test has left, and the instruments: what one test leaves is no fault of the next."""
        for process in self._spawned:
            if process.poll() is None:
                process.kill()
                process.communicate()
        self.served.__exit__()

    # -- runs

    def experiment(self, **settings):
        """Return the small run as an experiment."""
        return load_experiment("patterns", bench=str(self.bench), changes={**SETTINGS, **settings})

    def start(self, show=lambda _: None, **settings):
        """Run here, from the beginning."""
        return start(self.experiment(**settings), self.runs, workers=1, show=show)

    def resume(self, show=lambda _: None):
        """Go on with the last run, here."""
        return resume(RunFolder.open(self.last()), workers=1, show=show)

    def last(self):
        """Return the folder of the last run."""
        return max(self.runs.iterdir(), key=lambda path: path.stat().st_mtime_ns)

    def experiment_file(self, **settings):
        """Write the small run as an experiment file and return its path."""
        path = self.folder / "experiment.yaml"
        content = {
            "procedure": "procedures.patterns.PatternCampaign", "bench": str(self.bench), "seed": 1,
            "settings": {**SETTINGS, **settings},
        }  # fmt: skip
        path.write_text(yaml.safe_dump(content))
        return path

    def spawn(self, *words, **settings):
        """Run the command line in a process of its own: default `labmtj run` of the small run."""
        words = words or ("run", str(self.experiment_file(**settings)), "--out", str(self.runs))
        process = subprocess.Popen(
            [sys.executable, "-m", "labmtj", *map(str, words)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"COLUMNS": "80"},
            start_new_session=True,
        )  # fmt: skip
        self._spawned.append(process)
        return process

    # -- faults

    def fault(self, text):
        """Arm a fault as on the command line of `labmtj serve`: `smu:late:17:0.3`; messages count from now."""
        self.served.arm_fault(text)

    def calls(self):
        """Return how many calls each instrument has answered: messages of several lines that end with a question."""
        return {name: each.round_trips for name, each in self.served.served.items()}

    def watch(self):
        """Return the numbers of the lines that are answered from now on, with the answers, by instrument."""
        answered = {name: {} for name in self.served.faulty}
        for name, faulty in self.served.faulty.items():
            faulty.handle = _watched(faulty.handle, answered[name])
        return answered

    def happened(self):
        """Return the faults that came true."""
        return [each for faulty in self.served.faulty.values() for each in faulty.happened]

    def spoil(self, cell, kind):
        """Make one cell of the chip "short", "open", "stuck in P", "stuck in AP" or "drifting" (2.5 times its ohms)."""
        array, number = self.network.array, cell[0] * self.network.array.shape[1] + cell[1]
        junctions = array._pristine
        if kind == "drifting":
            factors = np.where(np.arange(junctions.cells) == number, 2.5, 1.0)
            junctions = replace(junctions, parallel_ohms=junctions.parallel_ohms * factors)
        else:
            junctions = junctions.with_defect(number, *DEFECTS[kind])
        changed = SimulatedArray(array.wires, junctions, self.file.seed, array.name, array.line_amperes)
        network = ("factorised_ohms", "changes")  # of the cells as they were
        changed.restore({name: value for name, value in array.snapshot().items() if name not in network})
        self.network.insert(changed)

    # -- the truth

    @property
    def network(self):
        return self.served.bench.network

    def states(self):
        """Return the true states of the cells, (4, 4), True = P."""
        return self.network.array.state.reshape(self.network.array.shape).copy()

    def outputs(self):
        """Return which outputs of the virtual sources are on, as they say themselves."""
        boxes = {name: box for name, box in self.served.bench.instruments.items() if name not in self.network.relays}
        asked = "print(smua.source.output, smub.source.output)" if len(boxes) == 1 else ":OUTP?"
        return [float(word) != 0 for box in boxes.values() for word in box.handle(asked).split()]

    def unsafe(self):
        """Return what is not as it must be behind a run: sources at 0 V, outputs off, relays open, none moved hot."""
        wrong = [f"channel at {each.level} V" for each in self.network.settings if abs(each.level) > OFFSET_VOLTS]
        wrong += ["an output is on"] if any(self.outputs()) else []
        wrong += [
            f"{name} closed: {sorted(each.closed())}" for name, each in self.network.relays.items() if each.closed()
        ]
        return wrong + [f"a relay moved under voltage: {event}" for event in self.network.events]

    complaint = staticmethod(complaint)

    def assert_safe(self, within=0.0):
        """Assert state S on the virtual instruments, at once or within some seconds."""
        deadline = time.monotonic() + within
        while (wrong := self.unsafe()) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not wrong, "\n".join(wrong)


def _watched(handle, answered):
    lines = 0

    def watched(message):
        nonlocal lines
        lines += 1
        reply = handle(message)
        if reply is not None:
            answered[lines] = reply
        return reply

    return watched


@pytest.fixture
def rigs(tmp_path):
    """Return a function that makes a bench with a new chip; all end with the test, or long after the next was made."""
    made = []

    def make(**files):
        folder = tmp_path / f"rig{len(made)}"
        folder.mkdir()
        for each in made[-MOST_BENCHES : -MOST_BENCHES + 1]:
            each.close()
        made.append(Rig(folder, **files))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def rig(rigs):
    """Return a bench with a new chip."""
    return rigs()


# -- what a run leaves -------------------------------------------------------------------------------------------------


def datasets(path):
    """Return every dataset of a data.h5 by its path."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, each: found.update({name: each[()]}) if isinstance(each, h5py.Dataset) else None)
    return found


def metrics(path):
    """Return what the small run found: target, achieved, outcome, fidelity per pattern; each pattern's last row."""
    content = datasets(path)
    number = content["patterns/small/written/number"]
    last = [int(np.flatnonzero(number == k)[-1]) for k in range(len(PATTERNS)) if (number == k).any()]
    names = ("target", "achieved", "outcome", "fidelity")
    return {name: content[f"patterns/small/written/{name}"][last] for name in names}


@pytest.fixture(scope="session")
def reference(tmp_path_factory):
    """Return what the small run leaves when nothing goes wrong.

    folder, datasets, metrics; states: of the cells, as they are; calls: by instrument, how many; answered: by instrument,
    the numbers of the lines with an answer, counted from 1 for `Rig.fault("smu:lost:N")`; numbers: of those in whose
    answers a number with an exponent stands.
    """
    folder = tmp_path_factory.mktemp("reference")
    rig = Rig(folder)
    try:
        answered, before = rig.watch(), rig.calls()
        run = rig.start()
        rig.assert_safe()
        calls = {name: count - before[name] for name, count in rig.calls().items()}
        return {
            "folder": run, "datasets": datasets(run.data), "metrics": metrics(run.data), "states": rig.states(),
            "calls": calls, "answered": {name: list(each) for name, each in answered.items()},
            "numbers": {
                name: [line for line, reply in each.items() if re.search(r"\de[+-]?\d", str(reply), re.IGNORECASE)]
                for name, each in answered.items()
            },
        }  # fmt: skip
    finally:
        rig.close()


@pytest.fixture(scope="session")
def answers(reference):
    """Return the answers of the small run: (instrument, number of the line that it answers)."""
    return [(name, line) for name, lines in reference["answered"].items() for line in lines]


def descendants(pid, word):
    """Return the children of a process that have this word in their command lines."""
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with contextlib.suppress(OSError):
            found += [int(child)] if word.encode() in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0") else []
    return found


@pytest.fixture
def descendants_of():
    """Return the function `descendants`."""
    return descendants


@pytest.fixture
def watchdog_of():
    """Return a function from the process id of a run to that of its watchdog, once it has one."""

    def watchdog(pid):
        deadline = time.monotonic() + 60
        while not (found := descendants(pid, "labmtj.watchdog")):
            assert time.monotonic() < deadline
            time.sleep(0.005)
        return found[0]

    return watchdog


@pytest.fixture
def at_work():
    """Return a function that waits until a run, a process, has switched the outputs of a rig on."""

    def wait(rig, process):
        deadline = time.monotonic() + 60
        while not any(rig.outputs()):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.002)

    return wait


@pytest.fixture(scope="session")
def datasets_of():
    """Return the function `datasets`."""
    return datasets


@pytest.fixture
def at_work_by_itself(watchdog_of):
    """Return a function that waits until a run, a process with virtual instruments of its own, keeps what it reads."""

    def wait(rig, process):
        watchdog_of(process.pid)
        journal = rig.last() / "journal.lmj"
        size, deadline = journal.stat().st_size, time.monotonic() + 60
        while journal.stat().st_size == size:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.005)

    return wait


@pytest.fixture
def metrics_of():
    """Return the function `metrics`."""
    return metrics


def kill(process):
    """Kill a process as the system does when memory is short, and wait for its end."""
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


__all__ = ["PATTERNS", "SETTINGS", "Path", "Rig", "datasets", "kill", "metrics", "write_files"]


# -- a run with a fault ------------------------------------------------------------------------------------------------

KEPT = {"reads": ("amperes", "flags", "row_volts", "column_volts"), "pulses": ("bias_volts", "seconds", "flags")}
"""what must be the same to the bit, whatever went wrong on a wire; times are not"""


def rows(path):
    """Return the reads and pulses of a run, without times, one tuple of bytes each."""
    found = {}
    with h5py.File(path) as file:
        for table, names in KEPT.items():
            columns = [file[f"arrays/small-0a/{table}/{name}"][()] for name in names]
            found[table] = [tuple(column[k].tobytes() for column in columns) for k in range(len(columns[0]))]
    return found


class Outcome:
    """A run with a fault in it: how it ended, and what it must have left in any case.

    Args:
        rig: the bench.
        reference: what the undisturbed run leaves.
    """

    def __init__(self, rig, reference):
        self.rig, self.reference, self.error = rig, reference, None
        self.began = time.monotonic()
        try:
            rig.start()
        except LabmtjError as error:
            self.error = error
        self.seconds = time.monotonic() - self.began
        rig.assert_safe()
        self.folder = RunFolder.open(rig.last())

    def assert_held(self):
        """Assert that the run did its work, or ended with S, D and E and is resumed."""
        if self.error is None:
            assert rows(self.folder.data) == rows(self.reference["folder"].data), "a stored value is not as it must be"
        else:
            self.assert_failed_well()
            self.assert_resumed()

    def assert_failed_well(self):
        """Assert that the error tells who, where and what now, and that what was kept is what an undisturbed run keeps."""
        assert self.error.exit_code == 1
        assert self.folder.ending == "FAILED"
        told = str(self.error)
        assert any(f"{name} at TCPIP::127.0.0.1" in told for name in ("smu", "matrix")), told
        assert "labmtj resume" in "\n".join(getattr(self.error, "__notes__", []))
        if self.folder.data.exists():
            kept, right = rows(self.folder.data), rows(self.reference["folder"].data)
            for table in KEPT:
                assert kept[table] == right[table][: len(kept[table])], (
                    f"{table} differ from those of an undisturbed run"
                )

    def _resumed(self, tries=3):
        """Resume; on a busy machine an answer may take longer than the little patience of this bench, and once more."""
        try:
            return self.rig.resume()
        except AnswerLost:
            self.rig.assert_safe()
            if tries == 1:
                raise
            return self._resumed(tries - 1)

    def assert_resumed(self):
        """Assert that going on gives the same patterns in the cells and the same metrics."""
        run = self._resumed()
        self.rig.assert_safe()
        assert run.ending == "DONE"
        np.testing.assert_array_equal(self.rig.states(), self.reference["states"])
        for name, values in metrics(run.data).items():
            np.testing.assert_array_equal(values, self.reference["metrics"][name])


@pytest.fixture
def run_with(rigs, reference):
    """Return a function that gives the outcome of the small run with these faults, on a bench of its own.

    Faults that never happened are an error of the test: it would prove nothing. Only on a busy machine a run may end for
    want of patience before they do, and then there is another try.
    """

    def run_with(*faults, timeout=TIMEOUT_SECONDS):
        for _ in range(3):
            rig = rigs(timeout=timeout)
            for each in faults:
                rig.fault(each)
            outcome = Outcome(rig, reference)
            if len(rig.happened()) == len(faults):
                return outcome
            assert isinstance(outcome.error, AnswerLost), f"{faults} did not happen"
        raise AssertionError(f"{faults} did not happen in three tries")

    return run_with


@pytest.fixture(scope="session")
def two_boxes():
    """Return the text of a bench with two boxes that source, for `rigs(bench=...)`."""
    return TWO_BOXES


@pytest.fixture(scope="session")
def armed():
    """Return a function: a rig -> context of its open, armed bench without a watchdog."""
    return lambda rig: open_laboratory(load_any(str(rig.bench)), guarded=False)


@pytest.fixture(scope="session")
def take():
    """Return the function that takes one reading of an open bench."""
    return taken


@pytest.fixture(scope="session")
def ends(tmp_path_factory):
    """Return the numbers of the lines that end a script with readings, and those that end one with pulses."""
    rig = Rig(tmp_path_factory.mktemp("ends"))
    faulty = rig.served.faulty["smu"]
    handle, lines, ends = faulty.handle, [], {"readings": [], "pulses": []}

    def watched(line):
        lines.append(line)
        if line == "endscript" and "loadandrunscript" in lines:  # the first ends no script
            script = lines[len(lines) - lines[::-1].index("loadandrunscript") :]
            ends["pulses" if any("trigger.initiate" in each for each in script) else "readings"].append(len(lines))
        return handle(line)

    faulty.handle = watched
    try:
        rig.start()
        return ends
    finally:
        rig.close()
