"""Disks that refuse: full, broken, file too large, read-only; at every call that writes. Outputs off first, then D E R."""

import errno
import os

import h5py
import numpy as np
import pytest

from labmtj.errors import ProcedureFailed, RecordError, UsageError
from labmtj.record import checkpoint, files
from labmtj.record.intents import unanswered
from labmtj.run import RunFolder, resume, start
from procedures.patterns import procedure as patterns

CODES = [errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EROFS]
CALLS = ("make_folder", "create", "write", "truncate", "sync_data", "sync", "sync_folder", "reserve", "clone", "rename")


class Refusing:
    """Lets the calls that change files through until the n-th, and refuses from there on.

    Without `at` it only counts. `at_refusal` is called when the first call is refused.
    """

    def __init__(self, patch, at=None, code=errno.ENOSPC, at_refusal=lambda: None):
        self.calls, self._at, self._code, self._at_refusal = [], at, code, at_refusal
        for name in CALLS:
            patch.setattr(files, name, self._refusing(name, getattr(files, name)))

    def _refusing(self, name, real):
        def refusing(*arguments):
            self.calls.append(name)
            if self._at is not None and len(self.calls) >= self._at:
                if len(self.calls) == self._at:
                    self._at_refusal()
                raise OSError(self._code, os.strerror(self._code))
            return real(*arguments)

        return refusing


def calls_of(run):
    """Return the calls of a run that may be refused."""
    with pytest.MonkeyPatch.context() as patch:
        counting = Refusing(patch)
        run()
    return counting.calls


def refused(run, number, code, at_refusal=lambda: None):
    """Run with a disk that refuses from a call on; return the error."""
    with pytest.MonkeyPatch.context() as patch:
        refusing = Refusing(patch, number, code, at_refusal)
        with pytest.raises((RecordError, UsageError)) as failed:
            run()
    assert len(refusing.calls) >= number
    assert os.strerror(code) in str(failed.value)
    return failed.value


def the_run(parent):
    """Return the run below a folder, None if there is none."""
    found = [path.parent for path in parent.glob("*/run.yaml")]
    return RunFolder(found[0]) if found else None


def test_a_disk_that_refuses_at_any_call_of_a_simulation(
    small_experiment, recording, tmp_path, assert_same_run, sample, tally
):
    def run(parent):
        return lambda: start(small_experiment, parent, workers=1, show=lambda _: None)

    calls = calls_of(run(tmp_path / "counted"))
    cases = [(number, code) for number in range(1, len(calls) + 1) for code in CODES]
    for number, code in sample(cases, 6):
        parent = tmp_path / f"{number}-{code}"
        with tally(13, f"{errno.errorcode[code]} at call {number} of a simulation"):
            error = refused(run(parent), number, code)
            folder = the_run(parent)
            if folder is None:
                continue
            assert "resume" in "".join(error.__notes__)
            assert_same_run_but_name(resume(folder, workers=1, show=lambda _: None), recording[0])


def assert_same_run_but_name(folder, original):
    """Names of runs differ; all that was measured does not."""
    with h5py.File(folder.data) as one, h5py.File(original.data) as other:
        names = []
        other.visititems(lambda name, each: names.append(name) if isinstance(each, h5py.Dataset) else None)
        for name in names:
            np.testing.assert_array_equal(one[name][()], other[name][()])


def test_outputs_are_off_before_anything_else_is_done_when_the_disk_refuses(
    rigs, reference, tmp_path, sample, tally, metrics_of
):
    """Fails if `_Course.run` keeps before it leaves the crew: files are touched with outputs on."""
    calls = calls_of(rigs().start)
    cases = [(number, code) for number in range(1, len(calls) + 1) for code in CODES]
    for number, code in sample(cases, 2):
        rig = rigs()
        with tally(13, f"{errno.errorcode[code]} at call {number} on a bench"):
            refused(rig.start, number, code)
            rig.assert_safe()
            folder = the_run(rig.runs)
            if folder is None:
                continue
            assert folder.ending in ("FAILED", None)  # a full disk may not take the mark either
            again = rig.resume()
            assert unanswered(again.journal) == []
            for name, value in metrics_of(again.data).items():
                np.testing.assert_array_equal(value, reference["metrics"][name])
            np.testing.assert_array_equal(rig.states(), reference["states"])


def test_outputs_are_off_before_files_are_brought_up_to_date(rig, monkeypatch, tally):
    """Fails if `_Course.run` calls `_keep` within the crew: a checkpoint may take long, or hang."""
    outputs = []

    def reserve(*arguments):
        outputs.append(any(rig.outputs()))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def failing(*arguments, **more):
        assert any(rig.outputs())
        raise ProcedureFailed("by design")

    monkeypatch.setattr(checkpoint, "_SHORTEST_SECONDS", 1e9)  # those between two blocks come with outputs on, at 0 V
    monkeypatch.setattr(files, "reserve", reserve)
    monkeypatch.setattr(patterns, "write_matrix", failing)
    with tally(13, "outputs before files"):
        with pytest.raises(RecordError, match="No space left"):
            rig.start()
        assert outputs == [False]
        rig.assert_safe()
