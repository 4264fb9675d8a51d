"""Intents: announced before the bench hears of a pulse, closed by its outcome, found again if they are not."""

import numpy as np
import pytest

from labmtj.errors import CannotDo, InstrumentError
from labmtj.quantities import Bias, Flag, Limits, Pulse, Waveform
from labmtj.record import JournalLog, JournalWriter
from labmtj.record.intents import OUTPUTS_OFF, Announced, unanswered
from labmtj.schema import Purpose
from labmtj.simulated import VirtualClock
from labmtj.timestamps import Timestamp

BIAS = Bias([[0.3, np.nan], [0.0, 0.2]], [-0.3, 0.0])


class Bench:
    """Asks the journal, at the moment of the pulse, what it knows of it; then does as told."""

    shape, limits, clock = (2, 2), Limits(), VirtualClock()

    def __init__(self, journal, outcome=None):
        self.journal, self.outcome, self.known = journal, outcome, []

    def pulse(self, bias, seconds):
        self.known = unanswered(self.journal)
        if self.outcome is not None:
            raise self.outcome
        flags = np.zeros(bias.line_volts.shape, np.uint8)
        return Pulse(bias, seconds, np.zeros(len(bias)), Waveform.square(bias, seconds), flags)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.lmj"


@pytest.fixture
def log(path):
    with JournalWriter.create(path) as writer:
        yield JournalLog(writer)


def test_the_bench_hears_of_a_pulse_when_its_intent_is_durable(path, log):
    bench = Bench(path)
    with log.tagged(Purpose.WRITE, 7):
        Announced(bench, log, "chip", log.commit).pulse(BIAS, 1e-3)
    (known,) = bench.known
    intent = known.intent
    assert (intent.array, intent.bias, intent.seconds) == ("chip", BIAS, 1e-3)
    assert intent.tags == {"purpose": Purpose.WRITE, "solution": 7}
    assert len(unanswered(path)) == 1  # until the outcome is durable, with its rows
    log.commit()
    assert unanswered(path) == []


def test_what_the_bench_refused_is_no_pulse(path, log):
    with pytest.raises(CannotDo):
        Announced(Bench(path, CannotDo("too short")), log, "chip", log.commit).pulse(BIAS, 1e-3)
    assert unanswered(path) == []


def test_what_broke_off_stays_open_whatever_comes_behind_it(path, log):
    broken = Announced(Bench(path, InstrumentError("smu", "X", "gone")), log, "chip", log.commit)
    with pytest.raises(InstrumentError):
        broken.pulse(BIAS, 1e-3)
    Announced(Bench(path), log, "chip", log.commit).pulse(BIAS, 2e-3)
    log.mark(OUTPUTS_OFF, Timestamp("2026-01-01T00:00:00+00:00").values())
    log.mark(OUTPUTS_OFF, Timestamp("2026-01-02T00:00:00+00:00").values())
    log.commit()
    (left,) = unanswered(path)
    assert left.intent.seconds == 1e-3
    assert left.safe.utc.startswith("2026-01-01")  # the first one bounds it


def test_a_pulse_of_unknown_outcome_tells_upper_bounds(path, log):
    bench = Bench(path)
    Announced(bench, log, "chip", log.commit).pulse(BIAS, 1e-3)
    pulse = bench.known[0].intent.at_most(0.4)
    assert (pulse.flags == Flag.UNKNOWN).all()
    assert pulse.delivered.step_seconds.tolist() == [[0.4], [0.4]]
    np.testing.assert_array_equal(pulse.delivered.line_volts[:, 0], BIAS.line_volts)
    assert pulse.seconds == 1e-3
