import threading

import numpy as np
import pytest

from labmtj.errors import CannotDo, InstrumentError, LimitExceeded, Stopped, UsageError
from labmtj.forking import Owner
from labmtj.quantities import Bias, Lines, ReadSettings
from labmtj.safety import Ledger, Safety, State

ALL = Lines(columns=(0, 1, 2))
BREAKS = [InstrumentError("smu", "x", "gone"), Stopped(2), KeyboardInterrupt(), ValueError("odd"), MemoryError()]


# -- safe, armed, live


def test_an_operation_is_live_and_ends_armed(scripted, write):
    inner, safety = scripted()
    seen = []
    inner._call = lambda name: seen.append(safety.state)
    safety.pulse(write, 1e-3)
    safety.measure(write, ALL, ReadSettings())
    assert seen == [State.LIVE, State.LIVE]
    assert safety.state is State.ARMED


@pytest.mark.parametrize("error", BREAKS, ids=repr)
@pytest.mark.parametrize("name", ["measure", "pulse"])
def test_an_operation_that_breaks_off_makes_it_safe_and_needs_arm(scripted, write, error, name):
    """Without the `except` of `_live` the sources stay as they are, and the next call goes through."""
    inner, safety = scripted()
    call = {"measure": lambda: safety.measure(write, ALL, ReadSettings()), "pulse": lambda: safety.pulse(write, 1e-3)}[
        name
    ]
    inner.raises = error
    with pytest.raises(type(error)):
        call()
    assert inner.calls == [name, "make_safe"]
    assert safety.state is State.SAFE
    inner.raises = None
    with pytest.raises(UsageError, match=r"is safe, not armed: nothing was applied.*arm\(\)"):
        call()
    assert inner.calls == [name, "make_safe"]
    safety.arm()
    call()
    assert inner.calls == [name, "make_safe", "arm", name]


def test_a_second_thread_hears_that_a_bench_belongs_to_one_and_changes_nothing(scripted, write):
    """Fails without `Safety._alone`: it was advised to call arm()."""
    inner, safety = scripted()
    refused = []

    def second(name):
        with pytest.raises(UsageError, match="A bench belongs to one thread at a time") as raised:
            safety.pulse(write, 1e-3)
        refused.append(str(raised.value))

    def while_it_is_live(name):
        thread = threading.Thread(target=second, args=(name,))
        thread.start()
        thread.join()

    inner._call = while_it_is_live
    safety.measure(write, ALL, ReadSettings())
    assert len(refused) == 1
    assert "arm()" not in refused[0]
    assert safety.state is State.ARMED


def test_a_crossbar_of_another_process_is_not_used_and_nothing_is_counted(scripted, write, monkeypatch):
    inner, safety = scripted()
    safety._owned = Owned(Owner())
    monkeypatch.setattr("os.getpid", lambda: 1)
    before = safety.pulses.counts.copy()
    with pytest.raises(UsageError, match="a bench belongs to the process that opened it"):
        safety.pulse(write, 1e-3)
    assert inner.calls == []
    np.testing.assert_array_equal(safety.pulses.counts, before)


class Owned:
    def __init__(self, owner):
        self.check_owner = owner.check


def test_what_fails_while_it_is_made_safe_is_added_to_the_error_that_counts(scripted, write):
    inner, safety = scripted()
    inner.raises = ValueError("first")

    def failing():
        raise InstrumentError("smu", "x", "still on")

    inner.make_safe = failing
    with pytest.raises(ValueError, match="first") as caught:
        safety.pulse(write, 1e-3)
    assert caught.value.__notes__ == ["smu at x: still on"]
    assert safety.state is State.SAFE


def test_what_the_crossbar_refuses_leaves_it_armed_and_is_not_counted(scripted, write):
    inner, safety = scripted()
    inner.raises = CannotDo("two channels")
    with pytest.raises(CannotDo):
        safety.pulse(write, 1e-3)
    assert safety.state is State.ARMED
    assert inner.calls == ["pulse"]
    assert safety.pulses.most == 0


def test_made_safe_by_another_thread_meanwhile_it_stays_safe(scripted, write):
    inner, safety = scripted()
    inner._call = lambda name: safety.make_safe() if name == "pulse" else None
    safety.pulse(write, 1e-3)
    assert safety.state is State.SAFE


def test_a_crossbar_that_is_not_armed_yet_is_safe(scripted):
    inner, safety = scripted()
    inner.armed = False
    assert Safety(inner, safety.envelope).state is State.SAFE


# -- limits


@pytest.mark.parametrize(
    ("limits", "rows", "seconds", "said"),
    [
        ({}, [1.0, 0.0], 1e-3, r"1 V across a cell; the limit is 0\.9 V \(limits\.cell_volts\)"),
        ({"line_amperes": 1e-3}, [0.5, 0.0], 1e-3, r"row 0 would draw 0\.0015 A .*0\.001 A \(limits\.line_amperes\)"),
        ({}, [0.5, 0.0], 0.2, r"0\.2 s is not within the limit of 0\.1 s \(limits\.pulse_seconds\)"),
        ({"pulse_joules": 1e-7}, [0.5, 0.0], 1e-3, r"put 2\.5e-07 J .*1e-07 J \(limits\.pulse_joules\)"),
    ],
)
def test_every_limit_is_refused_with_its_key(scripted, limits, rows, seconds, said):
    """Each case passes if the line of `Envelope.check` that it names is taken out."""
    inner, safety = scripted(**limits)
    bias = Bias(rows, np.zeros(3))
    assert safety.refusal(bias, seconds) is not None
    with pytest.raises(LimitExceeded, match=said):
        safety.pulse(bias, seconds)
    assert inner.calls == []
    assert safety.state is State.ARMED


