"""What every driver of a source-measure unit keeps to, tried with its virtual instrument over a socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from labmtj import verbs
from labmtj.errors import CannotDo, InstrumentError, LimitExceeded, UsageError
from labmtj.quantities import Flag
from labmtj.shots import Pulses, Shots, UnitFacts
from labmtj.testing.benches import ServedBench, serve, take, unit_bench
from labmtj.testing.instruments import InstrumentConformance, assert_sentence

LIMIT_AMPERES, HIGHEST_VOLTS = 1e-3, 1.0
LEVELS_VOLTS = (0.123456789012345, -0.000123)


class UnitConformance(InstrumentConformance):
    """Derive a test class from it that names a driver as a bench file does."""

    name = "smu"
    earlier: ClassVar[tuple[str, ...]] = ()
    """commands that an earlier user may have sent, each of which must do no harm to a reading"""

    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[ServedBench]:
        """Serve the virtual instrument."""
        with serve(unit_bench(tmp_path, self.driver, self.options)) as bench:
            yield bench

    @pytest.fixture
    def unit(self, bench: ServedBench) -> Iterator[verbs.SourceMeasureUnit]:
        """Connect; the instrument is identified and made safe afterwards."""
        with bench.session(self.name) as unit:
            yield unit
            unit.make_safe()

    @pytest.fixture
    def live(self, unit: verbs.SourceMeasureUnit) -> verbs.SourceMeasureUnit:
        """Limit the first channel and switch it on."""
        channel = unit.channels[0]
        unit.limit(channel, LIMIT_AMPERES, HIGHEST_VOLTS)
        unit.switch_output(channel, on=True)
        return unit

    def test_it_has_the_verbs_of_a_source_measure_unit(self, unit: verbs.SourceMeasureUnit) -> None:
        self.assert_verbs(unit, verbs.SourceMeasureUnit)

    @pytest.mark.parametrize("on", [False, True])
    def test_connecting_changes_nothing(self, bench: ServedBench, on: bool) -> None:
        before, outputs = bench.held(), [False]  # as after power-on
        if on:
            with bench.session(self.name) as unit:
                channel = unit.channels[0]
                unit.limit(channel, LIMIT_AMPERES, HIGHEST_VOLTS)
                unit.switch_output(channel, on=True)
                unit.level({channel: 0.2})
            before, outputs = bench.held(), [True]
        with bench.session(self.name) as unit:
            unit.self_test()
            assert bench.held() == before, "a level or a limit was changed by connecting"
            assert list(unit.outputs().values())[:1] == outputs, "an output was changed by connecting"
            unit.make_safe()

    def test_facts_hold_together(self, unit: verbs.SourceMeasureUnit) -> None:
        assert_facts(unit.facts)

    def test_an_output_needs_a_limit_first(self, bench: ServedBench, unit: verbs.SourceMeasureUnit) -> None:
        messages = bench.messages()
        with pytest.raises(UsageError, match="limit"):
            unit.switch_output(unit.channels[0], on=True)
        assert bench.messages() == messages

    def test_levels_arrive_without_loss(self, bench: ServedBench, live: verbs.SourceMeasureUnit) -> None:
        for volts in LEVELS_VOLTS:
            live.level({live.channels[0]: volts})
            assert bench.volts()[0] == pytest.approx(volts, rel=1e-5, abs=1e-9)

    def test_what_is_beyond_a_limit_is_refused_before_anything_is_sent(
        self, bench: ServedBench, live: verbs.SourceMeasureUnit
    ) -> None:
        _ = live.facts
        messages = bench.messages()
        for error, act in beyond_limits(live, HIGHEST_VOLTS):
            with pytest.raises(error):
                act()
        assert bench.messages() == messages

    def test_every_range_that_the_limit_allows_is_used_as_asked(self, live: verbs.SourceMeasureUnit) -> None:
        channel = live.channels[0]
        for scale in (each for each in live.facts.range_amperes if each <= LIMIT_AMPERES):
            read = live.read_currents((channel,), 0.02, scale)
            assert read.range_amperes.tolist() == [[pytest.approx(scale)]]
            assert not read.flags.any()

    def test_a_limit_in_control_is_flagged(self, live: verbs.SourceMeasureUnit) -> None:
        channel, scale = live.channels[0], live.facts.range_amperes
        live.switch_output(channel, on=False)
        live.limit(channel, min(each for each in scale if each >= 1e-6), HIGHEST_VOLTS)
        live.switch_output(channel, on=True)
        live.level({channel: 0.5})
        assert live.limited()[channel]
        assert live.read_currents((channel,), 0.02, None).flags[0, 0] & Flag.COMPLIANCE

    def test_shots_are_read_in_order_and_end_at_zero(self, bench: ServedBench, live: verbs.SourceMeasureUnit) -> None:
        channel, volts = live.channels[0], np.array([[0.05], [0.1], [-0.1]])
        read = live.run_shots(Shots((channel,), volts, (channel,), 1e-3, 0.02, None))
        assert read.amperes.shape == read.flags.shape == read.range_amperes.shape == (3, 1)
        assert not read.flags.any()
        np.testing.assert_allclose(read.amperes[:, 0] / read.amperes[0, 0], [1, 2, -2], rtol=0.1)
        assert (np.diff(read.start_seconds) > 0).all()
        assert bench.volts()[0] == 0.0

    def test_pulses_have_the_width_that_is_asked_for(self, bench: ServedBench, live: verbs.SourceMeasureUnit) -> None:
        channel, seconds = live.channels[0], max(0.02, 2 * live.facts.shortest_pulse_seconds)
        given = live.run_pulses(Pulses((channel,), np.array([[0.2], [-0.2]]), seconds))
        widths = (given.step_seconds * (given.step_volts[:, :, 0] != 0)).sum(axis=1)
        assert (widths > 0.98 * seconds).all()
        if live.facts.times_pulses:  # else messages do, and a busy computer takes its time
            assert (widths < 1.02 * seconds).all()
        np.testing.assert_allclose(np.abs(given.step_volts).max(axis=(1, 2)), 0.2)
        assert bench.volts()[0] == 0.0

    def test_settings_of_an_earlier_user_do_no_harm(self, bench: ServedBench) -> None:
        box = bench.served.bench.instruments[self.name]
        with bench.opened() as opened:
            right = take(opened).amperes
        for command in self.earlier:
            box.power_cycle()
            box.handle(command)
            try:
                with bench.opened() as opened:
                    np.testing.assert_array_equal(take(opened).amperes, right, err_msg=f"after {command}")
            except InstrumentError as error:  # refused is as good
                assert_sentence(error, self.name)

    @pytest.mark.parametrize("asked", [True, False])
    def test_it_is_safe_afterwards(self, bench: ServedBench, live: verbs.SourceMeasureUnit, asked: bool) -> None:
        live.level({live.channels[0]: 0.2})
        if asked:
            live.make_safe()
        else:
            live.send_safe()
            live.make_safe()  # the next message is after those that were sent unasked
        assert not any(live.outputs().values())
        assert not any(bench.volts())


def assert_facts(facts: UnitFacts) -> None:
    """Assert that what a driver says of its model holds together."""
    assert list(facts.range_amperes) == sorted(facts.range_amperes)
    assert 0 < facts.aperture_seconds[0] < 0.02 < facts.aperture_seconds[1]
    assert 45 <= facts.line_hertz <= 65
    assert facts.range_for(facts.range_amperes[2]) == facts.range_amperes[2]
    assert facts.over_range >= 1
    assert facts.shortest_pulse_seconds > 0
    assert facts.source_settle_seconds > 0


def beyond_limits(
    driver: verbs.SourceMeasureUnit, highest_volts: float
) -> list[tuple[type[Exception], Callable[[], object]]]:
    """Return what the first channel, limited to 1 mA and these volts, must refuse, with the error of each."""
    channel, facts = driver.channels[0], driver.facts
    volts = np.array([[highest_volts / 2], [-1.1 * highest_volts]])
    return [
        (LimitExceeded, lambda: driver.level({channel: 1.1 * highest_volts})),
        (LimitExceeded, lambda: driver.level({channel: float("nan")})),
        (LimitExceeded, lambda: driver.run_shots(Shots((channel,), volts, (channel,), 0.0, 0.02, None))),
        (LimitExceeded, lambda: driver.run_pulses(Pulses((channel,), volts, 0.1))),
        (CannotDo, lambda: driver.run_pulses(Pulses((channel,), volts / 2, facts.shortest_pulse_seconds / 2))),
        (CannotDo, lambda: driver.read_currents((channel,), facts.aperture_seconds[0] / 2, None)),
        (CannotDo, lambda: driver.read_currents((channel,), facts.aperture_seconds[1] * 2, None)),
        (CannotDo, lambda: driver.limit(channel, 2 * facts.highest_amperes, 1.0)),
        (CannotDo, lambda: driver.limit(channel, 1e-3, 2 * facts.highest_volts)),
        (UsageError, lambda: driver.level({"no such channel": 0.0})),
    ]
