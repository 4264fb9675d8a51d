"""Rows 1 to 5 of the fault matrix for one driver: timeout, garbage, disconnect, restart, error queue.

Every message of one reading is spoilt in turn; the reading stays right. A restart and a complaint are reported.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import ClassVar

import numpy as np
import pytest

from labmtj.errors import InstrumentError
from labmtj.testing.benches import ServedBench, take
from labmtj.virtual.server.serving import ServedInstruments

SPOILT = (
    "late:%d:0.8", "lost:%d", "unheard:%d", "garbled:%d", "partial:%d", "empty:%d", "doubled:%d", "replaced:%d:9.91E37",
    "sentinel:%d", "sentinel:%d:NAN", "dropped:%d",
)  # fmt: skip
"""kinds of faults of one answer; 0.8 s is more than the patience with it"""


def row_of(fault: str) -> int:
    """Return the row of the fault matrix that a fault of an answer belongs to."""
    return {"late": 1, "lost": 1, "unheard": 1, "dropped": 3}.get(fault.split(":")[1], 2)


def messages_during(served: ServedInstruments, act: Callable[[], object]) -> list[tuple[str, int]]:
    """Return the messages that each instrument gets while something is done: (name, number from 1)."""
    before = {name: each.messages for name, each in served.served.items()}
    act()
    return [
        (name, number + 1)
        for name, each in served.served.items()
        for number in range(each.messages - before[name])
    ]  # fmt: skip


class UnitFaults:
    """To be derived from together with `UnitConformance`."""

    places: ClassVar[int] = 1
    """messages of a reading that each kind of fault is tried at, drawn by the name of the test; 0: at every one"""

    @pytest.mark.filterwarnings("ignore:read string doesn't end")  # of PyVISA, about half an answer
    @pytest.mark.parametrize("kind", SPOILT)
    def test_a_reading_is_right_whatever_message_is_spoilt(
        self, bench: ServedBench, kind: str, request: pytest.FixtureRequest
    ) -> None:
        with bench.opened() as opened:
            right = take(opened).amperes
            cases = messages_during(bench.served, lambda: take(opened))
            draw = random.Random(request.node.name)  # noqa: S311 - a choice of cases
            for name, number in draw.sample(cases, min(self.places or len(cases), len(cases))):
                bench.served.arm_fault(f"{name}:{kind % number}")
                np.testing.assert_array_equal(take(opened).amperes, right)
        assert not any(bench.volts())

    def test_a_restart_is_reported_until_the_bench_is_armed_anew(self, bench: ServedBench) -> None:
        with bench.opened() as opened:
            right = take(opened).amperes
            bench.served.bench.instruments["smu"].power_cycle()
            for _ in range(2):
                with pytest.raises(InstrumentError, match=r"smu at .*its settings are gone"):
                    opened.confirm()  # type: ignore[attr-defined]
            opened.make_safe()
            opened.arm()
            np.testing.assert_array_equal(take(opened).amperes, right)
        assert not any(bench.volts())

    @pytest.mark.parametrize("commands", [1, 100])
    def test_a_complaint_is_quoted(self, bench: ServedBench, commands: int) -> None:
        with bench.opened() as opened:
            bench.served.arm_fault(f"smu:upset:1:{commands}")
            with pytest.raises(InstrumentError, match=r"smu at .*\n?.*reports error -"):
                opened.confirm()  # type: ignore[attr-defined]
        assert not any(bench.volts())
