import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from labmtj.errors import DataError, RecordError
from labmtj.safety import Ledger, kept_counts, ledger_path

NAMES = ["1A01", "1A02", "1A03"]


def test_counts_go_on_in_the_file_under_any_choice_of_names(tmp_path):
    path = tmp_path / "deep" / "matrix.npy"
    kept_counts(path, NAMES)[:] = [1, 2, 3]
    np.testing.assert_array_equal(kept_counts(path, NAMES), [1, 2, 3])
    other = kept_counts(path, ["1A03", "9Z99"])
    np.testing.assert_array_equal(other, [3, 0])
    other += 10
    np.testing.assert_array_equal(kept_counts(path, NAMES), [1, 2, 13])
    entries = np.load(path)
    assert dict(entries.tolist()) == {b"1A01": 1, b"1A02": 2, b"1A03": 13, b"9Z99": 10}


def test_counts_survive_sigkill(tmp_path):
    """Counts that wait in the process (a plain array, saved at the end) are lost."""
    path = tmp_path / "chip.npy"
    program = (
        "import sys, os, signal; from pathlib import Path; from labmtj.safety import Ledger, kept_counts\n"
        f"counts = kept_counts(Path({str(path)!r}), ['(0, 0)'])\n"
        "ledger = Ledger(['(0, 0)'], 100, what='pulses', limit='x', counts=counts)\n"
        "for _ in range(7): ledger.add(1)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -signal.SIGKILL
    assert kept_counts(path, ["(0, 0)"])[0] == 7


def test_a_kept_ledger_does_not_go_back_to_a_snapshot(tmp_path):
    ledger = Ledger(NAMES, 100, what="closures", limit="x", counts=kept_counts(tmp_path / "a.npy", NAMES))
    ledger.add(np.array([5, 0, 0]))
    ledger.sync()
    ledger.restore(np.zeros(3, np.int64))
    assert ledger.most == 5
    assert ledger.kept


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\x01", b"nothing", None])
def test_a_file_that_is_no_ledger_is_refused(tmp_path, content):
    path = tmp_path / "a.npy"
    np.save(path, np.zeros(3)) if content is None else path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.npy: is not a ledger .*set it aside"):
        kept_counts(path, NAMES)


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "state").write_text("a file, where a folder should be")
    with pytest.raises(RecordError, match="the ledger cannot be kept"):
        kept_counts(tmp_path / "state" / "a.npy", NAMES)


def test_any_key_gives_its_own_file_in_the_users_state(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    one, other = ledger_path("chip", "../../wafer 7/die:3"), ledger_path("chip", "../../wafer 7/die 3")
    assert one != other
    assert one.parent == other.parent == tmp_path / "labmtj" / "ledgers"
    assert os.sep not in one.name
