"""What people see while they wait: something from the first second on, and an estimate that is worth something."""

import io
import re
import sys
import time
from pathlib import Path

import pytest

from labmtj.display import Display, Rate
from labmtj.run import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


both = pytest.mark.parametrize("kind", [Terminal, io.StringIO], ids=["terminal", "file"])


def wait_for(shown, text):
    deadline = time.monotonic() + 30
    while text not in shown.getvalue():
        assert time.monotonic() < deadline, shown.getvalue()
        time.sleep(0.01)


@both
def test_a_block_that_takes_long_is_not_silent(kind, monkeypatch):
    """Case M4: nothing was shown before the first block."""
    shown = kind()
    monkeypatch.setattr(sys, "stderr", shown)
    with Display() as display:
        display.phase("checking wine")
        wait_for(shown, "checking wine")
        display.run(Path("runs/one"))
        assert "run runs/one" in shown.getvalue()
        if shown.isatty():
            wait_for(shown, "so far")


@both
def test_a_pause_says_so(kind, monkeypatch):
    shown = kind()
    monkeypatch.setattr(sys, "stderr", shown)
    with Display() as display:
        display(Progress("paused", 0, 1, 0.0, 0))
        assert "paused: the bench is safe and free" in shown.getvalue()


def test_what_ends_at_once_leaves_nothing_in_a_file(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with Display() as display:
        display.phase("checking")
    assert stream.getvalue() == ""


def test_time_left_does_not_count_the_first_blocks_which_take_longer():
    """Case M4: it had started seven times too long."""
    rate, seconds, said = Rate(), 0.0, {}
    for done in range(101):
        said[done] = rate.left_seconds(Progress("blocks", done, 100, seconds, 0, slow=4))
        seconds += 10.0 if done < 4 else 0.5
    assert all(said[done] is None for done in range(8))
    for done in range(10, 100):
        assert said[done] == pytest.approx(0.5 * (100 - done), rel=0.15), done


def test_progress_of_a_resumed_run_counts_from_where_it_began():
    rate = Rate()
    for done in range(50, 70):
        left = rate.left_seconds(Progress("blocks", done, 100, 2.0 * (done - 50), 50, slow=1))
    assert left == pytest.approx(2.0 * 31)


def test_a_line_fits_a_terminal_of_80_columns(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with Display() as display:
        display.phase("checking " + "x" * 200)
        display(Progress("blocks", 10**9, 10**10, 1e6, 0))
    assert all(len(line) <= 78 for line in re.split(r"[\r\n]", stream.getvalue()))
