"""The small run itself: it works, it is small, and the assertions about it can fail."""

import numpy as np
import pytest


def test_the_small_run_is_small_and_right(reference):
    assert sum(reference["calls"].values()) <= 350, "every call is to be faulted, one run each"
    assert (reference["metrics"]["fidelity"] == 1).all()
    np.testing.assert_array_equal(reference["metrics"]["achieved"][-1], reference["states"])


def test_an_unsafe_bench_is_seen(rig):
    rig.served.bench.instruments["smu"].handle("smua.source.levelv = 0.2 smua.source.output = 1")
    with pytest.raises(AssertionError, match="an output is on"):
        rig.assert_safe()
