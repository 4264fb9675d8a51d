"""A bench checked: what answers, and what is wrong, by its name."""

import numpy as np
import pytest

from labmtj.bench.checks.check import check_text
from labmtj.bench.files.loading import load_any
from labmtj.errors import ProcedureFailed


def test_a_bench_is_checked_and_a_stuck_relay_is_named(with_resources, served_bench, is_safe):
    bench = with_resources()
    phases = []
    told = check_text(bench, load_any(bench), phases.append)
    assert phases == [f"checking bench {bench}: connecting and arming", "self-tests", "wiring", "contact"]
    assert "contact: 30 of 30 lines as expected" in told
    assert told.endswith("nothing wrong")
    served_bench.arm_fault("matrix:stuck_open:2-3-7")
    try:
        with pytest.raises(ProcedureFailed, match=r"column 6"):
            check_text(bench, load_any(bench))
    finally:
        served_bench.bench.network.relays["matrix"].mend()
    assert is_safe()


def test_a_line_without_contact_is_told_and_wrong_is_only_a_chip_without_any(with_resources, served_bench, is_safe):
    bench, relays = with_resources(), served_bench.bench.network.relays["matrix"]
    for row in (1, 2, 3):
        served_bench.arm_fault(f"matrix:stuck_open:2-{row}-7")
    try:
        told = check_text(bench, load_any(bench))
        assert "contact: 29 of 30" in told
        assert "column 6 is open" in told
        for row, column in np.ndindex(3, 15):
            relays.stick((1, row + 1, column + 1), closed=False)
        with pytest.raises(ProcedureFailed, match="no row has contact"):
            check_text(bench, load_any(bench))
    finally:
        relays.mend()
    assert is_safe()
