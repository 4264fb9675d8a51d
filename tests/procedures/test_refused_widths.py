"""A bench that cannot give a width says so before the first test pulse, of whichever cell it is, and none is left out."""

import numpy as np
import pytest

from labmtj.errors import ProcedureFailed
from labmtj.layer import Layer
from labmtj.quantities import Refusal
from labmtj.record import MemoryLog
from procedures.disturb.procedure import Disturb
from procedures.endurance.procedure import Endurance
from procedures.hysteresis.procedure import Hysteresis
from procedures.switching.procedure import SwitchingProbability
from procedures.write_errors.procedure import WriteErrors

REFERENCE_SECONDS = 1e-2


class Slow(Layer):
    """A bench of several units: cells of the first row are on one of them, all others are held by two."""

    def __init__(self, crossbar):
        super().__init__(crossbar)
        self.seconds = []

    def refusal(self, bias, seconds=0.0):
        other_rows = (np.nan_to_num(bias.row_volts)[:, 1:] != 0).any()
        if 0 < seconds < REFERENCE_SECONDS and other_rows:
            return Refusal(f"a pulse of {seconds:g} s is too short", "ask for longer ones")
        return super().refusal(bias, seconds)

    def pulse(self, bias, seconds):
        self.seconds.append(seconds)
        return super().pulse(bias, seconds)


@pytest.mark.parametrize(
    "procedure",
    [
        SwitchingProbability(widths_seconds=[1e-3, 1e-2], pulses=40), WriteErrors(), Endurance(cycles=10), Disturb(),
        Hysteresis(),
    ],
)  # fmt: skip
def test_a_width_that_only_some_cells_can_have_is_refused(make, procedure):
    crossbar = Slow(make((4, 4), seed=1))
    with pytest.raises(ProcedureFailed, match=r"pulses of 0\.001 s cannot be given: .* too short; ask for longer ones"):
        procedure.execute(crossbar, MemoryLog())
    assert set(crossbar.seconds) <= {REFERENCE_SECONDS}, "no pulse but those of the reference maps"


class TwoChannels(Layer):
    """A bench that can put two voltages on lines, one of them 0 V aside, and pulses like any other."""

    def __init__(self, crossbar):
        super().__init__(crossbar)
        self.pulses = 0

    def refusal(self, bias, seconds=0.0):
        different = max(len(set(np.round(volts[np.isfinite(volts)], 9)) - {0.0}) for volts in bias.line_volts)
        return (
            Refusal("no channel is left", "ask for fewer voltages") if different > 2 else super().refusal(bias, seconds)
        )

    def pulse(self, bias, seconds):
        self.pulses += seconds < REFERENCE_SECONDS
        return super().pulse(bias, seconds)


def test_a_kind_of_half_select_that_wants_more_channels_is_refused_before_the_first(make):
    crossbar = TwoChannels(make((4, 4), seed=1))
    with pytest.raises(ProcedureFailed, match=r"pulses of kind third cannot be given: .*; or leave it out of kinds"):
        Disturb(kinds=["half", "third"]).execute(crossbar, MemoryLog())
    assert crossbar.pulses == 0
