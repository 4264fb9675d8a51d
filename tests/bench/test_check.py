"""A bench checked: what answers, and what is wrong, by its name."""

import pytest

from labmtj.bench.check import check_text
from labmtj.bench.loading import load_any
from labmtj.errors import ProcedureFailed


def test_a_bench_is_checked_and_a_stuck_relay_is_named(with_resources, served_bench, is_safe):
    bench = with_resources()
    assert check_text(bench, load_any(bench)).endswith("ok")
    served_bench.arm_fault("matrix:stuck_open:2-3-7")
    try:
        with pytest.raises(ProcedureFailed, match=r"column 6"):
            check_text(bench, load_any(bench))
    finally:
        served_bench.bench.network.relays["matrix"].mend()
    assert is_safe()
