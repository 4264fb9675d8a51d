"""SIGKILL at every write call of the journal on a bench: the pulse that was under way is answered for, never repeated.

The run is a process of its own that kills itself at the n-th call of `files.write`: before it, behind half of it, or
behind all of it. What was acknowledged then is the journal up to the place of that write.
"""

import subprocess
import sys
import time

import numpy as np
import pytest

from labmtj.errors import BenchBusy
from labmtj.quantities import Flag
from labmtj.record import JournalReader, frames, open_data
from labmtj.record.intents import INTENT, unanswered
from labmtj.record.replay import good_end
from labmtj.schema import Purpose

DYING = """
import os, signal, sys
from labmtj.cli import main
from labmtj.record import files
number, share, out, calls, write = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3], 0, files.write
def dying(descriptor, data, offset):
    global calls
    calls += 1
    if calls == number:
        with open(out, "w") as file:
            file.write(str(offset))
        if share:
            write(descriptor, data[: int(len(data) * share)], offset)
        os.kill(os.getpid(), signal.SIGKILL)
    return write(descriptor, data, offset)
files.write = dying
code = main(sys.argv[4:])
with open(out, "w") as file:
    file.write(f"{calls} calls")
sys.exit(code)
"""


@pytest.fixture
def dying(tmp_path):
    """Return a function that runs the small run and has it die at a write; it returns what was acknowledged."""

    def run(rig, number, share):
        out = tmp_path / "offset"
        words = [number, share, out, "run", rig.experiment_file(), "--out", rig.runs]
        subprocess.run([sys.executable, "-c", DYING, *map(str, words)], capture_output=True, timeout=120, check=False)
        return out.read_text()

    return run


def marks_and_reads(journal, start):
    """Iterate what happened behind a byte of a journal: ("intent", None), ("reads", purpose), ("pulses", flags)."""
    for offset, record in JournalReader(journal):
        if offset < start:
            continue
        if record["kind"] == "mark":
            yield record["name"], None
        elif record["kind"] == "rows" and record["path"].endswith("/reads"):
            yield "reads", set(np.unique(record["columns"]["purpose"]).tolist())
        elif record["kind"] == "rows" and record["path"].endswith("/pulses"):
            yield "pulses", record["columns"]["flags"]


def resumed(rig):
    """Go on with a run as soon as the watchdog of the dead one has let go of the bench."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return rig.resume()
        except BenchBusy:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def in_doubt_of(journal, folder):
    """Return the intents without outcome in the bytes of a journal."""
    (folder / "cut.lmj").write_bytes(journal)
    return [each.intent for each in unanswered(folder / "cut.lmj")]


def writes_of(journal):
    """Return the writes of a run that announce a pulse, and how many there are; run.yaml and a head come first."""
    write, pulses = 2, []
    reader = JournalReader(journal)
    for offset, payload in reader.payloads():
        if frames.has_kind(payload, "commit"):
            write += 1
        elif frames.has_kind(payload, "mark") and reader.decoded(offset, payload)["name"] == INTENT:
            pulses.append(write)
    return pulses, write


def test_a_pulse_under_way_is_answered_for_and_the_cells_are_read_before_the_next(
    rigs, reference, dying, sample, tally, metrics_of
):
    """Fails without `Announced`: nothing is unanswered. Fails without `reverify_states`: an intent comes before a read."""
    pulses, writes = writes_of(reference["folder"].journal)
    under_way = [(number + 1, share) for number in pulses for share in (0.0, 0.5)]
    others = [(n, s) for n in range(3, writes + 1) for s in (0.0, 0.5, 1.0) if (n, s) not in under_way]
    doubted = 0
    for number, share in [*sample(under_way, 1), *sample(others, 1)]:
        rig = rigs()
        with tally(9, f"death at write {number}, {share:.0%} of it written"):
            acknowledged = int(dying(rig, number, share))
            rig.assert_safe(within=30.0)
            journal = rig.last() / "journal.lmj"
            before = journal.read_bytes()
            kept = good_end(journal)
            assert kept >= acknowledged
            open_before = in_doubt_of(before[:kept], rig.folder)
            doubted += len(open_before)
            folder = resumed(rig)
            assert folder.journal.read_bytes()[:kept] == before[:kept]
            assert unanswered(folder.journal) == []
            assert_read_first(folder, kept, open_before)
            found = metrics_of(folder.data)
            for name, value in reference["metrics"].items():
                np.testing.assert_array_equal(found[name], value)
            np.testing.assert_array_equal(rig.states(), reference["states"])
            rig.assert_safe()
    assert doubted, "no case died in a pulse"


def assert_read_first(folder, kept, in_doubt):
    happened = list(marks_and_reads(folder.journal, kept))
    names = [name for name, _ in happened]
    if "intent" in names:
        first = names.index("intent")
        recovery = [k for k, (name, what) in enumerate(happened) if name == "reads" and what == {Purpose.RECOVERY}]
        assert recovery
        assert recovery[0] < first
    unknown = [flags for name, flags in happened if name == "pulses" and (flags & Flag.UNKNOWN).any()]
    assert [len(flags) for flags in unknown] == [len(intent.bias) for intent in in_doubt]


def test_a_pulse_in_doubt_has_a_bounded_duration(rigs, dying, tally, reference):
    """Fails if `Interrupted.record` takes no end into account: NaN."""
    rig = rigs()
    dying(rig, writes_of(reference["folder"].journal)[0][-1] + 1, 0.0)
    with tally(9, "bounded duration"):
        folder = resumed(rig)
        with open_data(folder.data) as data:
            flags = data.read("arrays/small-0a/pulses/flags")
            seconds = data.read("arrays/small-0a/pulses/delivered_seconds")
            asked = data.read("arrays/small-0a/pulses/seconds")
            purposes = data.read("arrays/small-0a/reads/purpose")
        unknown = ((flags & Flag.UNKNOWN) != 0).any(axis=1)
        assert unknown.any()
        assert (seconds[unknown] > 0).all()
        assert (seconds[unknown] < 5).all()
        assert (asked[unknown] > 0).all()
        assert (purposes == Purpose.RECOVERY).any()


def torn_behind(journal, path):
    """Return the write whose commit holds rows of a table, and the share of it up to behind those rows."""
    write, begun, length, reader = 2, 0, 1, JournalReader(journal)
    for offset, payload in reader.payloads():
        if frames.has_kind(payload, "commit"):
            write, begun = write + 1, offset
            length = reader.valid_bytes - offset + reader.decoded(offset, payload)["bytes"]
        elif frames.has_kind(payload, "rows") and reader.decoded(offset, payload)["path"] == path:
            return write, (reader.valid_bytes - begun + 1) / length
    raise AssertionError(path)


def test_a_pattern_counts_once_if_death_comes_between_its_row_and_its_snapshot(rig, dying, tally, reference):
    """Fails if `good_end` keeps the whole frames of a commit that is not whole: the pattern is there twice."""
    number, share = torn_behind(reference["folder"].journal, "patterns/small/written")
    assert share < 1
    dying(rig, number, share)
    with tally(9, "death between row and snapshot"), open_data(resumed(rig).data) as data:
        assert data.read("patterns/small/written/number").tolist() == [0]
