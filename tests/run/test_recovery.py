"""What an interrupted run on instruments left open, and the longest that its pulse can have lasted."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from labmtj.quantities import Bias, Flag, Limits
from labmtj.record import MemoryLog
from labmtj.record.intents import Intent, Unanswered
from labmtj.record.recorded import declare_tables
from labmtj.run.folder import RunFolder
from labmtj.run.plain import PlainCampaign
from labmtj.run.recovery import Interrupted
from labmtj.run.watched import outputs_off, why_ended
from labmtj.schema import Purpose
from labmtj.timestamps import Timestamp

INTENT = Intent(
    "chip", Bias([[0.3, 0.0]], [-0.3, 0.0]), 1e-3, 5.0, Timestamp("2026-01-01T00:00:00+00:00", 100.0, "b"),
    {"purpose": Purpose.WRITE, "solution": 3},
)  # fmt: skip


def at(seconds, boot="b"):
    return Timestamp("2026-01-01T00:00:30+00:00", seconds, boot)


@pytest.mark.parametrize(
    ("safe", "watchdog", "opened", "longest"),
    [
        (None, [], at(160.0), 60.0),
        (None, [at(99.0), at(100.25), at(130.0)], at(160.0), 0.25),  # one from before, and the first behind
        (at(100.5), [at(101.0)], at(160.0), 0.5),
        (None, [], at(4.0, "another"), 30.0),  # the machine was booted since: the wall clock
    ],
)
def test_a_pulse_lasted_at_most_until_outputs_were_off(safe, watchdog, opened, longest):
    log = MemoryLog()
    declare_tables(log, "chip", (2, 2))
    Interrupted([Unanswered(INTENT, safe)], watchdog).record(log, {"chip": None}, opened)
    rows = log.read("arrays/chip/pulses")
    assert rows["delivered_seconds"].tolist() == [longest]
    assert (rows["flags"] == Flag.UNKNOWN).all()
    assert (rows["purpose"].tolist(), rows["solution"].tolist(), rows["seconds"].tolist()) == ([4], [3], [1e-3])
    assert log.records[-1]["name"] == "outcome"


@pytest.mark.parametrize("name", ["watchdog.jsonl", "guardian.jsonl"])
def test_what_the_watchdog_left_is_read_as_far_as_it_came(tmp_path, name):
    """Also under the name that an older labmtj gave it."""
    folder = RunFolder(tmp_path)
    assert list(outputs_off(folder)) == []
    lines = [{"event": "at 0 V and off", **at(1.0).values()}, {"event": "outputs off", **at(2.0).values()}]
    text = "\n".join(map(json.dumps, lines)) + '\nnonsense\n{"event": "outputs off"}\n[1]\n{"event": "outp'
    (tmp_path / name).write_text(text)
    assert list(outputs_off(folder)) == [at(2.0)]
    assert why_ended(folder) == ""


def test_the_reason_why_the_watchdog_ended_the_last_part_of_a_run(tmp_path):
    folder = RunFolder(tmp_path)
    hung = "the run did not come back from pulsing within its lease of 12 s"
    for event, reason in ((hung, hung), ("the run has died", ""), (hung, hung)):
        with folder.watchdog.open("a") as file:
            file.write(json.dumps({"event": event, "pid": 1, "run": "r"}) + '\n{"event": "safe"}\n')
        assert why_ended(folder) == reason


def test_a_plain_procedure_has_every_cell_read_that_can_be():
    asked = []

    class Array:
        shape, limits = (3, 2), Limits(disturb_volts=0.05)

        def refusal(self, bias, seconds=0.0):
            return "tied to ground" if bias.row_volts[0, 1] else None

        def measure(self, bias, lines, how):
            asked.append(bias.row_volts)

    PlainCampaign(SimpleNamespace()).reverify_states(SimpleNamespace(arrays=("chip",)), {"chip": Array()}, {}, None)
    np.testing.assert_array_equal(asked, [[[0.05, 0, 0], [0, 0, 0.05]]])
