"""A wall clock that is set, and a disk that takes two seconds for a sync: no row is lost, and nobody cries wolf."""

import datetime
import itertools
import re
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import labmtj
from labmtj import timestamps
from labmtj.record import files
from labmtj.run import folder as folder_module
from labmtj.timestamps import Timestamp

SLOW_SECONDS = 2.0


@pytest.fixture
def clock_that_is_set(monkeypatch):
    """Have the wall clock jump a day back and forth, whoever asks."""
    jumps = itertools.cycle([datetime.timedelta(days=1), datetime.timedelta(days=-1), datetime.timedelta(0)])

    class Jumping(datetime.datetime):
        @classmethod
        def now(cls, zone=None):
            return datetime.datetime.now(zone) + next(jumps)

    fake = SimpleNamespace(datetime=Jumping, UTC=datetime.UTC)
    monkeypatch.setattr(timestamps, "datetime", fake)
    monkeypatch.setattr(folder_module, "datetime", fake)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + next(jumps).total_seconds())


def test_a_wall_clock_that_is_set_changes_nothing_that_was_measured(
    rig, reference, clock_that_is_set, tally, datasets_of
):
    with tally(16, "wall clock set at every question"):
        found = datasets_of(rig.start().data)
        for name, value in reference["datasets"].items():
            if name.startswith(("arrays/small-0a/", "patterns/")):
                assert found[name].shape == value.shape, name
        np.testing.assert_array_equal(found["patterns/small/written/achieved"], reference["metrics"]["achieved"])
        for table in ("reads", "pulses"):
            starts = found[f"arrays/small-0a/{table}/start_seconds"]
            order = np.nanmin(starts.reshape(len(starts), -1), axis=1)
            assert (np.diff(order) >= 0).all(), f"{table} go back in time"
            assert np.ptp(order) < 600
        rig.assert_safe()


def test_durations_do_not_come_from_the_wall_clock(clock_that_is_set, tally):
    """Fails if `seconds_since` takes the wall clock where the clock since boot is known."""
    with tally(16, "duration while the wall clock is set"):
        begun = Timestamp.now()
        for _ in range(6):
            assert 0 <= Timestamp.now().seconds_since(begun) < 60


def test_nothing_is_timed_by_the_wall_clock():
    """The wall clock is for stamps, which say so by their name: anything else could be a duration that jumps."""
    source = Path(labmtj.__file__).parent
    for path in [*source.rglob("*.py"), *(source.parent / "instruments").rglob("*.py")]:
        timed = [line for line in path.read_text().splitlines() if re.search(r"\btime\.time(_ns)?\(", line)]
        assert all("utc" in line for line in timed), (path, timed)


def test_a_slow_disk_loses_nothing_and_alarms_nobody(rig, reference, monkeypatch, torture, tally, datasets_of):
    calls, real = [], files.sync_data

    def slow(descriptor):
        calls.append(descriptor)
        if torture or len(calls) == 15:
            time.sleep(SLOW_SECONDS)
        real(descriptor)

    monkeypatch.setattr(files, "sync_data", slow)
    with tally(16, "two seconds for a sync"):
        found = datasets_of(rig.start().data)
        assert len(calls) > 15
        for name, value in reference["datasets"].items():
            if name.startswith("arrays/small-0a/"):
                assert found[name].shape == value.shape, name
        np.testing.assert_array_equal(found["patterns/small/written/achieved"], reference["metrics"]["achieved"])
        assert not (rig.last() / "watchdog.jsonl").exists()
        rig.assert_safe()
