import os
import subprocess
import sys

import pytest

from labmtj.errors import BenchBusy
from labmtj.instrumentlocks import owning


@pytest.fixture(autouse=True)
def runtime(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


HOLD = """
import sys
from labmtj.instrumentlocks import owning
with owning({"smu": "GPIB0::24::INSTR"}, run="2026_ab"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_refused_and_told_who_holds_the_instrument():
    other = subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with other:
        assert other.stdout.readline() == "held\n"
        said = rf"b at GPIB0::24::INSTR is in use by process {other.pid} on \S+, run 2026_ab; end that first"
        with pytest.raises(BenchBusy, match=said), owning({"a": "TCPIP::1::INSTR", "b": "gpib0:: 24::instr"}):
            pass
        with owning({"a": "TCPIP::1::INSTR"}):  # the refusal let go of what it had
            pass
        other.kill()  # no clean-up of its own
    with owning({"a": "GPIB0::24::INSTR"}):
        pass


def test_an_instrument_has_one_owner_within_a_process_too():
    with owning({"a": "A"}), pytest.raises(BenchBusy, match=f"process {os.getpid()} on"), owning({"b": "B", "a": "A"}):
        pass