def test_a_reading_that_may_disturb_has_the_limits_of_a_pulse(scripted):
    inner, safety = scripted()
    slow = ReadSettings(aperture_seconds=0.2)
    safety.measure(Bias([0.15, 0], np.zeros(3)), ALL, slow)
    with pytest.raises(LimitExceeded, match=r"0\.201 s .*limits\.pulse_seconds"):
        safety.measure(Bias([0.16, 0], np.zeros(3)), ALL, slow)
    assert inner.calls == ["measure"]


def test_amperes_of_lines_beside_floating_ones_are_taken_at_their_worst(scripted):
    _, safety = scripted(line_amperes=1e-3)
    with pytest.raises(LimitExceeded, match=r"row 0 would draw 0\.0012 A .*bias 1 of 2"):
        safety.pulse(Bias([[0.1, 0.0], [0.4, np.nan]], [[0, 0, 0], [np.nan, np.nan, 0]]), 1e-3)


def test_the_last_of_a_batch_is_checked_before_the_first_is_applied(scripted):
    inner, safety = scripted()
    rows = np.zeros((100, 2))
    rows[99, 0] = 0.91
    with pytest.raises(LimitExceeded, match="bias 99 of 100"):
        safety.pulse(Bias(rows, np.zeros(3)), 1e-3)
    assert inner.calls == []


# -- budgets


def test_pulses_count_for_the_cells_that_are_selected(scripted, batch):
    _, safety = scripted()
    safety.pulse(batch, 1e-3)
    np.testing.assert_array_equal(safety.pulses.counts.reshape(2, 3), [[2, 2, 2], [0, 0, 1]])
    safety.measure(Bias([0.0, 0.1], np.zeros(3)), ALL, ReadSettings(polarity="both"))
    assert safety.pulses.counts.sum() == 7
    safety.measure(Bias([0.0, 0.5], np.zeros(3)), ALL, ReadSettings(polarity="both"))
    np.testing.assert_array_equal(safety.pulses.counts.reshape(2, 3)[1], [2, 2, 3])


def test_pulses_of_a_broken_operation_stay_counted(scripted, batch):
    """They may have been given; counting behind the operation would lose them."""
    inner, safety = scripted()
    inner.raises = InstrumentError("smu", "x", "gone")
    with pytest.raises(InstrumentError):
        safety.pulse(batch, 1e-3)
    assert safety.pulses.counts.sum() == 7


def test_a_batch_beyond_the_budget_is_refused_whole_unless_allowed(scripted, batch, caplog):
    """Without the check of the ledger all pulses pass."""
    inner, safety = scripted(pulses_per_cell=10)
    for _ in range(4):
        safety.pulse(batch, 1e-3)
    assert caplog.messages == []
    safety.pulse(batch, 1e-3)
    assert caplog.messages == ["(0, 0) reaches 10 pulses; the budget is 10 (limits.pulses_per_cell)"]
    with pytest.raises(LimitExceeded, match=r"\(0, 0\) has had 10 pulses, and 2 more .*--over-budget"):
        safety.pulse(batch, 1e-3)
    assert len(inner.calls) == 5
    assert safety.pulses.most == 10
    safety.allow_over_budget()
    safety.pulse(batch, 1e-3)
    assert safety.pulses.most == 12
    assert len(caplog.messages) == 1


def test_a_snapshot_brings_the_counts_back(scripted, batch):
    _, safety = scripted()
    safety.pulse(batch, 1e-3)
    snapshot = safety.snapshot()
    safety.pulse(batch, 1e-3)
    _, other = scripted()
    other.restore(snapshot)
    assert other.pulses.counts.sum() == 7


class Switched:
    """A crossbar with two relays; each bias closes the second one."""

    shape, armed = (2, 3), True

    def __init__(self, inner, budget):
        self.limits, self.pulse, self.planned = inner.limits, inner.pulse, 0
        self.relays = {
            "matrix": Ledger(["1A01", "1A02"], budget, what="closures of a relay", limit="limits.closures_per_relay")
        }

    def closings(self, bias, lines):
        self.planned += 1
        return {"matrix": np.array([0, len(bias)])}


def test_relays_are_planned_only_near_their_budget_and_refused_at_it(scripted, batch):
    inner, safety = scripted()
    switched = Switched(inner, 100)
    safety = Safety(switched, safety.envelope)
    safety.pulse(batch, 1e-3)
    assert switched.planned == 0
    switched.relays["matrix"].counts[1] = 98
    with pytest.raises(LimitExceeded, match=r"1A02 has had 98 closures of a relay, and 3 more .*closures_per_relay"):
        safety.pulse(batch, 1e-3)
    assert inner.calls == ["pulse"]
    assert safety.pulses.counts.sum() == 7
