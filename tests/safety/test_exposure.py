"""Case F3: holds that follow each other without a return to 0 V are one exposure of a cell, in time and in energy."""

import numpy as np
import pytest

from labmtj.errors import LimitExceeded
from labmtj.quantities import FLOATING, Bias, Lines, ReadSettings

ONE = Bias([0.9, 0.0], np.zeros(3))
LINES = Lines(columns=(0,))
SECONDS, JOULES = r"limits\.pulse_seconds", r"limits\.pulse_joules"


def rows_at(*volts):
    """Return a batch that puts volts on row 0, one after another."""
    return Bias(np.outer(volts, [1.0, 0.0]), np.zeros((len(volts), 3)))


@pytest.mark.parametrize(
    ("bias", "how", "said"),
    [
        (ONE, ReadSettings(0.09, repeats=50), rf"cell \(0, 0\) .* 4\.55 s in one go, 0\.9 V.*limit is 0\.1 s \({SECONDS}"),
        (rows_at(*[0.9] * 50), ReadSettings(0.09), rf"4\.55 s .*{SECONDS}"),
        (rows_at(0.9, -0.9, 0.3, 0.2), ReadSettings(0.03), SECONDS),
        (ONE, ReadSettings(0.06, polarity="both"), SECONDS),  # it passes 0 V, and does not stay there
        (rows_at(0.1, 0.9, 0.9, 0.1), ReadSettings(0.06), SECONDS),
        (Bias([0.9, FLOATING], np.zeros(3)), ReadSettings(0.04, repeats=3), SECONDS),
        (Bias([[0.9, 0], [FLOATING, 0.9]], np.zeros((2, 3))), ReadSettings(0.06), SECONDS),
        (ONE, ReadSettings(0.03, repeats=3), rf"cell \(0, 0\) gets 7\.5\de-05 J .*limit is 5e-05 J \({JOULES}\)"),
        (rows_at(*[0.8] * 4), ReadSettings(0.023, 0.001), JOULES),
    ],
)  # fmt: skip
def test_what_is_one_exposure_is_refused_before_the_first_volt(scripted, bias, how, said):
    """At dd97226 each of them passes: shots were compared with the limits one by one."""
    inner, safety = scripted(pulse_joules=5e-5 if JOULES in said else 1e-3)
    with pytest.raises(LimitExceeded, match=said) as caught:
        safety.measure(bias, LINES, how)
    assert "was not applied" in str(caught.value)
    assert inner.calls == []


@pytest.mark.parametrize(
    ("bias", "how"),
    [
        (Bias([0.1, 0.0], np.zeros(3)), ReadSettings(0.5, repeats=1000, polarity="both")),  # a read: disturbs nothing
        (Bias([0.1, -0.1], np.zeros(3)), ReadSettings(0.02, repeats=50)),  # 0.2 V between rows, which no cell joins
        (rows_at(0.9, 0.0, 0.9, 0.1, 0.9), ReadSettings(0.06)),  # each ends before the next
        (Bias([[0.9, 0], [0, 0.9]], np.zeros((2, 3))), ReadSettings(0.06)),  # other cells
        (ONE, ReadSettings(0.03, repeats=3)),
    ],
)
def test_what_disturbs_nothing_or_comes_back_to_rest_is_read(scripted, bias, how):
    _, safety = scripted(pulse_joules=1e-3)
    assert safety.measure(bias, LINES, how) == "measure"


def test_every_call_ends_at_0_volt_and_begins_another_exposure(scripted):
    _, safety = scripted(pulse_joules=1e-3)
    for _ in range(5):
        safety.measure(ONE, LINES, ReadSettings(0.09))
    safety.pulse(rows_at(0.9, 0.9), 0.09)
