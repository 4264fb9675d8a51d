"""Row 3: a connection ends at any call. It is opened anew, identity and settings are compared; else the bench goes safe.

Seen to fail: without `_reopen` in `Trust._reach`, without either comparison in `Trust._confirm`, and without the haste of
`trust.cleanup_deadline` (a dead instrument costs its whole patience, a minute).
"""

import time

import pytest

from labmtj.bench.session.trust import CLEANUP_SECONDS
from labmtj.errors import InstrumentError


@pytest.mark.parametrize("name", ["smu", "matrix"])
def test_a_connection_that_ends_at_any_call(run_with, reference, sample, tally, name):
    for line in sample(reference["answered"][name], 1):
        fault = f"{name}:dropped:{line}"
        with tally(3, fault):
            run_with(fault).assert_held()


def test_a_reading_whose_connection_ends_is_taken_again_over_a_new_one(run_with, ends, tally):
    with tally(3, "a reading"):
        outcome = run_with(f"smu:dropped:{ends['readings'][20]}")
        assert outcome.error is None
        outcome.assert_held()


def test_another_instrument_behind_the_same_address_is_not_used(rig, armed, take, tally):
    with tally(3, "another identity"):
        with pytest.raises(InstrumentError, match="is another instrument now"), armed(rig) as bench:  # noqa: PT012
            take(bench)
            rig.fault("smu:dropped")
            rig.fault("smu:replaced:/*IDN?/:Keithley Instruments Inc., Model 2636B, 99, 3.2.2")
            take(bench)
        rig.assert_safe()


@pytest.mark.parametrize("setting", ["smua.source.limiti = 1e-6", "smua.source.rangev = 20", "smub.source.output = 0"])
def test_settings_that_somebody_else_changed_meanwhile_are_noticed(rig, armed, take, tally, setting):
    with tally(3, setting):
        with pytest.raises(InstrumentError, match="its settings are gone"), armed(rig) as bench:  # noqa: PT012
            take(bench)
            rig.served.bench.instruments["smu"].handle(setting)
            rig.fault("smu:dropped")
            take(bench)
        rig.assert_safe()


@pytest.mark.parametrize(
    ("name", "left"), [("smu", ("output", "channel", "matrix closed")), ("matrix", ("matrix closed",))]
)
def test_an_instrument_that_is_gone_for_good_costs_little_time_and_no_other_its_safety(
    rigs, armed, take, tally, name, left
):
    rig = rigs(timeout=60.0)
    with tally(3, f"{name} gone"):
        with pytest.raises(InstrumentError, match="switch these off by hand") as caught, armed(rig) as bench:  # noqa: PT012
            take(bench)
            rig.served.servers[name].close()
            began = time.monotonic()
            try:
                bench.make_safe()
            finally:
                spent = time.monotonic() - began
        assert spent < 6 * CLEANUP_SECONDS, "half of its patience with one answer"
        assert f"{name} at TCPIP::127.0.0.1" in str(caught.value)
        assert rig.unsafe()
        assert all(each.startswith(left) or each == "an output is on" for each in rig.unsafe())
